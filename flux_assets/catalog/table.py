"""An export as its file has it: a header and rows of text cells, before anything is understood."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple


class Row(NamedTuple):
    """One row's cells, and the physical line (from 1; a sheet's row number) that it starts on.

    `problem` says why the row could not be read; its cells are then not to be trusted.
    """

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class RowFindings:
    """The lines of rows to warn of, known once the rows were gone through."""

    mended: list[int] = field(default_factory=list)
    garbled: list[int] = field(default_factory=list)
    rounded: list[int] = field(default_factory=list)

    def build_warnings(self) -> list[str]:
        """What was read, but is not as it was meant."""
        garbled = (
            "rows have letters that an encoding damaged before the export, such as "
            "\u00c3\u00a9 or \ufffd, and are read as they are; mend them in the shop"
        )
        rounded = (
            "rows have a long number in scientific notation, since the spreadsheet rounded it; "
            "make that column text and export again"
        )
        texts = (
            (self.mended, "rows had text that was encoded twice, and were mended"),
            (self.garbled, garbled),
            (self.rounded, rounded),
        )
        return [f"{len(lines)} {text} ({_name(lines)})" for lines, text in texts if lines]


def _name(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    shown = ", ".join(map(str, lines[:10]))
    return f"first: line {lines[0]}; lines {shown}{' ...' if len(lines) > 10 else ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A header and its rows, which can be gone through once; a row may be shorter or longer.

    The delimiter of what is no delimited text is the empty string. `is_feed` says that the rows
    are the items of an RSS or Atom feed, `is_suspected` that the letters may be others.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: Iterable[Row]
    header_line: int | None = None
    warnings: tuple[str, ...] = ()
    is_feed: bool = False
    is_suspected: bool = False
    findings: RowFindings = field(default_factory=RowFindings)
