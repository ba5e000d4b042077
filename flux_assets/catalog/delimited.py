"""CSV, TSV and their kin: text -> rows of cells, each with the line it starts on."""

import csv
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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
_SEPARATOR_LINE = re.compile(r"sep=(.)\s*", re.IGNORECASE)  # written by Excel, for Excel

_limit_lock = threading.Lock()


def read_delimited(decoded: Decoded, name: str, is_known: Callable[[str], bool]) -> Table:
    """Find the delimiter and the header; the rows follow as they are asked for.

    Args:
        decoded: the file's text.
        name: the file's name, for messages.
        is_known: whether a header is one of a shop's, which tells the true delimiter.

    Raises:
        CatalogError: there is no header.
    """
    _allow_fields_of(len(decoded.text))
    lines = _LINE.findall(decoded.text)
    first = next((number for number, line in enumerate(lines) if line.strip(" \t\r\n,;|")), None)
    if first is None:
        raise CatalogError(name, "has no header and no rows; export the catalog again")
    separator = _SEPARATOR_LINE.fullmatch(lines[first])
    if separator:
        first += 1
        delimiter = separator[1]
    else:
        delimiter = _detect_delimiter(lines[first:], is_known)
    reader = csv.reader(lines[first:], delimiter=delimiter, strict=True)
    try:
        header = next((cells for cells in reader if any(map(str.strip, cells))), None)
    except csv.Error as error:
        problem = "the header has a quotation mark that is not closed; export the catalog again"
        raise CatalogError(name, problem, line=first + 1) from error
    if header is None:
        raise CatalogError(name, "has no header; export the catalog again")
    return Table(
        encoding=decoded.encoding,
        delimiter=delimiter,
        header=tuple(cell.strip() for cell in header),
        rows=_Rows(name=name, lines=lines, delimiter=delimiter, width=len(header)).read_from(
            first + reader.line_num
        ),
        warnings=decoded.warnings,
    )


def _allow_fields_of(characters: int) -> None:
    """Let a cell be as long as the file.

    The limit is one for the whole process. It is only ever raised, so no other reader of CSV,
    in this thread or another, can fail for it.
    """
    with _limit_lock:
        csv.field_size_limit(max(csv.field_size_limit(), characters))


def _detect_delimiter(lines: Sequence[str], is_known: Callable[[str], bool]) -> str:
    """The delimiter that gives most known headers; what the rows look like can mislead."""

    def score(delimiter: str) -> tuple[int, int]:
        header = next(csv.reader(lines, delimiter=delimiter))
        return sum(map(is_known, header)), len(header)

    return max(_DELIMITERS, key=score)


@dataclass(slots=True, kw_only=True)
class _Rows:
    """The rows under a header that is `width` cells wide."""

    name: str
    lines: Sequence[str]
    delimiter: str
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
                        yield Row(position + 1, cells)
                    position = base + reader.line_num
            except csv.Error:
                self._count(position, base + reader.line_num)
                row, position = self._recover(position)
                yield row

    def _reader(self, start: int, end: int) -> "Reader":
        following = map(self.lines.__getitem__, range(start, min(end, len(self.lines))))
        return csv.reader(following, delimiter=self.delimiter, strict=True)

    def _count(self, start: int, end: int) -> None:
        self._read_again += end - start
        if self._read_again > _MAX_READINGS * len(self.lines) + 1000:
            problem = "has too many quotation marks that are not closed; export the catalog again"
            raise CatalogError(self.name, problem, line=start + 1)

    def _recover(self, start: int) -> tuple[Row, int]:
        """The row at `start` in spite of its quotation marks, and the line to go on from."""
        line = self.lines[start].rstrip("\r\n")
        lenient = csv.reader([line, ""], delimiter=self.delimiter)
        next(lenient)
        is_closed = lenient.line_num == 1
        cells = [_unquoted(cell) for cell in line.split(self.delimiter)]
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


def _unquoted(cell: str) -> str:
    text = cell.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        return text[1:-1].replace('""', '"')
    return cell
