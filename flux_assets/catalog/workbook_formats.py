"""How a workbook shows its numbers, which their values do not say: `00123`, `19%`, `12.50 kg`."""

import io
import posixpath
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import IO, Any

from defusedxml import ElementTree

from flux_assets.catalog.file_kinds import OLD_OFFICE_MARK
from flux_assets.catalog.number_formats import BUILT_IN, show_number

# A cell's row and column, from 0, and its number -> its text; empty where the number will do.
ShowNumber = Callable[[int, int, float], str]
Place = tuple[int, int]

_PLAIN = frozenset({"", "general", "@", "standard"})
_CELL = re.compile(rb"<(?:\w+:)?c\s([^>]*)>")
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_STYLE = re.compile(rb'\bs="(\d{1,6})"')
_OFFICE = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_TEXT = "{urn:oasis:names:tc:opendocument:xmlns:text:1.0}"
_VALUE_TYPE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
_SHOWN_TYPES = frozenset({"float", "percentage", "currency"})
_MOST_REPEATED = 1_000
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,' \u00a0\u202f][0-9]+)*")
_DAMAGED = (
    *(LookupError, ValueError, TypeError, AttributeError, AssertionError, StopIteration, OSError),
    *(struct.error, zlib.error, zipfile.BadZipFile, ElementTree.ParseError),
)


def read_formats(data: bytes, sheet: str) -> ShowNumber | None:
    """How the cells of one sheet show their numbers; None where the file is damaged there."""
    try:
        if data.startswith(OLD_OFFICE_MARK):
            return _by_code(_old_codes(data, sheet))
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if "content.xml" in archive.namelist():
                with archive.open("content.xml") as file:
                    return _by_text(dict(_walk_ods(file, sheet)))
            return _by_code(_xlsx_codes(archive, sheet))
    except _DAMAGED:
        return None


def _by_code(codes: Mapping[Place, str]) -> ShowNumber:
    return lambda row, column, value: (
        show_number(value, codes[row, column]) if (row, column) in codes else ""
    )


def _by_text(texts: Mapping[Place, str]) -> ShowNumber:
    return lambda row, column, value: _as_shown(texts.get((row, column), ""), value)


def _xlsx_codes(archive: zipfile.ZipFile, sheet: str) -> Mapping[Place, str]:
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = ElementTree.fromstring(archive.read("xl/styles.xml"))
    codes = {
        style: code
        for style, code in enumerate(_style_codes(styles))
        if code.casefold() not in _PLAIN
    }
    cells = archive.read(_sheet_path(archive, sheet)) if codes else b""
    return {place: codes[style] for place, style in _styled_cells(cells) if style in codes}


def _style_codes(styles: Any) -> Iterator[str]:  # noqa: ANN401 - the parser's has no types
    """The code of each style that cells name by its number."""
    written = {
        int(it.get("numFmtId")): it.get("formatCode") for it in styles.iterfind(".//{*}numFmt")
    }
    for style in styles.iterfind("./{*}cellXfs/{*}xf"):
        number = int(style.get("numFmtId", "0"))
        yield written.get(number) or BUILT_IN.get(number, "")


def _sheet_path(archive: zipfile.ZipFile, sheet: str) -> str:
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    wanted = next(it for it in book.iterfind(".//{*}sheet") if it.get("name") == sheet)
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    target = next(
        it.get("Target") for it in links if it.get("Id") == wanted.get(f"{_OFFICE}id", "")
    )
    return posixpath.normpath(posixpath.join("/xl", target or "")).lstrip("/")


def _styled_cells(xml: bytes) -> Iterator[tuple[Place, int]]:
    for cell in _CELL.finditer(xml):
        place, style = _PLACE.search(cell[1]), _STYLE.search(cell[1])
        if place and style:
            column = 0
            for letter in place[1]:
                column = column * 26 + letter - 64
            yield (int(place[2]) - 1, column - 1), int(style[1])


def _old_codes(data: bytes, sheet: str) -> Mapping[Place, str]:
    import xlrd
    from xlrd.biffh import XLRDError
    from xlrd.compdoc import CompDocError

    try:
        book = xlrd.open_workbook(
            file_contents=data, formatting_info=True, logfile=io.StringIO(), on_demand=True
        )
        found = book.sheet_by_name(sheet)
    except (XLRDError, CompDocError) as error:
        raise ValueError(str(error)) from error
    codes = [book.format_map[style.format_key].format_str for style in book.xf_list]
    return {
        (row, column): code
        for row in range(found.nrows)
        for column, cell in enumerate(found.row(row))
        if cell.ctype == xlrd.XL_CELL_NUMBER
        and (code := codes[cell.xf_index or 0])
        and code.casefold() not in _PLAIN
    }


def _walk_ods(file: IO[bytes], sheet: str) -> Iterator[tuple[Place, str]]:
    """The text of each cell that has a number."""
    row = column = 0
    is_wanted = False
    for event, element in ElementTree.iterparse(file, ("start", "end")):
        tag = element.tag
        if event == "start":
            if tag == f"{_TABLE}table":
                is_wanted, row = element.get(f"{_TABLE}name") == sheet, 0
            elif tag == f"{_TABLE}table-row":
                column = 0
        elif tag in {f"{_TABLE}table-cell", f"{_TABLE}covered-table-cell"}:
            repeated = int(element.get(f"{_TABLE}number-columns-repeated", "1"))
            if is_wanted and element.get(_VALUE_TYPE) in _SHOWN_TYPES:
                text = "\n".join("".join(it.itertext()) for it in element.iterfind(f"{_TEXT}p"))
                for place in range(column, column + min(repeated, _MOST_REPEATED)):
                    yield (row, place), text
            column += repeated
        elif tag == f"{_TABLE}table-row":
            row += int(element.get(f"{_TABLE}number-rows-repeated", "1"))
            element.clear()
        elif tag == f"{_TABLE}table" and is_wanted:
            return


def _as_shown(text: str, value: float) -> str:
    """A cell's text; of a mere number its zeros only, since languages group and part it so."""
    shown = text.strip()
    if not _NUMBER.fullmatch(shown):
        return "" if "E+" in shown else shown
    digits = re.sub(r"\D", "", shown)
    if value == int(value) and int(digits) == abs(int(value)):
        return shown if len(digits) > len(str(abs(int(value)))) else ""
    decimals = len(re.split(r"\D", shown)[-1])
    return f"{value:.{decimals}f}"
