"""A shop's export -> its products, its rejected rows, and the account of every row."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.characters import show_halves
from flux_assets.catalog.dialect import Dialect
from flux_assets.catalog.dialects import recognise_dialect
from flux_assets.catalog.entries import Entry, read_entries
from flux_assets.catalog.families import Family, group_families
from flux_assets.catalog.file_formats import read_table
from flux_assets.catalog.header import HeaderSearch
from flux_assets.catalog.known_families import ROWS_SHA256, ReadProducts, build_products
from flux_assets.catalog.layout import Layout, build_layout
from flux_assets.catalog.product import Catalog, LeftOut, LeftOutReason, OneSetPer
from flux_assets.catalog.products import Assembly
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.starts import count_own_ids
from flux_assets.catalog.table import Table
from flux_assets.catalog.unknown_headers import check_rows_are_known
from flux_assets.errors import CatalogError
from flux_assets.storage.frames import text_column

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


def read_catalog(
    data: bytes,
    name: str,
    *,
    columns: Mapping[str, str | None] | None = None,
    one_set_per: OneSetPer = "product",
    include_unpublished: bool = False,
    encoding: str = "",
    sheet: str | int = "",
    rules: TextRules = TextRules(),  # noqa: B008 - it never changes
) -> Catalog:
    """Read a whole export: every row becomes a product, a rejected row or a skipped one.

    Args:
        data: the file: CSV, TSV, JSON, a workbook, or a feed in XML; packed by gzip or ZIP, or not.
        name: the file's name, for messages.
        columns: a product field, `row_type`, `parent`, `published`, or any further name for
            `Product.columns`, to the header that it is read from; None says that the export has
            no such column.
        one_set_per: what is to have a set of pictures of its own, and so is a product: each
            product with all its variants; each of its colours, `<id>~<color>`; or each row but
            those that only add a picture or a translation to another.
        include_unpublished: whether drafts, archived and unpublished products are taken too.
        encoding: of the file's text, where a person names it; empty to find it.
        sheet: of a workbook: its name, or its number from 1; empty for the first.
        rules: how titles and other texts are written.

    Raises:
        CatalogError: the file as a whole cannot be read, or a column that is needed is missing.
    """
    found = open_families(
        data,
        name,
        columns=columns or {},
        one_set_per=one_set_per,
        include_unpublished=include_unpublished,
        encoding=encoding,
        sheet=sheet,
        rules=rules,
    )
    built = chain.from_iterable(map(found.assembly.add, found.families))
    products = tuple(sorted(built, key=lambda product: product.line))
    left_out = _find_left_out(found, [product.product_id for product in products])
    return replace(_describe(found, name), products=products, left_out=left_out)


def read_new_products(
    data: bytes,
    name: str,
    *,
    known: "pd.DataFrame",
    read_by: str = "",
    finds_left_out: bool = False,
    **how: Any,  # noqa: ANN401 - as below
) -> tuple[Catalog, ReadProducts]:
    """The same as rows of a table, of which only those are built that another table has not.

    Each family's rows are forgotten once its products stand there, so the catalog has no
    `products`; and `left_out` only where that is asked for, since it takes more room.

    Args:
        data: as for `read_catalog`.
        name: likewise.
        known: the other table, with `product_id` and ROWS_SHA256; it may have no rows.
        read_by: what reads, and how: all else that a product follows from.
        finds_left_out: whether it is.
        how: as for `open_families`.

    Raises:
        CatalogError: as for `read_catalog`.
    """
    found = open_families(data, name, **how)
    _forget_entries(found, finds_left_out=finds_left_out)
    table = found.table
    what = json.dumps([read_by, table.header, found.assembly.dialect.name, table.is_feed])
    digests = text_column(known, ROWS_SHA256)
    read = build_products(found.families, found.assembly, digests, what)
    left_out = _find_left_out(found, _list_ids(known, read))
    return replace(_describe(found, name), left_out=left_out), read


def _list_ids(known: "pd.DataFrame", read: ReadProducts) -> Iterator[str]:
    product_ids = [*known["product_id"], *read.built["product_id"]]
    yield from map(product_ids.__getitem__, read.places.tolist())


def _forget_entries(found: "OpenedFamilies", *, finds_left_out: bool) -> None:
    """Keep those only that may be told as left out: a million rows take much room."""
    if not finds_left_out:
        found.entries.clear()
    elif found.assembly.one_set_per == "product":  # else no product need have its family's id
        told = {family.first.product_id for family in found.families}
        found.entries[:] = [entry for entry in found.entries if entry.product_id not in told]


class OpenedFamilies(NamedTuple):
    """An export as far as all rows of a product stand together; none is a product yet."""

    table: Table
    account: Account
    entries: list[Entry]
    families: list[Family]
    assembly: Assembly


def open_families(
    data: bytes,
    name: str,
    *,
    columns: Mapping[str, str | None],
    one_set_per: OneSetPer,
    include_unpublished: bool,
    encoding: str,
    sheet: str | int,
    rules: TextRules,
) -> OpenedFamilies:
    """Read an export up to the families of its rows; the rest is as for `read_catalog`."""
    table = read_table(data, name, HeaderSearch(columns), encoding=encoding, sheet=sheet)
    dialect = recognise_dialect(table.header, is_feed=table.is_feed)
    layout = _lay_out(table, dialect, columns, name)
    account = Account(name=name)
    entries = list(
        read_entries(table, layout=layout, account=account, include_unpublished=include_unpublished)
    )
    check_rows_are_known(entries, layout, name)
    families = group_families(entries, layout, account, takes_orphans=one_set_per == "row")
    assembly = Assembly(
        dialect=dialect,
        layout=layout,
        account=account,
        one_set_per=one_set_per,
        own_ids=count_own_ids(families, layout) if one_set_per == "row" else {},
        rules=rules,
    )
    return OpenedFamilies(table, account, entries, families, assembly)


def _describe(found: OpenedFamilies, name: str) -> Catalog:
    """All but the products, once every family was added."""
    table, account = found.table, found.account
    return Catalog(
        name=name,
        dialect=found.assembly.dialect.name,
        encoding=table.encoding,
        delimiter=table.delimiter,
        rows=account.rows,
        products=(),
        rejected_rows=tuple(sorted(account.rejected_rows, key=lambda row: row.line)),
        skipped=dict(account.skipped),
        warnings=(
            *table.warnings,
            *table.findings.build_warnings(),
            *account.build_warnings(),
        ),
        suspected_encoding=table.encoding if table.is_suspected else "",
    )


def _find_left_out(found: OpenedFamilies, product_ids: Iterable[str]) -> dict[str, LeftOut]:
    """What became of the ids that are no product's, for whoever asks for one of them."""
    if not found.entries:
        return {}
    told = {*product_ids, *(row.product_id for row in found.account.rejected_rows), ""}
    orphans = set(found.account.orphans)
    left_out: dict[str, LeftOut] = {}
    for row in found.entries:
        product_id = show_halves(row.product_id)
        if product_id in told:
            continue
        reason: LeftOutReason = "variant"
        if row.line in orphans:
            reason = "variant_without_parent"
        elif row.role.parent is None and not row.is_published:
            reason = "unpublished"
        left_out.setdefault(product_id, LeftOut(row.line, reason))
    return left_out


def _lay_out(
    table: Table, dialect: Dialect, columns: Mapping[str, str | None], name: str
) -> Layout:
    """The header, understood; what is wrong with it is told with its line."""
    try:
        return build_layout(table.header, dialect, columns, name)
    except CatalogError as error:
        guess = (
            f"; these letters are a guess ({table.encoding}): if they are others, name the file's "
            "encoding with FLUX_ASSETS_CATALOG_ENCODING, or export it as UTF-8"
        )
        problem = f"{error.problem}{guess if table.is_suspected else ''}"
        raise CatalogError(name, problem, line=table.header_line) from error
