"""A shop's export -> its products, its rejected rows, and the account of every row."""

from collections.abc import Mapping

from flux_assets.catalog.assembly import Assembly
from flux_assets.catalog.dialects import GOOGLE_MERCHANT, is_known_header, recognise_dialect
from flux_assets.catalog.layout import build_layout
from flux_assets.catalog.names import squash_name
from flux_assets.catalog.product import Catalog
from flux_assets.catalog.reader import read_table


def read_catalog(
    data: bytes, name: str, *, columns: Mapping[str, str | None] | None = None
) -> Catalog:
    """Read a whole export: every row becomes a product, a rejected row or a skipped one.

    Args:
        data: the file: CSV, TSV, or Google's RSS or Atom feed.
        name: the file's name, for messages.
        columns: a product field, or any further name for `Product.columns`, to the header that
            it is read from; None says that the export has no such column.

    Raises:
        CatalogError: the file as a whole cannot be read, or a column that is needed is missing.
    """
    columns = columns or {}
    wanted = {squash_name(header) for header in columns.values() if header}
    table = read_table(
        data,
        name,
        is_known=lambda header: is_known_header(header) or squash_name(header) in wanted,
    )
    dialect = GOOGLE_MERCHANT if table.is_feed else recognise_dialect(table.header)
    layout = build_layout(table.header, dialect, columns, name)
    assembly = Assembly(name=name, dialect=dialect, layout=layout, delimiter=table.delimiter)
    for row in table.rows:
        assembly.add(row)
    products = assembly.build_products()
    return Catalog(
        name=name,
        dialect=dialect.name,
        encoding=table.encoding,
        delimiter=table.delimiter,
        rows=assembly.rows,
        products=products,
        rejected_rows=tuple(assembly.rejected_rows),
        skipped=dict(assembly.skipped),
        warnings=(*table.warnings, *assembly.build_warnings()),
    )
