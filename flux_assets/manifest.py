"""The stored manifest: brought up to date, read and written, as Parquet and as CSV."""

import csv
import io
from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.formula_cells import FORMULA, neutralise
from flux_assets.frames import read_rows
from flux_assets.full_collections import put_off_full_collections
from flux_assets.manifest_rows import (
    ADDED_COLUMNS,
    COLUMNS,
    COMPARED,
    OF_EVERY_RELEASE,
    ReadLineage,
    build_manifest_rows,
    compare_manifest,
    merge_manifest,
)
from flux_assets.parquet import NO_TABLE, StoredTable, write_parquet
from flux_assets.plan import RequestIdentity
from flux_assets.store.object_store import ObjectStore, table_key

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

MANIFEST_KEY = table_key("image_manifest.parquet")
MANIFEST_CSV_KEY = table_key("image_manifest.csv")
_WRITE_TRIES = 5


@dataclass(frozen=True, slots=True)
class StoredManifest:
    """The manifest as it lies in the store."""

    table: StoredTable
    uri: str
    etag: str

    @property
    def column_names(self) -> tuple[str, ...]:
        """In their order; an older release's lacks some.

        Raises:
            StoreError: it is damaged, or another table.
        """
        try:
            names = self.table.column_names()
        except NO_TABLE as error:
            raise self._damaged() from error
        if not set(OF_EVERY_RELEASE) <= set(names):
            raise self._damaged()
        return names

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: tuple[str, Collection[str]] | None = None,
    ) -> "pd.DataFrame":
        """As `StoredTable.read`.

        Raises:
            StoreError: it is damaged, or has no such columns.
        """
        if not set(columns or ()) <= set(self.column_names):
            raise self._damaged()
        try:
            return self.table.read(columns, where=where)
        except NO_TABLE as error:
            raise self._damaged() from error

    def _damaged(self) -> StoreError:
        problem = "it is damaged; `flux-assets verify --repair` builds it again from the ledger"
        return StoreError(self.uri, "read", problem)


@put_off_full_collections()
def refresh_manifest(
    store: ObjectStore,
    requests: Sequence[RequestIdentity],
    read_lineage: ReadLineage,
    *,
    changed: AbstractSet[str] = frozenset(),
) -> StoredManifest:
    """Bring the stored manifest up to date by compare-and-swap, and its CSV beside it.

    One in which nothing changes is neither unpacked nor written.

    Args:
        store: where it lies.
        requests: every current request, as for `build_manifest`.
        read_lineage: as for `build_manifest`.
        changed: as for `build_manifest`.

    Raises:
        StoreError: it cannot be read or written, or other writers always come first.
    """
    for _ in range(_WRITE_TRIES):
        stored = open_manifest(store)
        if stored and stored.column_names == tuple(COLUMNS):
            comparison = compare_manifest(stored.read(COMPARED), requests, changed)
            lineage = read_lineage(comparison.unknown)
            if comparison.is_same and not lineage and _is_csv_newer(store):
                return stored
            manifest = merge_manifest(stored.read(), comparison, lineage, store)
        else:
            last = _fill_in(stored, store, read_lineage)
            comparison = compare_manifest(last, requests, changed)
            lineage = read_lineage(comparison.unknown)
            manifest = merge_manifest(last, comparison, lineage, store)
        try:
            return write_manifest(store, manifest, over=stored.etag if stored else None)
        except ConditionFailedError:
            continue
    raise StoreError(store.uri_for(MANIFEST_KEY), "change", "other writers always come first")


def write_manifest(
    store: ObjectStore, manifest: "pd.DataFrame", *, over: str | None
) -> StoredManifest:
    """Write it over the version of this etag, or where there is none, and its CSV beside it.

    Raises:
        ConditionFailedError: somebody else was first.
    """
    data = write_parquet(manifest)
    etag = store.put(
        MANIFEST_KEY,
        data,
        content_type="application/vnd.apache.parquet",
        if_absent=over is None,
        if_match=over,
    )
    written = StoredManifest(StoredTable(data), store.uri_for(MANIFEST_KEY), etag)
    latest: StoredManifest | None = written
    while latest is not None:
        store.put(MANIFEST_CSV_KEY, write_manifest_csv(manifest), content_type="text/csv")
        if store.head(MANIFEST_KEY).etag == latest.etag:
            break
        latest = open_manifest(store)  # somebody wrote a later one, and its CSV before ours
        manifest = latest.read() if latest else manifest
    return written


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
        body = store.get(MANIFEST_KEY)
    except ObjectNotFoundError:
        return None
    return StoredManifest(StoredTable(body.data), store.uri_for(MANIFEST_KEY), body.info.etag)


def read_manifest(store: ObjectStore) -> "pd.DataFrame | None":
    """The whole last manifest; None where there is none.

    Raises:
        StoreError: it is damaged, or cannot be read.
    """
    stored = open_manifest(store)
    return None if stored is None else stored.read()


def read_manifest_products(manifest: StoredManifest | None) -> set[str]:
    """The products of a manifest; none where there is no manifest.

    Raises:
        StoreError: it is damaged.
    """
    return set() if manifest is None else set(manifest.read(("product_id",))["product_id"].unique())


def _fill_in(
    stored: StoredManifest | None, store: ObjectStore, read_lineage: ReadLineage
) -> "pd.DataFrame":
    """An older release's manifest with all columns; rows that cannot be filled are read again."""
    if stored is None:
        return build_manifest_rows([], store)
    table = stored.read()
    absent = {name: value for name, value in ADDED_COLUMNS.items() if name not in table.columns}
    table = table.assign(**absent)
    if set(COLUMNS) <= set(table.columns):
        return table
    rows = read_rows(table, OF_EVERY_RELEASE)
    lineage = read_lineage([RequestIdentity(*row) for row in rows])
    return build_manifest_rows(lineage.values(), store)


def write_manifest_csv(manifest: "pd.DataFrame") -> bytes:
    """The manifest as CSV (UTF-8), in which no cell can be taken for a spreadsheet formula."""
    buffer = io.BytesIO()
    with io.TextIOWrapper(buffer, "utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(manifest.columns)
        writer.writerows(read_rows(_neutralise(manifest), list(manifest.columns)))
        text.flush()
        return buffer.getvalue()


def _neutralise(manifest: "pd.DataFrame") -> "pd.DataFrame":
    """Cell by cell only in those columns that have such a cell: most have none."""
    texts = [name for name in manifest.columns if COLUMNS.get(name) == "str"]
    risky = [name for name in texts if manifest[name].str.match(FORMULA).any()]
    return manifest.assign(**{name: manifest[name].map(neutralise) for name in risky})
