"""The stored manifest brought up to date, and its CSV beside it."""

from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.addresses import are_addresses_of_now
from flux_assets.manifest.csv_files import write_csv_files
from flux_assets.manifest.product_names import find_renamed
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
from flux_assets.manifest.stored import MANIFEST_KEY, StoredManifest, damage_told
from flux_assets.storage.change_object import change_object
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectBody, ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import PARQUET
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd


def refresh_manifest(
    store: ObjectStore,
    requests: "pd.DataFrame",
    read_lineage: ReadLineage,
    *,
    changed: AbstractSet[str] = frozenset(),
    names: "pd.DataFrame | None" = None,
    in_parts: bool = False,
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
        in_parts: whether it is to be kept in parts; one that is not yet is written anew.

    Raises:
        StoreError: it cannot be read or written.
        ChangeConflictError: other writers always came first.
    """
    uri = store.uri_for(MANIFEST_KEY)
    folder = TableFolder(store, MANIFEST_KEY) if in_parts else None
    before: set[str] = set()

    def update(found: ObjectBody | None) -> bytes | None:
        nonlocal before
        # All anew after another writer: its rows may be of later pictures than ours.
        stored = StoredManifest.of(found.data, found.info.etag, store) if found else None
        before = {part.key for part in stored.read_parts()} if stored else set()
        last = _fill_in(stored, store, read_lineage)
        with damage_told(uri):
            comparison = compare_manifest(
                last.read(COMPARED), requests, changed, differing=find_renamed(last, names)
            )
            is_same = comparison.is_same and are_addresses_of_now(last, store)
        lineage = read_lineage(comparison.unknown)
        is_same &= stored is not None and last is stored.table and last.is_in_parts == in_parts
        if is_same and not lineage:
            return None
        with damage_told(uri):
            return merge_manifest(last, comparison, lineage, store, names=names, folder=folder).data

    written = change_object(store, MANIFEST_KEY, update, content_type=PARQUET)
    manifest = StoredManifest.of(written.data, written.etag, store)
    parts = {part.key for part in manifest.read_parts()}
    write_csv_files(
        store, manifest, new={MANIFEST_KEY, *parts} - before if written.is_written else ()
    )
    return manifest


def write_manifest(store: ObjectStore, manifest: StoredTable, *, over: str | None) -> None:
    """Write it over the version of this etag, or where there is none, and its CSV beside it.

    Raises:
        ConditionFailedError: somebody else was first.
    """
    etag = store.put(
        MANIFEST_KEY,
        manifest.data,
        content_type=PARQUET,
        if_absent=over is None,
        if_match=over,
    )
    written = StoredManifest.of(manifest.data, etag, store)
    parts = {part.key for part in written.read_parts()}
    write_csv_files(store, written, new={MANIFEST_KEY, *parts})


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
