"""A spreadsheet's number format, such as `00000` or `0.00 "kg"`, and a number -> what is shown."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

# The codes of the formats that a file names by a number only; dates are no numbers.
BUILT_IN = {
    1: "0",
    2: "0.00",
    3: "#,##0",
    4: "#,##0.00",
    9: "0%",
    10: "0.00%",
    **dict.fromkeys((5, 6), '"$"#,##0'),
    **dict.fromkeys((7, 8, 44), '"$"#,##0.00'),
    **dict.fromkeys((37, 38, 41, 42), "#,##0"),
    **dict.fromkeys((39, 40, 43), "#,##0.00"),
}
_LONGEST_CODE = 255
_LONGEST_NUMBER = 40
_PIECE = re.compile(
    r"\"(?P<quoted>[^\"]*)\"|\\(?P<escaped>.)|_.|\*.|\[\$(?P<currency>[^\]-]*)(?:-[^\]]*)?\]"
    r"|\[(?:black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)\]"
    r"|(?P<digit>[0#?])|(?P<point>\.)|(?P<group>,)|(?P<plain>[ %()+$€£¥:'-])|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)
_SECTION = re.compile(r"((?:\"[^\"]*\"|\\.|[^;])*)(?:;|\Z)")


@dataclass(frozen=True, slots=True)
class _Section:
    """`whole` and `rest` are what stands before and behind the point: digits' places and texts.

    A place is `0`, `#` or `?`; a text begins with a quotation mark.
    """

    whole: Sequence[str]
    rest: Sequence[str]
    percent: int
    thousands: int


def show_number(value: float, code: str) -> str:
    """What a sheet shows of a number; empty where the number alone is as good.

    Thousands are not grouped: an id is one word.
    """
    sections = _read(code)
    is_negative = value < 0
    section = sections[0]
    if is_negative and len(sections) > 1:
        section, is_negative = sections[1], False
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    if section is None:
        return ""
    number = Decimal(repr(abs(value))).scaleb(2 * section.percent - 3 * section.thousands)
    places = sum(piece in "0#?" for piece in section.rest)
    shown = f"{number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):f}"
    if len(shown) > _LONGEST_NUMBER:
        return ""
    whole, _, decimals = shown.partition(".")
    text = _fill_whole(section.whole, whole) + _fill_rest(section.rest, decimals)
    return f"-{text.strip()}" if is_negative and text.strip("0. ") else text.strip()


def _fill_whole(pieces: Sequence[str], digits: str) -> str:
    """The digits in their places, from the last one; what is left goes before the first."""
    left = digits.lstrip("0")
    filled = []
    first = next((at for at, piece in enumerate(pieces) if piece in "0#?"), None)
    for at in range(len(pieces) - 1, -1, -1):
        piece = pieces[at]
        if piece not in "0#?":
            filled.append(piece[1:])
        elif at == first:
            filled.append(left or ("0" if piece == "0" else ""))
        else:
            filled.append(left[-1:] or ("0" if piece == "0" else ""))
            left = left[:-1]
    return "".join(reversed(filled))


def _fill_rest(pieces: Sequence[str], decimals: str) -> str:
    digits = iter(decimals)
    filled = [next(digits, "") if piece in "0#?" else piece[1:] for piece in pieces]
    for at in range(len(pieces) - 1, -1, -1):
        if pieces[at] in "#?" and filled[at] == "0":
            filled[at] = ""
        elif pieces[at] in "0#?":
            break
    has_digits = any(text for text, piece in zip(filled, pieces, strict=True) if piece in "0#?")
    return "." * has_digits + "".join(filled)


@lru_cache(maxsize=1_000)
def _read(code: str) -> tuple[_Section | None, ...]:
    """The sections of a code, None for one that shows no plain number."""
    if len(code) > _LONGEST_CODE:
        return (None,)
    written = _SECTION.findall(code)[:4]
    # The last one found is the empty text behind the end.
    return tuple(map(_read_section, written[:-1][:3] or written[:1]))


def _read_section(code: str) -> _Section | None:
    whole: list[str] = []
    rest: list[str] = []
    pieces, percent, waiting, thousands = whole, 0, 0, 0
    for found in _PIECE.finditer(code):
        kind = found.lastgroup
        if kind == "other":
            return None  # a date, a fraction, a power of ten, a condition
        if kind == "digit":
            pieces.append(found["digit"])
            waiting = 0
        elif kind == "point":
            if pieces is rest:
                return None
            thousands, waiting, pieces = waiting, 0, rest
        elif kind == "group":
            waiting += 1
        elif kind is not None:
            percent += found["plain"] == "%"
            pieces.append(f'"{found[kind]}')
    if not whole and not rest:
        return None
    return _Section(tuple(whole), tuple(rest), percent, thousands + waiting)
