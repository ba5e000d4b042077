"""Cells that stand in many rows, such as a colour or a category, are read once."""

from collections.abc import Callable
from functools import lru_cache

_LONGEST = 200
_MOST = 4_096


def remember_short(read: Callable[[str], str]) -> Callable[[str], str]:
    """Remember what was read of short cells; a file of long ones must not fill the memory."""
    remembered = lru_cache(maxsize=_MOST)(read)

    def read_cell(text: str) -> str:
        return remembered(text) if len(text) <= _LONGEST else read(text)

    return read_cell
