"""A file's bytes -> a table of text cells, whatever its encoding, delimiter or format."""

from flux_assets.catalog.delimited import read_delimited
from flux_assets.catalog.file_kinds import check_kind
from flux_assets.catalog.header import HeaderSearch, join_twins
from flux_assets.catalog.json_rows import is_json, read_json
from flux_assets.catalog.mojibake import has_signs, mend_table
from flux_assets.catalog.packed_files import unpack
from flux_assets.catalog.spreadsheets import is_workbook, read_workbook
from flux_assets.catalog.table import Table
from flux_assets.catalog.text_encoding import decode_text, readable_start
from flux_assets.catalog.xml_feed import declared_encoding, parse_feed


def read_table(
    data: bytes, name: str, names: HeaderSearch, *, encoding: str = "", sheet: str | int = ""
) -> Table:
    """Read CSV, TSV, JSON, a workbook or an XML feed, packed or not; every cell stays text.

    Args:
        data: the whole file.
        name: its name, for messages.
        names: which headers are known.
        encoding: of its text, where a person names it; empty to find it.
        sheet: of a workbook: its name, or its number from 1; empty for the first.

    Raises:
        CatalogError: the file is no catalog, or a damaged one.
    """
    data = unpack(data, name)
    check_kind(data, name)
    if is_workbook(data):
        return join_twins(mend_table(read_workbook(data, name, names, sheet=sheet)))
    start = readable_start(data)
    is_xml = start.startswith(b"<")
    declared = declared_encoding(start, name) if is_xml else ""
    decoded = decode_text(data, name, encoding=encoding, declared=declared)
    if is_xml:
        table = parse_feed(decoded, name)
    elif is_json(start):
        table = read_json(decoded, name)
    else:
        table = read_delimited(decoded, name, names)
        if not has_signs(decoded.text):  # which of a large file spares a look at every cell
            return join_twins(table)
    return join_twins(mend_table(table))
