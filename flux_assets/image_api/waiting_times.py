"""Sans-I/O: how long a 429 asks to wait, in every form that APIs say it.

One source is enough, and where several speak, the longest time that is needed counts: a call that
comes too soon is answered by another 429. A window with requests left is no reason to wait.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

DEFAULT_RETRY_SECONDS = 30.0
MIN_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 3600.0

_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_ONE = re.compile(
    r"(?:(?P<number>\d{1,12}(?:\.\d{1,9})?)\s*|\b(?:an?|one)\s+)"
    r"(?:(?P<ms>milliseconds?|msecs?|ms)|(?P<s>seconds?|secs?|s)|(?P<m>minutes?|mins?|m)"
    r"|(?P<h>hours?|hrs?|h)|(?P<d>days?|d))(?![a-z])",
    re.IGNORECASE,
)
_DURATION = rf"{_ONE.pattern}(?:[\s,]*(?:and\s+)?{_ONE.pattern})*"
_DURATION = re.sub(r"\?P<\w+>", "?:", _DURATION)
# What a sentence about waiting says; other durations in it may be the limit's own window.
_IN_TEXT = re.compile(
    r"\b(?:again|retry|retrying|wait|waiting|resets?|available)\b(?P<between>[^.;\d]{0,40}?)\b"
    rf"(?:(?P<duration>{_DURATION})|(?P<plain>\d{{1,6}}(?:\.\d{{1,6}})?)(?![\w:/.-]))",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"retry_?(?:after|in)(?:_?(?P<unit>ms|milliseconds|seconds?|secs?))?", re.IGNORECASE
)
_RESET_HEADER = re.compile(r"(?:[a-z]{1,20}-)?rate-?limit-(?:[\w-]{1,30}-)?reset(?:-[\w-]{1,30})?")
_WINDOW = re.compile(r"(?:\"[^\"]*\"|[\w*.-]+)((?:\s*;\s*[\w*-]+\s*=\s*[^,;]+)+)")
_SMALLEST_EPOCH = 1e9
_MILLISECONDS_FROM = 1e11


def parse_number(value: object) -> float | None:
    """A finite number given as a number or as text, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def retry_seconds(
    headers: Mapping[str, str], objects: Iterable[Mapping[str, object]], texts: Iterable[str]
) -> float:
    """How long to wait before the same call again, within MIN_ and MAX_RETRY_SECONDS.

    Args:
        headers: of the reply, names in any case. Moments are held against its own `Date`, the
            clock that they were made with.
        objects: of its body, those that may have a field for it.
        texts: of its body, short and of one line.
    """
    lowered = {name.lower(): text for name, text in headers.items()}
    now = _timestamp(lowered.get("date", ""))
    told = [
        *_in_fields(objects, now),
        *_in_texts(texts),
        *_in_retry_after(lowered, now),
        *_in_windows(lowered, now),
    ]
    seconds = max(told, default=DEFAULT_RETRY_SECONDS)
    return min(max(seconds, MIN_RETRY_SECONDS), MAX_RETRY_SECONDS)


def _in_fields(objects: Iterable[Mapping[str, object]], now: float | None) -> Iterator[float]:
    for fields in objects:
        for name, value in fields.items():
            if found := _FIELD.fullmatch(name):
                number = parse_number(value)
                if number is not None and (found["unit"] or "").lower().startswith("m"):
                    yield number / 1000
                elif (seconds := _seconds_of(value, now)) is not None:
                    yield seconds


def _in_texts(texts: Iterable[str]) -> Iterator[float]:
    for text in texts:
        for found in _IN_TEXT.finditer(text):
            yield float(found["plain"]) if found["plain"] else _sum(found["duration"])


def _in_retry_after(lowered: Mapping[str, str], now: float | None) -> Iterator[float]:
    milliseconds = parse_number(lowered.get("retry-after-ms"))
    if milliseconds is not None:
        yield milliseconds / 1000
    yield from _every(lowered.get("retry-after", ""), now)


def _in_windows(lowered: Mapping[str, str], now: float | None) -> Iterator[float]:
    """One header for each fact of a window, or one for all of them; several windows in both."""
    for name, text in lowered.items():
        if _RESET_HEADER.fullmatch(name):
            resets = list(_every(text, now))
            fact = "reset-after" if "reset-after" in name else "reset"
            left = lowered.get(name.replace(fact, "remaining"), "").split(",")
            remaining = [parse_number(part) for part in left]
            for place, seconds in enumerate(resets):
                if len(remaining) != len(resets) or not remaining[place]:
                    yield seconds
    for name in ("ratelimit", "x-ratelimit"):
        yield from _in_structured(lowered.get(name, ""))


def _in_structured(text: str) -> Iterator[float]:
    """`"default";r=0;t=30, ...`, or as its drafts once had it: `limit=9, remaining=0, reset=30`."""
    parts = [text] if "reset" in text.lower() else [found[1] for found in _WINDOW.finditer(text)]
    for part in parts:
        pairs = (pair.partition("=") for pair in re.split(r"[;,]", part))
        facts = {name.strip().lower(): parse_number(value) for name, _, value in pairs}
        seconds = facts.get("t", facts.get("reset"))
        if seconds is not None and not facts.get("r", facts.get("remaining")):
            yield seconds


def _every(text: str, now: float | None) -> Iterator[float]:
    """Every time in one header, where the same header was sent several times."""
    whole = _seconds_of(text, now)  # the comma of a date parts nothing
    for part in [text] if whole is not None else text.split(","):
        if (seconds := _seconds_of(part, now)) is not None:
            yield seconds


def _seconds_of(value: object, now: float | None) -> float | None:
    """From now on: a number, a duration such as `6m0s`, or a moment in any usual form."""
    number = parse_number(value)
    if number is not None and number < _SMALLEST_EPOCH:
        return number
    if number is not None:
        moment: float | None = number / 1000 if number >= _MILLISECONDS_FROM else number
    elif not isinstance(value, str):
        return None
    elif re.fullmatch(_DURATION, value.strip(), re.IGNORECASE):
        return _sum(value)
    else:
        moment = _timestamp(value)
    return None if moment is None or now is None else moment - now


def _sum(duration: str) -> float:
    return sum(_seconds(found) for found in _ONE.finditer(duration))


def _seconds(found: re.Match[str]) -> float:
    number = float(found["number"] or 1)
    return number * next(size for unit, size in _UNIT_SECONDS.items() if found[unit])


def _timestamp(text: str) -> float | None:
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            continue
    return None
