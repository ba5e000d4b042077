"""A shop's export -> its products, its rejected rows, and the account of every row."""

from collections.abc import Mapping

from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.dialects import GOOGLE_MERCHANT, is_known_header, recognise_dialect
from flux_assets.catalog.entries import read_entries
from flux_assets.catalog.families import group_families
from flux_assets.catalog.file_formats import read_table
from flux_assets.catalog.layout import build_layout
from flux_assets.catalog.names import squash_name
from flux_assets.catalog.product import Catalog, OneSetPer
from flux_assets.catalog.products import Assembly
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.starts import count_own_ids


def read_catalog(
    data: bytes,
    name: str,
    *,
    columns: Mapping[str, str | None] | None = None,
    one_set_per: OneSetPer = "product",
    include_unpublished: bool = False,
    rules: TextRules = TextRules(),  # noqa: B008 - it never changes
) -> Catalog:
    """Read a whole export: every row becomes a product, a rejected row or a skipped one.

    Args:
        data: the file: CSV, TSV, or Google's RSS or Atom feed.
        name: the file's name, for messages.
        columns: a product field, or any further name for `Product.columns`, to the header that
            it is read from; None says that the export has no such column.
        one_set_per: what is to have a set of pictures of its own, and so is a product: each
            product with all its variants; each of its colours, `<id>~<color>`; or each row but
            those that only add a picture or a translation to another.
        include_unpublished: whether drafts, archived and unpublished products are taken too.
        rules: how titles and other texts are written.

    Raises:
        CatalogError: the file as a whole cannot be read, or a column that is needed is missing.
    """
    columns = columns or {}
    wanted = {squash_name(header) for header in columns.values() if header}
    table = read_table(
        data, name, is_known=lambda it: is_known_header(it) or squash_name(it) in wanted
    )
    dialect = GOOGLE_MERCHANT if table.is_feed else recognise_dialect(table.header)
    layout = build_layout(table.header, dialect, columns, name)
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
        rules=rules,
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
        warnings=(*table.warnings, *account.build_warnings()),
    )
