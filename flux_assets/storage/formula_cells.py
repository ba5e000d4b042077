"""Cells of the CSV files that we write: none of them may run as a spreadsheet's formula."""

import re

FORMULA = r"'*[=+\-@\t\r]"
"""How a cell begins that a spreadsheet could run, or would once a `'` is taken off."""

_FORMULA = re.compile(FORMULA)


def neutralise(text: str) -> str:
    """The text as a cell: behind one more `'` where a spreadsheet could run it."""
    return f"'{text}" if _FORMULA.match(text) else text


def read_neutralised(cell: str) -> str:
    """The text that such a cell stands for; one without its `'` stands for itself."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
