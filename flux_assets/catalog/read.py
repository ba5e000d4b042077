"""A shop's export -> its products, its rejected rows, and the account of every row."""

from collections.abc import Mapping

from flux_assets.catalog.dialects import GOOGLE_MERCHANT, Dialect, recognise_dialect
from flux_assets.catalog.entries import read_entries
from flux_assets.catalog.families import group_families
from flux_assets.catalog.file_formats import read_table
from flux_assets.catalog.header import HeaderNames
from flux_assets.catalog.layout import Layout, build_layout
from flux_assets.catalog.product import Catalog, OneSetPer
from flux_assets.catalog.products import Assembly
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.starts import count_own_ids
from flux_assets.catalog.table import Table
from flux_assets.errors import CatalogError


def read_catalog(
    data: bytes,
    name: str,
    *,
    columns: Mapping[str, str | None] | None = None,
    one_set_per: OneSetPer = "product",
    include_unpublished: bool = False,
    encoding: str = "",
    sheet: str | int = "",
) -> Catalog:
    """Read a whole export: every row becomes a product, a rejected row or a skipped one.

    Args:
        data: the file: CSV, TSV, JSON, a workbook, or a feed in XML; packed by gzip or ZIP, or not.
        name: the file's name, for messages.
        columns: a product field, or any further name for `Product.columns`, to the header that
            it is read from; None says that the export has no such column.
        one_set_per: what is to have a set of pictures of its own, and so is a product: each
            product with all its variants; each of its colours, `<id>~<color>`; or each row but
            those that only add a picture or a translation to another.
        include_unpublished: whether drafts, archived and unpublished products are taken too.
        encoding: of the file's text, where a person names it; empty to find it.
        sheet: of a workbook: its name, or its number from 1; empty for the first.

    Raises:
        CatalogError: the file as a whole cannot be read, or a column that is needed is missing.
    """
    columns = columns or {}
    table = read_table(data, name, HeaderNames(columns), encoding=encoding, sheet=sheet)
    dialect = GOOGLE_MERCHANT if table.is_feed else recognise_dialect(table.header)
    layout = _lay_out(table, dialect, columns, name)
    account = Account(name=name)
    entries = read_entries(
        table,
        dialect=dialect,
        layout=layout,
        account=account,
        include_unpublished=include_unpublished,
    )
    families = group_families(entries, layout, account, takes_orphans=one_set_per == "row")
    assembly = Assembly(
        dialect=dialect,
        layout=layout,
        account=account,
        one_set_per=one_set_per,
        own_ids=count_own_ids(families, dialect, layout) if one_set_per == "row" else {},
    )
    for family in families:
        assembly.add(family)
    return Catalog(
        name=name,
        dialect=dialect.name,
        encoding=table.encoding,
        delimiter=table.delimiter,
        rows=account.rows,
        products=assembly.products,
        rejected_rows=tuple(sorted(account.rejected_rows, key=lambda row: row.line)),
        skipped=dict(account.skipped),
        warnings=(
            *table.warnings,
            *table.findings.build_warnings(),
            *account.build_warnings(),
        ),
        suspected_encoding=table.encoding if table.is_suspected else "",
    )


def _lay_out(
    table: Table, dialect: Dialect, columns: Mapping[str, str | None], name: str
) -> Layout:
    """The header, understood; what is wrong with it is told with its line."""
    try:
        return build_layout(table.header, dialect, columns, name)
    except CatalogError as error:
        raise CatalogError(name, error.problem, line=table.header_line) from error
