"""The export as last read: a file that has not changed since is not read into products again.

Of one that has changed, only those rows are that were not read so before.

What was read is the table of products; in a note of it stands of which file, and what there was to
tell of reading it, so that neither is ever of another file than the other.
"""

import hashlib
import json
import sys
from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flux_assets.catalog.known_families import ROWS_SHA256, ReadProducts
from flux_assets.catalog.product import Catalog, Product, RejectedRow
from flux_assets.catalog.read import read_new_products
from flux_assets.catalog.tables import PRODUCTS_COLUMNS, read_products
from flux_assets.errors import ObjectNotFoundError
from flux_assets.prompts.inputs import read_export, refuse_guess
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.frames import build_frame, hash_columns
from flux_assets.storage.merge_sources import replace_columns
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_merge import merge_rows
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

PRODUCTS_KEY = table_key("product_catalog.parquet")
"""The products of the last refresh."""

_PACKAGE = Path(__file__).parents[1]
_CODE = ("catalog", "encodings.py", "image_api/parameters.py", "storage/frames.py")
_LIBRARIES = (
    "beautifulsoup4",
    "charset-normalizer",
    "defusedxml",
    "ftfy",
    "pillow",
    "python-calamine",
    "xlrd",
)
_TOLD_BY_ID = frozenset({"unpublished", "variant_without_parent"})
"""Rows that are skipped and told one by one, which no account has."""

_NOTE = "reading"
_MOST_CHARACTERS = 2**18
"""Whoever opens the table reads its notes, too; so no account of many rejected rows is kept."""


class CatalogReading(NamedTuple):
    """An export's products as a table, and everything else that reading it gave.

    `account` has neither products nor the rows that were left out; `product_count` is how many
    there are. `columns_sha256` is of the table but for where in the file each product stands.
    """

    account: Catalog
    product_count: int
    products: StoredTable
    columns_sha256: str


def refresh_reading(
    settings: Settings, store: ObjectStore, shots: ShotsFile, *, keeps: bool = True
) -> CatalogReading:
    """The export's products: those of the last refresh, if they were read from the same bytes.

    Args:
        settings: which name the export.
        store: the shop's.
        shots: which say how it is read.
        keeps: whether its table is to be kept; else it is only looked at, and nothing is written.

    Raises:
        SourceError, CatalogError: it cannot be had, or is no catalog.
        SuspectedEncodingError: its letters are a guess.
        StoreError: the store cannot be read.
    """
    folder = _choose_folder(settings, store, keeps=keeps)
    return read_export(partial(_read, store, folder), settings, shots)


def find_products(
    settings: Settings, store: ObjectStore, shots: ShotsFile, product_ids: Collection[str]
) -> Mapping[str, Product]:
    """Some products by their ids, from the last refresh's table; none if the export is another now.

    Raises:
        SourceError: it cannot be had.
        StoreError: the store cannot be read.
    """
    found = read_export(partial(_find, store), settings, shots)
    if found is None:
        return {}
    try:
        rows = found.products.read(where=("product_id", product_ids))
    except NO_TABLE:
        return {}
    return {product.product_id: product for product in read_products(rows)}


def show_catalog(
    settings: Settings, store: ObjectStore, shots: ShotsFile, *, asks_by_id: bool
) -> tuple[Catalog, StoredTable]:
    """The export to be looked at only, without its products, and their table.

    Where the last refresh's products are taken, the catalog has no variants among `left_out`, of
    which nobody asks who names no product.

    Args:
        settings: which name the export.
        store: the shop's.
        shots: which say how it is read.
        asks_by_id: whether products are asked about by their ids, and so perhaps variants.

    Raises:
        SourceError, CatalogError: it cannot be had, or is no catalog.
        StoreError: the store cannot be read.
    """
    folder = _choose_folder(settings, store, keeps=False)
    return read_export(partial(_show, store, folder, asks_by_id), settings, shots)


def _choose_folder(settings: Settings, store: ObjectStore, *, keeps: bool) -> TableFolder | None:
    in_parts = settings.partition_by == "bucket"
    return TableFolder(store, PRODUCTS_KEY, None if keeps else {}) if in_parts else None


def _show(
    store: ObjectStore,
    folder: TableFolder | None,
    asks_by_id: bool,  # noqa: FBT001 - as above
    data: bytes,
    name: str,
    **how: Any,  # noqa: ANN401 - as above
) -> tuple[Catalog, StoredTable]:
    last = None if asks_by_id else _find(store, data, name, **how)
    if last and not last.account.skipped.keys() & _TOLD_BY_ID and last.products.is_whole():
        return last.account, last.products
    table, account, read = _read_new(store, data, name, finds_left_out=True, **how)
    return account, _merge(table, read, account, _digest(data, name, how), folder).products


def _read(
    store: ObjectStore,
    folder: TableFolder | None,
    data: bytes,
    name: str,
    **how: Any,  # noqa: ANN401 - as `read_catalog` takes it
) -> CatalogReading:
    last = _find(store, data, name, **how)
    if last and last.products.is_in_parts == (folder is not None) and last.products.is_whole():
        return last
    table, account, read = _read_new(store, data, name, finds_left_out=False, **how)
    refuse_guess(account)
    return _merge(table, read, account, _digest(data, name, how), folder)


def _read_new(
    store: ObjectStore,
    data: bytes,
    name: str,
    *,
    finds_left_out: bool,
    **how: Any,  # noqa: ANN401 - as above
) -> tuple[StoredTable, Catalog, ReadProducts]:
    """The last table, and what was read beside its rows."""
    table = _read_last(store)
    account, read = read_new_products(
        data,
        name,
        known=table.read(("product_id", ROWS_SHA256)),
        read_by=json.dumps([how, _code_sha256()], default=asdict),
        finds_left_out=finds_left_out,
        **how,
    )
    return table, account, read


def _read_last(store: ObjectStore) -> StoredTable:
    """The last table, if this release wrote its columns and none of it is damaged; else no rows."""
    columns = (*PRODUCTS_COLUMNS, ROWS_SHA256)
    try:
        last = open_table(store, PRODUCTS_KEY)
        if set(columns) <= set(last.column_names()) and last.is_whole():
            return last
    except (ObjectNotFoundError, *NO_TABLE):
        pass  # all is read anew
    return StoredTable(write_parquet(build_frame([], columns, numbers={"line"})))


def _merge(
    last: StoredTable,
    read: ReadProducts,
    account: Catalog,
    digest: str,
    folder: TableFolder | None,
) -> CatalogReading:
    """The reading, of products of the last table and of others."""
    import numpy as np

    lines = np.concatenate([last.read(("line",))["line"], read.built["line"]])
    count, columns_sha256 = len(read.places), hash_columns(_merge_columns(last, read))
    note = json.dumps(
        {
            "digest": digest,
            "account": asdict(replace(account, left_out={})),
            "product_count": count,
            "columns_sha256": columns_sha256,
        }
    )
    products = merge_rows(
        last,
        read.built,
        read.places,
        {_NOTE: note} if len(note) <= _MOST_CHARACTERS else {},
        folder=folder,
        complete=replace_columns({"line": read.lines}),
        differing=lines[read.places] != read.lines,
    )
    return CatalogReading(account, count, products, columns_sha256)


def _merge_columns(
    last: StoredTable, read: ReadProducts
) -> "Iterator[tuple[Hashable, pd.Series[str]]]":
    """All of them but for where a product stands in the file, one after the other."""
    import pandas as pd

    for name, column in read.built.items():
        if name not in {"line", ROWS_SHA256}:
            both = [last.read((str(name),))[name], column]
            yield name, pd.concat(both, ignore_index=True).iloc[read.places]


def _find(store: ObjectStore, data: bytes, name: str, **how: Any) -> CatalogReading | None:  # noqa: ANN401 - as above
    try:
        products = open_table(store, PRODUCTS_KEY)
        note = json.loads(products.read_notes().get(_NOTE, "{}"))
        if note.get("digest") != _digest(data, name, how):
            return None
    except (ObjectNotFoundError, *NO_TABLE):
        return None
    account = note["account"]
    rejected_rows = tuple(RejectedRow(**row) for row in account["rejected_rows"])
    told = {"products": (), "rejected_rows": rejected_rows, "warnings": tuple(account["warnings"])}
    return CatalogReading(
        account=Catalog(**account | told),
        product_count=note["product_count"],
        products=products,
        columns_sha256=note["columns_sha256"],
    )


def _digest(data: bytes, name: str, how: dict[str, Any]) -> str:
    """Of all that decides which products a file gives."""
    rules = json.dumps([name, how, _code_sha256()], default=asdict)
    return hashlib.sha256(hashlib.sha256(data).digest() + rules.encode()).hexdigest()


@cache
def _code_sha256() -> str:
    """Of what reads: this package's code, the libraries' releases, and Python's."""
    code = hashlib.sha256(sys.version.encode())
    for library in _LIBRARIES:
        code.update(f"{library}=={version(library)}".encode())
    for part in _CODE:
        path = _PACKAGE / part
        for file in sorted(path.rglob("*.*")) if path.is_dir() else [path]:
            if file.suffix != ".pyc":
                code.update(file.read_bytes())
    return code.hexdigest()
