"""The overrides file as it is written: its rows, and the file again with a few cells changed."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flux_assets.catalog.identity import normalise_id
from flux_assets.catalog.names import normalise_name
from flux_assets.errors import OverridesError
from flux_assets.storage.formula_cells import neutralise, read_neutralised

COLUMNS = ("product_id", "shot", "take", "seed", "prompt", "pin", "skip")

_REQUIRED = ("product_id", "shot")
_DELIMITERS = (",", ";", "\t")
_BYTE_ORDER_MARK = "\ufeff"
# str.splitlines would also split at characters that a cell may hold, such as U+2028.
_LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row's cells, and its lines in the file: from `start`, counted from 0, up to `end`."""

    start: int
    end: int
    cells: Sequence[str]

    @property
    def line(self) -> int:
        """The line that it starts on, counted from 1."""
        return self.start + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class OverridesTable:
    """The file's lines and the rows in them; `columns` holds where each column of ours is."""

    byte_order_mark: str
    delimiter: str
    lines: Sequence[str]
    header: Row
    columns: Mapping[str, int]
    rows: Sequence[Row]

    def cell(self, row: Row, column: str) -> str:
        """A cell's text without the white space around it; empty where there is no such cell."""
        place = self.columns.get(column)
        return "" if place is None or place >= len(row.cells) else row.cells[place].strip()

    def identity(self, row: Row) -> tuple[str, str]:
        """The product and shot that a row is about."""
        product_id = normalise_id(read_neutralised(self.cell(row, "product_id")))
        return product_id, self.cell(row, "shot")


def read_table(data: bytes, name: str) -> OverridesTable:
    """Find the delimiter, the header and the rows; a file without any row has all columns.

    Raises:
        OverridesError: it is no table with the columns that are needed.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise OverridesError(name, "is not UTF-8 text; save it as CSV UTF-8", line=line) from error
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    lines = _LINE.findall(text.removeprefix(mark))
    delimiter = _detect_delimiter(lines)
    rows = list(_read_rows(lines, delimiter, name))
    if not rows:
        return read_table(f"{mark}{','.join(COLUMNS)}\n".encode(), name)
    return OverridesTable(
        byte_order_mark=mark,
        delimiter=delimiter,
        lines=lines,
        header=rows[0],
        columns=_find_columns(rows[0], name),
        rows=rows[1:],
    )


def write_cells(
    table: OverridesTable, identity: tuple[str, str], values: Mapping[str, str]
) -> bytes:
    """The file with these cells changed in the row about one product and shot.

    The row, or a column that gets a value, is added where there is none; all else stays as it is
    written.
    """
    lines = list(table.lines)
    row = next((row for row in table.rows if table.identity(row) == identity), None)
    added = [column for column, value in values.items() if value and column not in table.columns]
    names = dict(enumerate(added, start=len(table.header.cells)))
    places = {**table.columns, **{column: place for place, column in names.items()}}
    changes = {places[column]: value for column, value in values.items() if column in places}
    if row:
        lines[row.start : row.end] = [_changed(table, row, changes)]
    else:
        product_id, shot = identity
        changes |= {places["product_id"]: neutralise(product_id), places["shot"]: shot}
        lines += _added_row(table, changes)
    lines[table.header.start : table.header.end] = [_changed(table, table.header, names)]
    return (table.byte_order_mark + "".join(lines)).encode()


def _detect_delimiter(lines: Sequence[str]) -> str:
    """The delimiter that gives most of our columns."""
    header = next((line for line in lines if line.strip()), "")

    def score(delimiter: str) -> int:
        cells = next(csv.reader([header], delimiter=delimiter))
        return sum(normalise_name(cell) in COLUMNS for cell in cells)

    return max(_DELIMITERS, key=score)


def _read_rows(lines: Sequence[str], delimiter: str, name: str) -> Iterator[Row]:
    """Every row that is not blank; a quotation mark left open would hide all rows after it."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    start = 0
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                yield Row(start=start, end=reader.line_num, cells=cells)
            start = reader.line_num
    except csv.Error as error:
        problem = f"the row that starts here cannot be read: {error}"
        raise OverridesError(name, problem, line=start + 1) from error


def _find_columns(header: Row, name: str) -> Mapping[str, int]:
    names = [normalise_name(cell) for cell in header.cells]
    for column in COLUMNS:
        if names.count(column) > 1 or (column in _REQUIRED and column not in names):
            count = "more than one" if column in names else "no"
            raise OverridesError(
                name,
                f"has {count} column {column}; its first row names product_id, shot and any of "
                "take, seed, prompt, pin and skip",
                line=header.line,
            )
    return {column: names.index(column) for column in COLUMNS if column in names}


def _changed(table: OverridesTable, row: Row, changes: Mapping[int, str]) -> str:
    """A row as it is written, but for these cells."""
    text = "".join(table.lines[row.start : row.end])
    content = text.rstrip("\r\n")
    delimiter = re.escape(table.delimiter)
    written = re.finditer(rf'(?:^|{delimiter})("(?:[^"]|"")*"|[^{delimiter}]*)', content)
    cells = [match[1] for match in written]
    for place, value in changes.items():
        if value or place < len(cells):
            cells += [""] * (place + 1 - len(cells))
            cells[place] = _quoted(value, table.delimiter)
    return table.delimiter.join(cells) + text[len(content) :]


def _quoted(value: str, delimiter: str) -> str:
    """A cell as it is written: in quotation marks where it holds what would end it."""
    if not any(sign in value for sign in (delimiter, '"', "\r", "\n")):
        return value
    doubled = value.replace('"', '""')
    return f'"{doubled}"'


def _added_row(table: OverridesTable, cells: Mapping[int, str]) -> list[str]:
    """The lines that a further row adds at the end."""
    header = table.lines[table.header.end - 1]
    line_end = header[len(header.rstrip("\r\n")) :] or "\n"
    buffer = io.StringIO()
    width = max(len(table.header.cells), max(cells) + 1)
    writer = csv.writer(buffer, delimiter=table.delimiter, lineterminator=line_end)
    writer.writerow([cells.get(place, "") for place in range(width)])
    is_closed = table.lines[-1].endswith(("\r", "\n"))
    return [buffer.getvalue()] if is_closed else [line_end, buffer.getvalue()]
