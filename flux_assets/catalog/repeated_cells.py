"""Cells that stand in many rows, such as a colour or a category, are read and kept once."""

from collections.abc import Callable, Sequence
from functools import lru_cache

_LONGEST = 200
_MOST_READ = 4_096
_MOST_KEPT = 65_536


def remember_short(read: Callable[[str], str]) -> Callable[[str], str]:
    """Remember what was read of short cells; a file of long ones must not fill the memory."""
    remembered = lru_cache(maxsize=_MOST_READ)(read)

    def read_cell(text: str) -> str:
        return remembered(text) if len(text) <= _LONGEST else read(text)

    return read_cell


class SharedCells:
    """The first short cells of a file, which stand in all rows in place of their equals."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def share(self, cells: Sequence[str]) -> list[str]:
        """The same cells of one row."""
        if len(self._known) < _MOST_KEPT:
            for cell in cells:
                if len(cell) <= _LONGEST:
                    self._known.setdefault(cell, cell)
        return list(map(self._known.get, cells, cells))
