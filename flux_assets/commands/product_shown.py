"""A product as the terminal shows it."""

import textwrap
from collections.abc import Iterator

from rich.markup import escape

from flux_assets.commands.people import answers
from flux_assets.commands.product_facts import ProductFacts
from flux_assets.planning.one_product import OneShot

_LABEL = 12
_SHORT_DIGITS = 16
_NEXT = {
    "new": "the next refresh buys it",
    "changed": "the next refresh buys it anew",
    "accepted": "it is paid, and the next refresh fetches it",
}
_NOT_ASKED = {
    True: "the last refresh knew of no such shot",
    False: "the last refresh knew of no such product",
    None: "there was no refresh yet",
}
_ADDS_IT = " yet; the next refresh adds it"
_Line = tuple[str, object]


def show_product(facts: ProductFacts) -> None:
    """Print it, a line for each fact; what there is none of is left out."""
    known = facts.product.known
    title = escape(_one_line(facts.find_named("title")))
    answers.print(f"[bold]{escape(known.product_id)}[/]  {title}".rstrip(), soft_wrap=True)
    _tell(_list_facts(facts), indent=2)
    for shot in facts.shots:
        answers.print()
        answers.print(f"  [bold]{escape(shot.shot)}[/]")
        _tell(_list_of_shot(facts, shot), indent=4)
    answers.print()


def _list_facts(facts: ProductFacts) -> Iterator[_Line]:
    product = facts.product
    if product.known.in_catalog:
        yield "catalog", f"line {product.known.line}"
    elif product.known.in_catalog is None:
        yield "catalog", "no refresh has read it yet"
    elif product.shots:
        yield "catalog", "not in it any more: the last refresh found no such product"
    for row in product.rejected_rows:
        yield "rejected", f"line {row.line}, {row.column}: {row.message}"
    yield "category", facts.find_named("category")
    yield "former ids", ", ".join(map(ascii, product.known.ids[1:])) if product.known.line else ""
    yield "bucket", facts.bucket
    shown_in = {channel for it in product.shots for channel, _ in facts.list_showings(it.shot)}
    for channel, number in facts.published.editions.items():
        yield channel, "" if channel in shown_in else f"edition {number} does not show it"


def _list_of_shot(facts: ProductFacts, shot: OneShot) -> Iterator[_Line]:
    yield "status", _describe_status(facts, shot)
    yield from _list_of_ledger(shot)
    yield "override", _describe_override(shot)
    if shot.picture:
        yield from _list_of_picture(shot)
    made = facts.find_decision(shot)
    if made:
        why = "; ".join(filter(None, (*made.reasons, made.note)))
        yield "decision", f"{made.verdict} by {made.by}, {made.at}{f': {why}' if why else ''}"
    yield from _list_places(facts, shot)
    yield "review", facts.find_review(shot.shot)


def _list_places(facts: ProductFacts, shot: OneShot) -> Iterator[_Line]:
    """Where feeds show a picture of it, those of one channel and picture in a line."""
    current = shot.picture and shot.picture["request_fingerprint"]
    slots: dict[tuple[str, str, int], list[str]] = {}
    for channel, showing in facts.list_showings(shot.shot):
        where = channel, showing.picture.fingerprint, showing.since
        slots.setdefault(where, []).append(showing.slot)
    for (channel, fingerprint, since), names in slots.items():
        shown = "it" if fingerprint == current else f"another one, {fingerprint[:_SHORT_DIGITS]},"
        yield channel, f"shows {shown} as {', '.join(names)} since edition {since}"


def _describe_status(facts: ProductFacts, shot: OneShot) -> str:
    if shot.status == "not_asked":
        return f"not asked for: {_NOT_ASKED[facts.product.known.in_catalog]}"
    said = f"{shot.status} ({shot.reason})" if shot.status in _NEXT and shot.reason else shot.status
    more = _NEXT.get(shot.status, shot.reason)
    return f"{said}: {more}" if more else said


def _list_of_ledger(shot: OneShot) -> Iterator[_Line]:
    entry = shot.entry
    if entry is None:
        return
    sends = "sent once" if entry.attempts == 1 else f"sent {entry.attempts} times"
    when = f", {entry.modified_at:%Y-%m-%d %H:%M:%S} UTC" if entry.modified_at else ""
    twice = (
        f", possibly paid twice: {entry.possibly_paid_twice}" if entry.possibly_paid_twice else ""
    )
    reason = f": {entry.reason}" if entry.reason and entry.reason not in shot.reason else ""
    yield "ledger", f"{entry.state}, {sends}{when}{twice}{reason}"
    if shot.waiting:
        yield "send again", entry.release_command


def _describe_override(shot: OneShot) -> str:
    override, asked = shot.override, shot.asked
    given = {name: getattr(override, name) for name in ("take", "seed", "pin", "prompt", "skip")}
    said = ", ".join(f"{name} {value}" for name, value in given.items() if value not in {None, ""})
    if override.problem:
        said = f"not followed: {override.problem.message}"
    elif asked and (
        override.skip
        or override.take not in {None, asked.take}
        or not asked.fingerprint.startswith(override.pin)
    ):
        said += "; the next refresh follows it"
    return f"line {override.line}: {said}" if said else ""


def _list_of_picture(shot: OneShot) -> Iterator[_Line]:
    row = shot.picture or {}
    yield "picture", row["object_uri"]
    yield "url", row["url"]
    if not shot.in_manifest:
        is_new = shot.status == "stored"
        yield "", f"not in the manifest{_ADDS_IT if is_new else '; the newest that is stored'}"
    if shot.asked and shot.asked.fingerprint != row["request_fingerprint"]:
        yield "asked now", shot.asked.fingerprint
    yield "fingerprint", row["request_fingerprint"]
    size = f"{row['width_px']} x {row['height_px']} px, {row['size_bytes'] / 1000:.0f} kB"
    yield "made", f"{row['generated_at']}, {size}{', a sample' if row['mode'] == 'sample' else ''}"
    yield "seed", f"{row['seed']}, guidance {row['guidance']:g}, take {row['take']}"
    yield "model", row["model"]
    yield "uuid", row["uuid"]
    yield "photo", row["source_uri"]
    recognition = row["recognition"]
    if recognition is not None and recognition == recognition:  # noqa: PLR0124 - NaN
        yield "recognition", f"{recognition:.2f}"
    yield "appearance", row["appearance"]
    yield "warnings", row["warnings"]


def _tell(lines: Iterator[_Line], *, indent: int) -> None:
    """Print what says something; at a terminal, long texts go on below where they began."""
    begin = " " * (indent + _LABEL)
    for label, value in lines:
        text = _one_line(str(value))
        if not text:
            continue
        parts = [text]
        if answers.is_terminal:
            width = max(answers.width - len(begin), 20)
            # An address stays whole, to be copied.
            parts = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
        answers.print(f"{' ' * indent}{label:<{_LABEL - 1}} {escape(parts[0])}", soft_wrap=True)
        for part in parts[1:]:
            answers.print(escape(f"{begin}{part}"), soft_wrap=True)


def _one_line(text: str) -> str:
    return " ".join(text.split())
