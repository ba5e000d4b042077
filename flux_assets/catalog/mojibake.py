"""Text that was encoded twice before it became a valid file: mended where that is certain."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from flux_assets.catalog.table import Row, RowFindings, Table

# What UTF-8's first and further bytes look like in Western, Central European and Cyrillic pages:
# one class of letters each, so that a file without any is searched fast.
_FIRST = "\xc2-\xf4ĂĹĽРС"
_FURTHER = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸŚŤŹśťźˇ˘ŁĄŞŻ˛łąş˝ľż\u0402-\u040f\u0452-\u045fҐґ"
_MAYBE = re.compile(f"[{_FIRST}][{_FURTHER}]")
_LOST = "\ufffd"
_PAGES = (
    *("latin-1", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250"),
    *("sloppy-windows-1254", "macroman", "cp437"),
)
_MOST_TIMES = 3


def has_signs(text: str) -> bool:
    """Whether some of a text may have been encoded twice, or lost letters."""
    return not text.isascii() and (_LOST in text or _MAYBE.search(text) is not None)


def mend_table(table: Table) -> Table:
    """The same table whose cells are mended where certain; `findings` names every such row."""
    return replace(
        table,
        header=tuple(_mend(text) for text in table.header),
        rows=_mend_rows(table.rows, table.findings),
    )


def _mend_rows(rows: Iterable[Row], findings: RowFindings) -> Iterator[Row]:
    for row in rows:
        for place, cell in enumerate(row.cells):
            if has_signs(cell):
                row.cells[place] = mended = _mend(cell)
                found = findings.mended if mended != cell else None
                if _is_garbled(mended):
                    found = findings.garbled
                if found is not None and found[-1:] != [row.line]:
                    found.append(row.line)
        yield row


def _mend(cell: str) -> str:
    """The text as it was; unchanged unless encoding it again gives this very cell."""
    from ftfy import fix_encoding

    if not has_signs(cell):
        return cell
    mended = fix_encoding(cell)
    return mended if mended != cell and _comes_of(mended, cell) else cell


def _comes_of(text: str, cell: str) -> bool:
    for page in _PAGES:
        again = text
        for _ in range(_MOST_TIMES):
            try:
                again = again.encode("utf-8").decode(page)
            except UnicodeError:  # half a character cannot be encoded, nor all bytes decoded
                break
            if again == cell:
                return True
    return False


def _is_garbled(cell: str) -> bool:
    from ftfy.badness import is_bad

    return _LOST in cell or (has_signs(cell) and bool(is_bad(cell)))
