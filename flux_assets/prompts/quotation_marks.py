"""Takes quotation marks of any script out of a text: the picture would show them as lettering."""

import re
from functools import cache

from flux_assets.prompts.wording import read_wording

INCH, FOOT = "\u2033", "\u2032"
"""The primes, which are no quotation marks, as what stands behind a measure."""

_FRACTIONS = frozenset("¼½¾⅓⅔⅛⅜⅝⅞")
_OPENS_AFTER = frozenset("([{/-\u2013\u2014")


def unquoted(text: str) -> str:
    """The text without quotation marks; apostrophes stay, and a measure's inch and foot marks.

    An inch mark becomes the prime ″, whatever sign it was written with: `15.6"` -> `15.6″`.
    """
    if _all_marks().isdisjoint(text):
        return text
    kept = _without_singles(_without_doubles(text.replace("''", '"')))
    return " ".join(kept.split())


@cache
def _all_marks() -> frozenset[str]:
    rules = read_wording()
    return frozenset(rules.double_marks + rules.other_marks + rules.single_marks)


@cache
def _pattern(marks: str) -> re.Pattern[str]:
    return re.compile(f"[{re.escape(marks)}]")


def _without_doubles(text: str) -> str:
    rules = read_wording()
    pieces: list[str] = []
    is_open = False
    end = 0
    for mark in _pattern(rules.double_marks + rules.other_marks).finditer(text):
        place = mark.start()
        pieces.append(text[end:place])
        end = place + 1
        before, after = text[place - 1 : place], text[end : end + 1]
        if mark[0] in rules.other_marks:
            continue
        if _is_digit(before) and not (is_open and not _closes_later(text, place)):
            pieces.append(INCH)
        elif not is_open and (not before or before.isspace() or before in _OPENS_AFTER):
            is_open = True
        else:
            is_open = False
            pieces.append(" " if before.isalnum() and after.isalnum() else "")
    return "".join((*pieces, text[end:]))


def _closes_later(text: str, place: int) -> bool:
    """Whether a mark inside a quotation is no end of it: the next one is, behind a word."""
    following = _pattern(read_wording().double_marks).search(text, place + 1)
    if following is None or not text[place + 1].isspace():
        return False
    return text[following.start() - 1].isalpha()


def _without_singles(text: str) -> str:
    characters = list(text)
    opened: int | None = None
    for mark in _pattern(read_wording().single_marks).finditer(text):
        place, character = mark.start(), mark[0]
        before, after = text[place - 1 : place], text[place + 1 : place + 2]
        if character == "'" and _is_digit(before) and not after.isalpha():
            characters[place] = FOOT
        elif before.isalnum() and after.isalnum():
            continue
        elif not before or before.isspace() or before in _OPENS_AFTER:
            opened = place
            if character != "'" or not after.isalnum():
                characters[place] = ""
        elif opened is not None:
            characters[opened] = characters[place] = ""
            opened = None
        elif character not in "'\u2019":
            characters[place] = ""
    return "".join(characters)


def _is_digit(character: str) -> bool:
    return character.isdecimal() or character in _FRACTIONS
