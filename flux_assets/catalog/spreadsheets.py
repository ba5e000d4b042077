"""A workbook's bytes (.xlsx, .xls, .ods) -> rows of text cells, each with its row number."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from flux_assets.catalog.file_kinds import OLD_OFFICE_MARK, ZIP_MARK
from flux_assets.catalog.header import HeaderSearch, find_header
from flux_assets.catalog.names import clean_header
from flux_assets.catalog.table import Row, RowFindings, Table
from flux_assets.catalog.workbook_formats import ShowNumber, read_formats
from flux_assets.errors import CatalogError

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_EXACT_UP_TO = 10**15  # a spreadsheet keeps fifteen digits of a number, and zeros after them
_UNSHOWN = (
    "the formats of this workbook's numbers cannot be read, so 00123 may have become 123; save it "
    "as .xlsx or CSV UTF-8"
)
_SCIENTIFIC = re.compile(r"\d(?:[.,]\d+)?E\+?\d+")
_MAX_CELLS = 40_000_000  # the reader takes room for all between the first and the last
_COLUMN = re.compile(rb'\br="([A-Z]{1,3})\d')
_ROW = re.compile(rb'<(?:\w+:)?row\b[^>]*?\br="(\d{1,7})"')
_ODS_TAG = re.compile(rb"<table:(?:table(-row|-cell)?|covered-table(-cell))(?=[\s/>])[^>]*>")
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="(\d{1,9})"')


def is_workbook(data: bytes) -> bool:
    """Whether the file is a workbook; of ZIP archives, only such are left after unpacking."""
    return data.startswith((ZIP_MARK, OLD_OFFICE_MARK))


def read_workbook(data: bytes, name: str, names: HeaderSearch, *, sheet: str | int = "") -> Table:
    """Read one sheet; every cell as the text that it shows, dates as ISO 8601.

    Args:
        data: the whole file.
        name: its name, for messages.
        names: which headers are known.
        sheet: the sheet's name, or its number from 1; the first that is shown, if empty.

    Raises:
        CatalogError: it cannot be read, or has no such sheet, or no row there.
    """
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    _check_extent(data, name)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            chosen = _choose_sheet(workbook, name, sheet)
            values = chosen.to_python(skip_empty_area=False)
    except PasswordError as error:
        raise CatalogError(name, "is a workbook with a password; save it without") from error
    except (CalamineError, OSError, ValueError) as error:
        problem = f"is a workbook that cannot be read ({error}); save it as .xlsx or CSV UTF-8"
        raise CatalogError(name, problem) from error
    findings = RowFindings()
    shows = read_formats(data, chosen.name)
    found = find_header(_read_rows(values, shows or _as_it_is, findings), names)
    if found is None:
        raise CatalogError(
            name, f"has no row in the sheet {chosen.name!r}; name another with `sheet:`"
        )
    header, rows = found
    return Table(
        encoding="workbook",
        delimiter="",
        header=tuple(map(clean_header, header.cells)),
        rows=rows,
        header_line=header.line,
        warnings=() if shows else (_UNSHOWN,),
        findings=findings,
    )


def _as_it_is(_row: int, _column: int, _value: float) -> str:
    return ""


def _choose_sheet(workbook: "CalamineWorkbook", name: str, sheet: str | int) -> "CalamineSheet":
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    known = workbook.sheet_names
    if isinstance(sheet, str) and sheet in known:
        return workbook.get_sheet_by_name(sheet)
    number = int(sheet) if str(sheet).isascii() and str(sheet).isdigit() else 0
    if 1 <= number <= len(known):
        return workbook.get_sheet_by_index(number - 1)
    if sheet != "":
        shown = ", ".join(map(repr, known[:20]))
        problem = f"has no sheet {sheet!r}, as `sheet:` in the shots file says; it has {shown}"
        raise CatalogError(name, problem)
    for place, found in enumerate(workbook.sheets_metadata):
        is_sheet = found.typ == SheetTypeEnum.WorkSheet
        if is_sheet and found.visible == SheetVisibleEnum.Visible:
            return workbook.get_sheet_by_index(place)
    raise CatalogError(name, "is a workbook without a sheet of cells; export the catalog again")


def _read_rows(
    values: Sequence[Sequence[Any]], shows: ShowNumber, findings: RowFindings
) -> Iterator[Row]:
    for row, cells in enumerate(values):
        texts = [
            cell if type(cell) is str else _show(cell, row, column, shows)
            for column, cell in enumerate(cells)
        ]
        if any(map(_SCIENTIFIC.fullmatch, texts)):
            findings.rounded.append(row + 1)
        if any(texts):
            yield Row(row + 1, texts)


def _show(value: object, row: int, column: int, shows: ShowNumber) -> str:
    """A cell's text; a number that was rounded in scientific notation, as the sheet shows it."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        is_exact = abs(value) < _EXACT_UP_TO
        return (is_exact and shows(row, column, value)) or _show_number(value)
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return value.date().isoformat() if is_day else value.isoformat(" ", "seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _show_number(value: float) -> str:
    if abs(value) >= _EXACT_UP_TO:
        digits, _, exponent = f"{value:.14E}".partition("E")
        return f"{digits.rstrip('0').rstrip('.')}E{exponent}"
    if value == int(value):
        return str(int(value))
    text = f"{value:.15g}"
    return f"{value:.20f}".rstrip("0") if "e" in text else text


def _check_extent(data: bytes, name: str) -> None:
    """Refuse a sheet whose last cell is so far off that all between would fill the memory."""
    if not data.startswith(ZIP_MARK):
        return  # the old format has 65,536 rows of 256 cells at most
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.namelist():
            extent = 0
            if part.startswith("xl/worksheets/"):
                extent = _extent(archive.read(part))
            elif part == "content.xml":
                extent = _ods_extent(archive.read(part))
            if extent > _MAX_CELLS:
                problem = "has cells too far off for a catalog; delete what is beyond the rows"
                raise CatalogError(name, problem)


def _extent(xml: bytes) -> int:
    """How many cells there are up to the last row and column that have one."""
    columns = max((_number(letters) for letters in set(_COLUMN.findall(xml))), default=1)
    rows = max(map(int, _ROW.findall(xml)), default=1)
    return columns * rows


def _ods_extent(xml: bytes) -> int:
    """As `_extent`; empty rows and cells at the end count for nothing."""
    largest = row = column = width = 0
    for tag in _ODS_TAG.finditer(xml):
        repeated = _REPEATED.search(tag[0])
        count = int(repeated[1]) if repeated else 1
        if tag[1] == b"-row":
            row, column = row + count, 0
        elif tag[1] or tag[2]:
            column += count
            if b"value-type" in tag[0]:
                width = max(width, column)
                largest = max(largest, row * width)
        else:
            row = width = 0
    return largest


def _number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
