"""The first sentence of a text in any script: what describes, before what sells."""

import re
from functools import cache

from flux_assets.prompts.wording import read_wording

_LAST_WORD = re.compile(r"\S+\Z")
_MAX_ORDINAL_DIGITS = 2
_MAX_PART_CHARACTERS = 3
_LONGEST_WORD = 60
_BEFORE_A_WORD = "(["
_QUOTES = "\"'\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb"


def first_sentence(text: str) -> str:
    """The text up to its first sentence's end, which is kept; all of it where none ends.

    Abbreviations (`Approx.`, `z. B.`, `No. 5`), ordinals (`der 2. Stuhl`) and decimals end none,
    nor does a mark before a small letter.
    """
    stripped = text.strip()
    for mark in _ends().finditer(stripped):
        if _is_end(stripped, mark):
            return stripped[: mark.end()]
    return stripped


@cache
def _ends() -> re.Pattern[str]:
    rules = read_wording()
    closing = f"[{re.escape(rules.closing)}]*"
    narrow = rf"[{re.escape(rules.ends)}]+{closing}(?=\s)"
    return re.compile(rf"{narrow}|[{re.escape(rules.wide_ends)}]+(?![0-9\uff10-\uff19]){closing}")


def _is_end(text: str, mark: re.Match[str]) -> bool:
    rules = read_wording()
    if mark[0][0] in rules.wide_ends:
        return True
    following = text[mark.end() : mark.end() + _LONGEST_WORD].lstrip()
    following = following.lstrip(_BEFORE_A_WORD + _QUOTES)
    if following[:1].islower():
        return False
    return mark[0] != "." or not _is_shortened(text[: mark.start()], following)


def _is_shortened(before: str, following: str) -> bool:
    """Whether the full stop between two words belongs to the first one."""
    rules = read_wording()
    words = before[-2 * _LONGEST_WORD :].lower().split()[-2:]
    word = words[-1].lstrip(_BEFORE_A_WORD + _QUOTES) if words else ""
    if word.isdigit():
        previous = words[0] if len(words) > 1 else ""
        is_alone = not previous or previous in rules.before_ordinals
        return len(word) <= _MAX_ORDINAL_DIGITS and is_alone
    if following[:1].isdigit() and word in rules.before_numbers:
        return True
    parts = word.split(".")
    is_run = len(parts) > 1 and all(0 < len(part) <= _MAX_PART_CHARACTERS for part in parts)
    is_letter = len(word) == 1 and word.isalpha() and word.isascii()
    return word in rules.abbreviations or is_letter or (is_run and word.replace(".", "").isalpha())
