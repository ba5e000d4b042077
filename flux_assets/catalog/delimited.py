"""CSV, TSV and their kin: text -> rows of cells, each with the line it starts on."""

import csv
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING

from flux_assets.catalog.header import SEARCHED_ROWS, HeaderSearch, is_blank, is_help
from flux_assets.catalog.names import clean_header
from flux_assets.catalog.table import Row, Table
from flux_assets.catalog.text_encoding import Decoded
from flux_assets.errors import CatalogError

if TYPE_CHECKING:
    from _csv import Reader  # the csv module gives the class no public name

_DELIMITERS = (",", ";", "\t", "|")
_MAX_LINES_OF_A_TRIED_ROW = 200
# How often, in all, a hostile file can make its own lines be read again.
_MAX_READINGS = 20
# str.splitlines would also split at characters that a cell may hold, such as U+2028.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
# Written by Excel, for Excel; another program may have put it in quotes, or filled the row up.
_SEPARATOR_LINE = re.compile(r"\"?sep=(.)\"?\1*\s*", re.IGNORECASE)

_limit_lock = threading.Lock()


def read_delimited(decoded: Decoded, name: str, names: HeaderSearch) -> Table:
    """Find the delimiter and the header; the rows follow as they are asked for.

    Args:
        decoded: the file's text.
        name: the file's name, for messages.
        names: which headers are known, which tells the header and the true delimiter.

    Raises:
        CatalogError: there is no header.
    """
    _allow_fields_of(len(decoded.text))
    lines = _LINE.findall(decoded.text)
    first = next((number for number, line in enumerate(lines) if line.strip(" \t\r\n,;|")), None)
    if first is None:
        raise CatalogError(name, "has no header and no rows; export the catalog again")
    separator = _SEPARATOR_LINE.fullmatch(lines[first])
    delimiters: Sequence[str] = _DELIMITERS
    if separator:
        first += 1
        delimiters = separator[1]
    delimiter, start = _find_header(lines, first, delimiters, names)
    quote = _find_quote(islice(lines, start, start + SEARCHED_ROWS), delimiter)
    reader = csv.reader(
        islice(lines, start, None), delimiter=delimiter, quotechar=quote, strict=True
    )
    try:
        header = next((cells for cells in reader if not is_blank(cells)), None)
        header = header and _unwrap(header, delimiter)
    except csv.Error as error:
        problem = "the header has a quotation mark that is not closed; export the catalog again"
        raise CatalogError(name, problem, line=start + 1) from error
    if header is None:
        raise CatalogError(name, "has no header; export the catalog again")
    below = start + _lines_of_help(reader)
    return Table(
        encoding=decoded.encoding,
        delimiter=delimiter,
        header=tuple(map(clean_header, header)),
        rows=_Rows(
            name=name, lines=lines, delimiter=delimiter, quote=quote, width=len(header)
        ).read_from(below),
        header_line=start + 1,
        warnings=decoded.warnings,
        is_suspected=decoded.is_suspected,
    )


def _lines_of_help(reader: "Reader") -> int:
    """How many lines were read with the rows of help below the header, which are left out."""
    lines = reader.line_num
    try:
        while is_help(next(reader, ())):
            lines = reader.line_num
    except csv.Error:  # it is told of when the rows are read
        return lines
    return lines


def _allow_fields_of(characters: int) -> None:
    """Let a cell be as long as the file.

    The limit is one for the whole process. It is only ever raised, so no other reader of CSV,
    in this thread or another, can fail for it.
    """
    with _limit_lock:
        csv.field_size_limit(max(csv.field_size_limit(), characters))


def _find_header(
    lines: Sequence[str], first: int, delimiters: Sequence[str], names: HeaderSearch
) -> tuple[str, int]:
    """The delimiter that gives the best header, and the place of its line.

    What the rows look like can mislead, so the first of them tell only by the names they have.
    """

    def locate(delimiter: str) -> tuple[tuple[int, int, int], str, int]:
        reader = csv.reader(
            islice(lines, first, first + _MAX_LINES_OF_A_TRIED_ROW), delimiter=delimiter
        )
        rows, starts, start = [], [], first
        for cells in reader:
            if not is_blank(cells):
                rows.append(_unwrap(cells, delimiter))
                starts.append(start)
            start = first + reader.line_num
            if len(rows) == SEARCHED_ROWS:
                break
        if not rows:
            return (0, 0, 0), delimiter, first
        place, match = names.choose(rows)
        return (match.rank, match.known, len(rows[place])), delimiter, starts[place]

    _, delimiter, start = max(map(locate, delimiters), key=itemgetter(0))
    return delimiter, start


def _find_quote(lines: Iterable[str], delimiter: str) -> str:
    """The mark that cells stand in: a double one, unless all in sight are single ones.

    A header in single ones, with such a cell below it, says so; or a row that begins with two such
    cells. A cell that merely begins with an apostrophe, as `'00125`, does not.
    """
    sight = [line.strip() for line in lines if line.strip()]
    parted = re.escape(delimiter)
    if not sight or any(re.search(rf'(?:^|{parted})"', line) for line in sight):
        return '"'
    quoted = rf"'(?:[^']|'')*+'(?={parted}|$)"
    header, *rows = sight
    if re.fullmatch(rf"{quoted}(?:{parted}{quoted})+", header):
        is_single = any(re.search(rf"(?:^|{parted}){quoted}", row) for row in rows)
    else:
        is_single = bool(rows) and re.match(rf"{quoted}{parted}{quoted}", rows[0]) is not None
    return "'" if is_single else '"'


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The rows under a header that is `width` cells wide."""

    name: str
    lines: Sequence[str]
    delimiter: str
    quote: str
    width: int
    _read_again: int = field(default=0, init=False)

    def read_from(self, start: int) -> Iterator[Row]:
        """Every row, and in place of each that cannot be read, one that says so.

        Strict reading notices a quotation mark that is never closed, or closed in the middle
        of a later row, which would swallow the rows between without a word.
        """
        position = start
        while position < len(self.lines):
            base = position
            reader = self._reader(position, len(self.lines))
            try:
                for cells in reader:
                    if cells:
                        yield Row(position + 1, self._unwrap_row(cells))
                    position = base + reader.line_num
            except csv.Error:
                self._count(position, base + reader.line_num)
                row, position = self._recover(position)
                yield row

    def _unwrap_row(self, cells: list[str]) -> list[str]:
        if len(cells) == 1 < self.width:
            unwrapped = _unwrap(cells, self.delimiter)
            return unwrapped if len(unwrapped) == self.width else cells
        return cells

    def _reader(self, start: int, end: int) -> "Reader":
        following = map(self.lines.__getitem__, range(start, min(end, len(self.lines))))
        return csv.reader(following, delimiter=self.delimiter, quotechar=self.quote, strict=True)

    def _count(self, start: int, end: int) -> None:
        self._read_again += end - start
        if self._read_again > _MAX_READINGS * len(self.lines) + 1000:
            problem = "has too many quotation marks that are not closed; export the catalog again"
            raise CatalogError(self.name, problem, line=start + 1)

    def _recover(self, start: int) -> tuple[Row, int]:
        """The row at `start` in spite of its quotation marks, and the line to go on from."""
        line = self.lines[start].rstrip("\r\n")
        lenient = csv.reader([line, ""], delimiter=self.delimiter, quotechar=self.quote)
        next(lenient)
        is_closed = lenient.line_num == 1
        cells = [_unquoted(cell, self.quote) for cell in line.split(self.delimiter)]
        if is_closed and len(cells) == self.width:
            return Row(start + 1, cells), start + 1
        resume = start + 1
        while resume < len(self.lines) and not self._begins_row(resume):
            resume += 1
        lost = f"line {resume}" if resume == start + 1 else f"lines {start + 1} to {resume}"
        problem = (
            f"a quoted cell is not closed as it should be, so {lost} could not be read; write "
            "each quotation mark inside a quoted cell twice"
        )
        return Row(start + 1, cells, problem), resume

    def _begins_row(self, start: int) -> bool:
        """Whether a whole row starts here, rather than the rest of a broken one."""
        reader = self._reader(start, start + _MAX_LINES_OF_A_TRIED_ROW)
        try:
            return len(next(reader)) >= self.width
        except csv.Error:
            return False
        finally:
            self._count(start, start + reader.line_num)


def _unwrap(cells: list[str], delimiter: str) -> list[str]:
    """The cells of a line that a spreadsheet took for a single cell, and put in quotes."""
    line, *further = cells
    if any(further) or delimiter not in line or "\n" in line or "\r" in line:
        return cells
    return next(csv.reader([line], delimiter=delimiter), cells)


def _unquoted(cell: str, quote: str) -> str:
    text = cell.strip()
    if len(text) > 1 and text[0] == text[-1] == quote:
        return text[1:-1].replace(2 * quote, quote).replace(f"\\{quote}", quote)
    return cell
