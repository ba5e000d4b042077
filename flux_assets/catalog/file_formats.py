"""A file's bytes -> a table of text cells, whatever its encoding, delimiter or format."""

from collections.abc import Callable

from flux_assets.catalog.delimited import read_delimited
from flux_assets.catalog.table import Table
from flux_assets.catalog.text_encoding import (
    check_is_text,
    declared_encoding,
    decode_text,
    is_xml,
)
from flux_assets.catalog.xml_feed import parse_feed


def read_table(data: bytes, name: str, *, is_known: Callable[[str], bool]) -> Table:
    """Read CSV, TSV or Google's RSS or Atom feed; every cell stays the text it is.

    Args:
        data: the whole file.
        name: its name, for messages.
        is_known: whether a header is one of a shop's.

    Raises:
        CatalogError: the file is no catalog, or a damaged one.
    """
    check_is_text(data, name)
    if not is_xml(data):
        return read_delimited(decode_text(data, name), name, is_known)
    declared = declared_encoding(data)
    if declared:
        return parse_feed(data, name, encoding=declared)
    decoded = decode_text(data, name)
    return parse_feed(decoded.text, name, encoding=decoded.encoding, warnings=decoded.warnings)
