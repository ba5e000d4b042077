"""Characters that show nothing: gone from every text that a catalog gives."""

import re
import unicodedata

# Soft hyphens, zero-width and joining characters, marks of direction, fillers, and what only
# says how the character before it is shown.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffc\U000e0000-\U000e0fff]"
)
_HALVES = "\ud800-\udfff"
_HALF = re.compile(f"[{_HALVES}]")
_CONTROLS = re.compile(f"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f{_HALVES}]")
# Every white space but those that ASCII has, which part words and lines as they stand.
_OTHER_BLANK = re.compile("[\x85\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")


def without_invisible(text: str) -> str:
    """The text without characters that show nothing; a no-break space is a blank."""
    if text.isascii() or (text.isprintable() and not _INVISIBLE.search(text)):
        return text
    return _OTHER_BLANK.sub(_as_blank, _INVISIBLE.sub("", text))


def without_controls(text: str) -> str:
    """The text without control characters, which terminals obey; tabs and line ends stay.

    Halves of a character go as well: JSON can have them, as where a shop cuts a title in the
    middle of an emoji, and no file of text.
    """
    return text if text.isprintable() else _CONTROLS.sub("", text)


def has_half(text: str) -> bool:
    """Whether a text has half a character, and so can stand in no file."""
    return not text.isprintable() and _HALF.search(text) is not None


def show_halves(text: str) -> str:
    """The text with U+FFFD for each half of a character, as browsers write it in an address."""
    return text if text.isprintable() else _HALF.sub("\ufffd", text)


def _as_blank(found: re.Match[str]) -> str:
    return "\n" if found[0] in "\x85\u2028\u2029" else " "


def nfc(text: str) -> str:
    """The text in Unicode's composed form, in which one letter is written in one way."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def nfd(text: str) -> str:
    """The text in Unicode's decomposed form, as file systems and some exporters write it."""
    return text if text.isascii() else unicodedata.normalize("NFD", text)
