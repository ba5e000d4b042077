"""The stored manifest: brought up to date, read and written, as Parquet and as CSV."""

from collections.abc import Collection, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.catalog.identity import normalise_id
from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.addresses import are_addresses_of_now
from flux_assets.manifest.csv_file import write_manifest_csv
from flux_assets.manifest.product_names import NAMED, are_names_of_now
from flux_assets.manifest.rows import (
    ADDED_COLUMNS,
    COLUMNS,
    COMPARED,
    OF_EVERY_RELEASE,
    ReadLineage,
    build_manifest_rows,
    compare_manifest,
    merge_manifest,
)
from flux_assets.storage.change_object import change_object
from flux_assets.storage.frames import look_up, read_rows, text_column
from flux_assets.storage.object_store import ObjectBody, ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_parts import DamagedPartError, TableFolder

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

MANIFEST_KEY = table_key("image_manifest.parquet")
MANIFEST_CSV_KEY = table_key("image_manifest.csv")
_CONTENT_TYPE = "application/vnd.apache.parquet"
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
        with _damage_told(self.uri):
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
        with _damage_told(self.uri):
            return self.table.read(columns or self.column_names, where=where)

    def read_groups(self, columns: Sequence[str]) -> "Iterator[pa.Table]":
        """Some columns of all rows, group by group; what an older release lacks is filled in."""
        names = self.column_names
        with _damage_told(self.uri):
            for group in self.table.read_groups([it for it in columns if it in names]):
                yield _fill_in_columns(group, columns)

    def read_group(self, group: int, columns: Sequence[str]) -> "pa.Table":
        """Some columns of one of the groups of `count_groups`; filled in as well."""
        names = self.column_names
        with _damage_told(self.uri):
            table = self.table.read_group(group, [it for it in columns if it in names])
            return _fill_in_columns(table, columns)

    def count_groups(self) -> list[int]:
        """How many rows each group has."""
        with _damage_told(self.uri):
            return self.table.count_groups()

    def write_csv(self) -> Iterator[bytes]:
        """As `write_manifest_csv`."""
        with _damage_told(self.uri):
            yield from write_manifest_csv(self.column_names, self.table.read_groups())


def _fill_in_columns(table: "pa.Table", columns: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    for name in columns:
        if name not in table.column_names:
            value = pa.scalar(ADDED_COLUMNS[name], _ARROW_TYPES[COLUMNS[name]])
            table = table.append_column(name, pa.repeat(value, len(table)))
    return table.select(list(columns))


@contextmanager
def _damage_told(uri: str) -> Iterator[None]:
    try:
        yield
    except NO_TABLE as error:
        part = f" ({error.told})" if isinstance(error, DamagedPartError) else ""
        remedy = "`flux-assets verify --repair` builds it again from the ledger"
        raise StoreError(uri, "read", f"it is damaged{part}; {remedy}") from error


def refresh_manifest(
    store: ObjectStore,
    requests: "pd.DataFrame",
    read_lineage: ReadLineage,
    *,
    changed: AbstractSet[str] = frozenset(),
    names: "pd.DataFrame | None" = None,
) -> StoredManifest:
    """Bring the stored manifest up to date by compare-and-swap, and its CSV beside it.

    One in which nothing changes is neither unpacked nor written. Where the store or its public
    address is another one than before, all rows say where their pictures are now.

    Args:
        store: where it lies.
        requests: every current request, as for `build_manifest`.
        read_lineage: as for `build_manifest`.
        changed: as for `build_manifest`.
        names: of the products now, as for `merge_manifest`.

    Raises:
        StoreError: it cannot be read or written.
        ChangeConflictError: other writers always came first.
    """
    uri = store.uri_for(MANIFEST_KEY)

    def update(found: ObjectBody | None) -> bytes | None:
        # All anew after another writer: its rows may be of later pictures than ours.
        stored = StoredManifest.of(found.data, found.info.etag, store) if found else None
        last = _fill_in(stored, store, read_lineage)
        with _damage_told(uri):
            comparison = compare_manifest(last.read(COMPARED), requests, changed)
            is_same = (
                comparison.is_same
                and are_addresses_of_now(last, store)
                and (names is None or are_names_of_now(last.read(NAMED), names))
            )
        lineage = read_lineage(comparison.unknown)
        if stored and last is stored.table and is_same and not lineage:
            return None
        with _damage_told(uri):
            return merge_manifest(last, comparison, lineage, store, names).data

    written = change_object(store, MANIFEST_KEY, update, content_type=_CONTENT_TYPE)
    manifest = StoredManifest.of(written.data, written.etag, store)
    if written.is_written or not _is_csv_newer(store):
        _write_csv(store, manifest)
    return manifest


def write_manifest(store: ObjectStore, manifest: StoredTable, *, over: str | None) -> None:
    """Write it over the version of this etag, or where there is none, and its CSV beside it.

    Raises:
        ConditionFailedError: somebody else was first.
    """
    etag = store.put(
        MANIFEST_KEY,
        manifest.data,
        content_type=_CONTENT_TYPE,
        if_absent=over is None,
        if_match=over,
    )
    _write_csv(store, StoredManifest(manifest, store.uri_for(MANIFEST_KEY), etag))


def _write_csv(store: ObjectStore, manifest: StoredManifest) -> None:
    latest: StoredManifest | None = manifest
    while latest is not None:
        store.put(MANIFEST_CSV_KEY, latest.write_csv(), content_type="text/csv")
        if store.head(MANIFEST_KEY).etag == latest.etag:
            break
        latest = open_manifest(store)  # somebody wrote a later one, and its CSV before ours


def _is_csv_newer(store: ObjectStore) -> bool:
    """Whether the CSV was written after the Parquet, as it is unless a writer was killed."""
    written = {info.key: info.modified_at for info in store.list(table_key("image_manifest."))}
    return MANIFEST_CSV_KEY in written and written[MANIFEST_CSV_KEY] >= written[MANIFEST_KEY]


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


def read_manifest_products(manifest: StoredManifest | None, asked: "pd.DataFrame") -> set[str]:
    """The products of a manifest, by their ids of now; none where there is no manifest.

    Args:
        manifest: the last one.
        asked: every request of now, whose product's id may have been another before.

    Raises:
        StoreError: it is damaged.
    """
    if manifest is None:
        return set()
    rows = manifest.read(_OWNED)
    fingerprints = text_column(rows, "request_fingerprint")
    owners = look_up(fingerprints, asked, "fingerprint", "product_id")
    others = text_column(rows, "product_id").filter(owners.is_null())
    found = {normalise_id(product_id) for product_id in others.unique().to_pylist()}
    return found.union(owners.drop_null().unique().to_pylist())


def _fill_in(
    stored: StoredManifest | None, store: ObjectStore, read_lineage: ReadLineage
) -> StoredTable:
    """The last manifest with all columns; an older release's rows that lack more are read again."""
    if stored is None:
        return StoredTable(write_parquet(build_manifest_rows([], store)))
    if stored.column_names == tuple(COLUMNS):
        return stored.table
    table = stored.read()
    absent = {name: value for name, value in ADDED_COLUMNS.items() if name not in table.columns}
    table = table.assign(**absent)
    if not set(COLUMNS) <= set(table.columns):
        rows = read_rows(table, OF_EVERY_RELEASE)
        lineage = read_lineage([RequestIdentity(*row) for row in rows])
        table = build_manifest_rows(lineage.values(), store)
    return StoredTable(write_parquet(table))
