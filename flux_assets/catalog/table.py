"""An export as its file has it: a header and rows of text cells, before anything is understood."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One row's cells, and the physical line (from 1) that it starts on.

    `problem` says why the row could not be read; its cells are then not to be trusted.
    """

    line: int
    cells: list[str]
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A header and its rows, which can be gone through once; a row may be shorter or longer.

    The delimiter of an XML feed is the empty string.
    """

    encoding: str
    delimiter: str
    header: tuple[str, ...]
    rows: Iterable[Row]
    warnings: tuple[str, ...] = ()

    @property
    def is_feed(self) -> bool:
        """Whether the rows are the items of an XML feed."""
        return not self.delimiter
