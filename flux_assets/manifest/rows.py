"""One row per product and shot: the current picture and its facts, which `lineage` declares."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import MISSING, dataclass
from typing import TYPE_CHECKING, Any

from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.addresses import are_addresses_of_now, build_addresses
from flux_assets.manifest.product_names import build_names, find_renamed
from flux_assets.pictures.lineage import FACTS, Fact, LineageRecord, build_plain_metadata
from flux_assets.storage.frames import (
    is_in,
    put_columns,
    read_rows,
    select,
    sort_places,
    text_column,
)
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import release_unused
from flux_assets.storage.table_merge import merge_rows
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_OWN_COLUMNS = (
    Fact("stale", "bool", "Whether this is the last picture, until its successor is stored."),
    Fact("object_uri", "str", "The picture's address for who may read the store."),
    Fact("url", "str", "The picture's public address; empty where none is configured."),
)
_OF_PRODUCT = (
    Fact("title", "str", "The product's title in the catalog of the last refresh.", ""),
    Fact("category", "str", "The product's category there.", ""),
)
MANIFEST_COLUMNS = (*FACTS[:2], *_OWN_COLUMNS, *FACTS[2:], *_OF_PRODUCT)
"""Each column, in its place: whose picture it is, where it is, and all that is known of it."""

COLUMNS: Mapping[str, str] = {column.name: column.type for column in MANIFEST_COLUMNS}
"""Each column with its type, which no row's absence may change."""

ADDED_COLUMNS: Mapping[str, Any] = {
    column.name: column.before for column in MANIFEST_COLUMNS if column.before is not MISSING
}
"""What the rows of a release before these columns say."""

COMPARABLE = frozenset(fact.name for fact in FACTS if fact.before is not None)
"""The facts in which a row must agree with the ledger: one that may be none has no equal there."""

ReadLineage = Callable[[list[RequestIdentity]], Mapping[str, LineageRecord]]

_IDENTITY = ["product_id", "shot"]
OF_EVERY_RELEASE = (*_IDENTITY, "request_fingerprint")
COMPARED = (*OF_EVERY_RELEASE, "stale")
"""The columns that tell which rows of a manifest are still as they should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What becomes of the last manifest's rows.

    `kept` has the rows that stay: in `row` their place among its `row_count` rows, whether they are
    `stale` now, and whether they are to say something else than they do, which `differs` tells.
    `unknown` are the current requests that no row is of. `is_same` says that all rows stay as they
    are.
    """

    kept: "pd.DataFrame"
    row_count: int
    unknown: list[RequestIdentity]
    is_same: bool


def compare_manifest(
    last: "pd.DataFrame",
    requests: "pd.DataFrame",
    changed: AbstractSet[str],
    *,
    differing: "np.ndarray",
) -> Comparison:
    """Hold the rows of a manifest, of which COMPARED are enough, against the current requests.

    Args:
        last: the manifest.
        requests: as for `build_manifest`.
        changed: as for `build_manifest`.
        differing: its rows that are to say something else whatever is asked for.
    """
    import numpy as np
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    places = pc.index_in(_join_owners(last), value_set=_join_owners(requests))
    rows = np.flatnonzero(places.is_valid().to_numpy(zero_copy_only=False))
    asked_places = places.drop_null().to_numpy()
    release_unused()
    kept = last if len(rows) == len(last) else last.iloc[rows].reset_index(drop=True)
    asked = requests["fingerprint"].reset_index(drop=True)
    if not np.array_equal(asked_places, np.arange(len(asked))):  # a copy of all takes much room
        asked = asked.take(asked_places).reset_index(drop=True)
    unchanged = (kept["request_fingerprint"] == asked) & ~is_in(asked, changed)
    differs = (kept["stale"] == unchanged) | differing[rows]
    kept = kept[_IDENTITY].assign(row=rows, fingerprint=asked, stale=~unchanged, differs=differs)
    taken_over = np.zeros(len(requests), bool)
    taken_over[asked_places[unchanged]] = True
    unknown = requests[~taken_over & (requests["fingerprint"] != "")]
    return Comparison(
        kept=kept,
        row_count=len(last),
        unknown=list(map(RequestIdentity._make, read_rows(unknown, RequestIdentity._fields))),
        is_same=len(kept) == len(last) and not differs.any(),
    )


def _join_owners(table: "pd.DataFrame") -> "pa.Array":
    """Each row's product and shot as one text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [text_column(table, name) for name in _IDENTITY]
    return pc.binary_join_element_wise(*columns, pa.scalar("\0", pa.large_string()))


def build_manifest(
    requests: "pd.DataFrame",
    *,
    previous: StoredTable | None,
    read_lineage: ReadLineage,
    store: ObjectStore,
    changed: AbstractSet[str] = frozenset(),
    folder: TableFolder | None = None,
) -> StoredTable:
    """The manifest of the current requests: what is unchanged is taken over, the rest is read.

    A product and shot whose current picture is not stored keeps the last stored one, marked
    `stale`; one that never had any has no row.

    Args:
        requests: every current one, in the columns of `RequestIdentity`; the fingerprint of one
            that cannot be made is empty.
        previous: the last manifest; None rebuilds from ledger and store alone.
        read_lineage: gives the lineage, by fingerprint, of those of the requests whose picture
            is stored.
        store: for the addresses.
        changed: fingerprints whose row is read again although it is there: what was released and
            bought once more is another picture of the same request.
        folder: as for `merge_manifest`.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: the last manifest is damaged.
    """
    last = previous or StoredTable(write_parquet(build_manifest_rows([], store)))
    renamed = find_renamed(last, None)
    comparison = compare_manifest(last.read(COMPARED), requests, changed, differing=renamed)
    lineage = read_lineage(comparison.unknown)
    return merge_manifest(last, comparison, lineage, store, names=None, folder=folder)


def merge_manifest(
    last: StoredTable,
    comparison: Comparison,
    lineage: Mapping[str, LineageRecord],
    store: ObjectStore,
    *,
    names: "pd.DataFrame | None",
    folder: TableFolder | None,
) -> StoredTable:
    """The rows that stay and those of the new lineage, by product and shot; all where they are now.

    Args:
        last: the manifest that was compared, with all columns.
        comparison: of it, which knows of the rows that are named otherwise now.
        lineage: of pictures that no row is of, by fingerprint.
        store: for the addresses.
        names: of the products, with the columns of NAMED; those without one here keep what their
            rows say.
        folder: where its parts go; None for a whole one.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: the last manifest is damaged.
    """
    import pandas as pd
    import pyarrow as pa

    release_unused()
    added = build_manifest_rows(lineage.values(), store)
    new = added[[*_IDENTITY, "stale"]].assign(row=comparison.row_count + added.index, differs=True)
    stays = ~is_in(comparison.kept["fingerprint"], lineage.keys())
    kept = select(comparison.kept[new.columns], stays)
    rows = pd.concat([kept, new])
    order = sort_places(rows, _IDENTITY)
    places, stale, differs = (
        rows[name].to_numpy(kind)[order]
        for name, kind in (("row", int), ("stale", bool), ("differs", bool))
    )
    del rows, order
    is_moved = not are_addresses_of_now(last, store)
    differs |= is_moved

    def complete(table: "pa.Table", numbers: "np.ndarray") -> "pa.Table":
        if not differs[numbers].any():
            return table
        cells = {"stale": pa.array(stale[numbers])}
        if is_moved:
            cells |= build_addresses(table["object_key"].to_pylist(), store)
        if names is not None:
            cells |= build_names(table, names)
        return put_columns(table, cells)

    return merge_rows(
        last,
        added,
        places,
        folder=folder,
        complete=complete,
        differing=differs,
    )


def build_manifest_rows(records: Iterable[LineageRecord], store: ObjectStore) -> "pd.DataFrame":
    """A manifest of just these pictures, each current as of now."""
    import pandas as pd

    rows = [build_manifest_row(record, store) for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))


def build_manifest_row(record: LineageRecord, store: ObjectStore) -> dict[str, object]:
    """One picture's row, current as of now."""
    return {
        **build_plain_metadata(record),
        "object_uri": store.uri_for(record.object_key),
        "url": store.url_for(record.object_key) or "",
        "stale": False,
        "title": "",
        "category": "",
    }
