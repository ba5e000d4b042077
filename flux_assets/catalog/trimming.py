"""Takes signs off the ends of a text, but for those that belong to a number there."""

import re

_SIGNS = "-\u2010-\u2013\u2212+\u00b1~\u2248"
_OF_A_NUMBER = re.compile(rf"(?<![{_SIGNS}.,])[{_SIGNS}]?[.,]?\Z")
_BEGINS_NUMBER = re.compile("[\\d\u00bc-\u00be\u2150-\u215e]")


def trim(text: str, characters: str | None = None) -> str:
    """The text without these characters at its ends, else without blanks there."""
    return trim_start(text, characters).rstrip(characters)


def trim_start(text: str, characters: str | None = None) -> str:
    """The text without these characters before it: `- -40 °C` is `-40 °C`, and `.5 l` stays.

    One sign and one decimal separator stay where they stand directly before a number, and not
    behind others of their kind: `...5 ways` is `5 ways`.
    """
    bare = text.lstrip(characters)
    if len(bare) == len(text) or not _BEGINS_NUMBER.match(bare):
        return bare
    sign = _OF_A_NUMBER.search(text[: len(text) - len(bare)])
    return f"{sign[0]}{bare}" if sign else bare
