"""How a shop's export is recognised by its headers."""

from collections.abc import Collection
from functools import cache

from flux_assets.catalog.dialect import Dialect, DialectTable
from flux_assets.catalog.dialect_table import read_table
from flux_assets.catalog.header_names import HeaderNames


@cache
def load_dialects() -> DialectTable:
    """Read `dialects.toml`, once."""
    return read_table()


@cache
def _known_names() -> frozenset[str]:
    table = load_dialects()
    return frozenset(
        name
        for dialect in (*table.dialects, table.generic)
        for names in (*dialect.fields.values(), *dialect.columns.values())
        for name in names
    )


def is_known_header(header: str) -> bool:
    """Whether some dialect gives this header a meaning."""
    return not _known_names().isdisjoint(HeaderNames([header]).names)


def recognise_dialect(headers: Collection[str], *, is_feed: bool = False) -> Dialect:
    """The dialect that these headers are of; if of no shop's, a feed is Google's, else generic."""
    names = HeaderNames(headers)
    table = load_dialects()
    for dialect in table.dialects:
        for signature in dialect.signatures:
            if all(any(map(names.has, any_of)) for any_of in signature):
                return dialect
    return table.dialects[-1] if is_feed else table.generic
