"""The manifest as it lies in the store: whole, or in parts under one index."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.bill.caps import ProductDrop
from flux_assets.catalog.identity import normalise_id
from flux_assets.errors import ObjectNotFoundError
from flux_assets.manifest.csv_file import write_manifest_csv
from flux_assets.manifest.rows import ADDED_COLUMNS, COLUMNS, OF_EVERY_RELEASE
from flux_assets.storage.frames import find_distinct, look_up, text_column
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets.storage.table_parts import DamagedPartError, Part, TableFolder

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

MANIFEST_KEY = table_key("image_manifest.parquet")
MANIFEST_CSV_KEY = table_key("image_manifest.csv")
MANIFEST_CSV_PREFIX = table_key("image_manifest/")
"""Of the CSV of each bucket, where it is in parts."""
_OWNED = ("product_id", "request_fingerprint")
_ARROW_TYPES = {"str": "string", "int64": "int64", "float64": "float64", "bool": "bool"}


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """The manifest as it lies in the store.

    All it does raises StoreError where it is damaged, or another table.
    """

    table: StoredTable
    uri: str
    etag: str

    @classmethod
    def of(cls, data: bytes, etag: str, store: ObjectStore) -> "StoredManifest":
        """The manifest that an object of this etag is, still to be unpacked."""
        table = StoredTable(data, TableFolder(store, MANIFEST_KEY))
        return cls(table, store.uri_for(MANIFEST_KEY), etag)

    @property
    def column_names(self) -> tuple[str, ...]:
        """In their order; an older release's lacks some."""
        with damage_told(self.uri):
            names = self.table.column_names()
            if not set(OF_EVERY_RELEASE) <= set(names):
                raise KeyError(", ".join(OF_EVERY_RELEASE))
            return names

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: tuple[str, Collection[str]] | None = None,
    ) -> "pd.DataFrame":
        """As `StoredTable.read`."""
        with damage_told(self.uri):
            return self.table.read(columns or self.column_names, where=where)

    def read_groups(self, columns: Sequence[str]) -> "Iterator[pa.Table]":
        """Some columns of all rows, group by group; what an older release lacks is filled in."""
        names = self.column_names
        with damage_told(self.uri):
            for group in self.table.read_groups([it for it in columns if it in names]):
                yield _fill_in_columns(group, columns)

    def read_group(self, group: int, columns: Sequence[str]) -> "pa.Table":
        """Some columns of one of the groups of `count_groups`; filled in as well."""
        names = self.column_names
        with damage_told(self.uri):
            table = self.table.read_group(group, [it for it in columns if it in names])
            return _fill_in_columns(table, columns)

    def count_groups(self) -> list[int]:
        """How many rows each group has."""
        with damage_told(self.uri):
            return self.table.count_groups()

    @property
    def is_in_parts(self) -> bool:
        """Whether it is."""
        with damage_told(self.uri):
            return self.table.is_in_parts

    def read_parts(self) -> tuple[Part, ...]:
        """Its parts, in their order; none of a whole one."""
        with damage_told(self.uri):
            index = self.table.read_index()
            return index.parts if index else ()

    def write_csv(self, part: int | None = None) -> Iterator[bytes]:
        """As `write_manifest_csv`, of all rows, or of those of one part."""
        names = self.column_names
        with damage_told(self.uri):
            groups = (
                self.table.read_groups() if part is None else [self.table.read_group(part, names)]
            )
            yield from write_manifest_csv(names, groups)


def _fill_in_columns(table: "pa.Table", columns: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    for name in columns:
        if name not in table.column_names:
            value = pa.scalar(ADDED_COLUMNS[name], _ARROW_TYPES[COLUMNS[name]])
            table = table.append_column(name, pa.repeat(value, len(table)))
    return table.select(list(columns))


@contextmanager
def damage_told(uri: str) -> Iterator[None]:
    """Raise StoreError where what is done within finds the manifest of this address damaged."""
    try:
        yield
    except NO_TABLE as error:
        part = f" ({error.told})" if isinstance(error, DamagedPartError) else ""
        remedy = "`flux-assets verify --repair` builds it again from the ledger"
        raise DamagedObjectError(uri, "read", f"it is damaged{part}; {remedy}") from error


def open_manifest(store: ObjectStore) -> StoredManifest | None:
    """The last manifest, still to be unpacked; None where there is none.

    Raises:
        StoreError: it cannot be read.
    """
    try:
        found = store.get(MANIFEST_KEY)
    except ObjectNotFoundError:
        return None
    return StoredManifest.of(found.data, found.info.etag, store)


def read_manifest(store: ObjectStore) -> "pd.DataFrame | None":
    """The whole last manifest; None where there is none.

    Raises:
        StoreError: it is damaged, or cannot be read.
    """
    stored = open_manifest(store)
    return None if stored is None else stored.read()


def count_product_drop(manifest: StoredManifest | None, requests: StoredTable) -> ProductDrop:
    """How many products of a manifest are gone from the catalog; a renamed one is not.

    Args:
        manifest: the last one; None has no products.
        requests: the table of now, where a product's id may be another than before.

    Raises:
        StoreError: the manifest is damaged.
    """
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    if manifest is None:
        return ProductDrop(known=0, gone=0)
    known = find_distinct(manifest.read_groups(("product_id",)), "product_id")
    product_ids = find_distinct(requests.read_some(("product_id",), 1), "product_id")
    if pc.all(pc.is_in(known, value_set=product_ids)).as_py():
        return ProductDrop(known=len(known), gone=0)
    rows = manifest.read(_OWNED)
    fingerprints = text_column(rows, "request_fingerprint")
    asked = requests.read(("product_id", "fingerprint"))
    owners = look_up(fingerprints, asked, "fingerprint", "product_id")
    others = text_column(rows, "product_id").filter(owners.is_null())
    of_now = {normalise_id(product_id) for product_id in others.unique().to_pylist()}
    of_now.update(owners.drop_null().unique().to_pylist())
    return ProductDrop(known=len(of_now), gone=len(of_now.difference(product_ids.to_pylist())))
