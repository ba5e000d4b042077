"""One row per product and shot: the current picture and its lineage, for everything downstream."""

import csv
import io
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.formula_cells import neutralise
from flux_assets.lineage import LineageRecord, build_plain_metadata
from flux_assets.parquet import NO_TABLE, iterate_rows, read_parquet, write_parquet
from flux_assets.plan import RequestIdentity
from flux_assets.store.object_store import ObjectStore, table_key

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

MANIFEST_KEY = table_key("image_manifest.parquet")
MANIFEST_CSV_KEY = table_key("image_manifest.csv")
_WRITE_TRIES = 5

COLUMNS: Mapping[str, str] = {
    "product_id": "str",
    "shot": "str",
    "stale": "bool",
    "object_uri": "str",
    "url": "str",
    "object_key": "str",
    "content_type": "str",
    "width_px": "int64",
    "height_px": "int64",
    "size_bytes": "int64",
    "sha256": "str",
    "prompt": "str",
    "seed": "int64",
    "guidance": "float64",
    "steps": "int64",
    "aspect_ratio": "str",
    "output_format": "str",
    "output_quality": "int64",
    "safety_tolerance": "int64",
    "prompt_upsampling": "bool",
    "model": "str",
    "take": "int64",
    "shot_version": "int64",
    "uuid": "str",
    "request_fingerprint": "str",
    "attempts": "int64",
    "possibly_paid_twice": "int64",
    "latency_seconds": "float64",
    "cost_usd_estimate": "float64",
    "generated_at": "str",
    "mode": "str",
    "shot_mode": "str",
    "source_uri": "str",
    "source_sha256": "str",
    "asset_key": "str",
    "recognition": "float64",
    "digital_source_type": "str",
    "warnings": "str",
}
"""Each column with its type, which no row's absence may change."""

_ADDED: Mapping[str, str | None] = {
    "shot_mode": "generate",
    "source_uri": "",
    "source_sha256": "",
    "asset_key": "",
    "recognition": None,
    "digital_source_type": "trainedAlgorithmicMedia",
}
"""What the rows of a release before these columns say: every picture was made from words."""

_log = logging.getLogger(__name__)

ReadLineage = Callable[[list[RequestIdentity]], Mapping[str, LineageRecord]]

_IDENTITY = ["product_id", "shot"]
_OF_EVERY_RELEASE = [*_IDENTITY, "request_fingerprint"]


def build_manifest(
    requests: Iterable[RequestIdentity],
    *,
    previous: "pd.DataFrame | None",
    read_lineage: ReadLineage,
    store: ObjectStore,
    changed: AbstractSet[str] = frozenset(),
) -> "pd.DataFrame":
    """The manifest of the current requests: what is unchanged is taken over, the rest is read.

    A product and shot whose current picture is not stored keeps the last stored one, marked
    `stale`; one that never had any has no row. Where nothing changed, it is `previous` itself.

    Args:
        requests: every current request; the fingerprint of one that cannot be made is empty.
        previous: the last manifest; None rebuilds from ledger and store alone.
        read_lineage: gives the lineage, by fingerprint, of those of the requests whose picture
            is stored.
        store: for the addresses.
        changed: fingerprints whose row is read again although it is there: what was released and
            bought once more is another picture of the same request.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import

    wanted = list(requests)
    last = build_manifest_rows([], store) if previous is None else previous
    kept = last[_OF_EVERY_RELEASE].reset_index(names="row")
    kept = kept.merge(pd.DataFrame(wanted, columns=list(RequestIdentity._fields)), on=_IDENTITY)
    unchanged = kept["request_fingerprint"] == kept["fingerprint"]
    unchanged &= ~kept["fingerprint"].isin(changed)
    kept["stale"] = ~unchanged
    taken_over = set(kept.loc[unchanged, "fingerprint"].tolist())
    lineage = read_lineage(
        [item for item in wanted if item.fingerprint and item.fingerprint not in taken_over]
    )
    has_news = bool(lineage) or last["stale"].tolist() != kept["stale"].tolist()
    if not has_news and list(last.columns) == list(COLUMNS):
        return last
    kept = kept[~kept["fingerprint"].isin(set(lineage))]
    old = last.loc[kept["row"], list(COLUMNS)].assign(stale=kept["stale"].to_numpy())
    rows = pd.concat([old, build_manifest_rows(lineage.values(), store)])
    return rows.astype(dict(COLUMNS)).sort_values(_IDENTITY, ignore_index=True)


def build_manifest_rows(records: Iterable[LineageRecord], store: ObjectStore) -> "pd.DataFrame":
    """A manifest of just these pictures, each current as of now."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    rows = [build_manifest_row(record, store) for record in records]
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))


def refresh_manifest(
    store: ObjectStore,
    requests: Sequence[RequestIdentity],
    read_lineage: ReadLineage,
    *,
    changed: AbstractSet[str] = frozenset(),
) -> "pd.DataFrame":
    """Bring the stored manifest up to date by compare-and-swap, and its CSV beside it.

    Args:
        store: where it lies.
        requests: every current request, as for `build_manifest`.
        read_lineage: as for `build_manifest`.
        changed: as for `build_manifest`.

    Raises:
        StoreError: it cannot be read or written, or other writers always come first.
    """
    for _ in range(_WRITE_TRIES):
        previous, etag = _read_previous(store, read_lineage)
        manifest = build_manifest(
            requests, previous=previous, read_lineage=read_lineage, store=store, changed=changed
        )
        if manifest is previous and _is_csv_newer(store):
            return manifest
        try:
            write_manifest(store, manifest, over=etag)
        except ConditionFailedError:
            continue
        return manifest
    raise StoreError(store.uri_for(MANIFEST_KEY), "change", "other writers always come first")


def write_manifest(store: ObjectStore, manifest: "pd.DataFrame", *, over: str | None) -> None:
    """Write it over the version of this etag, or where there is none, and its CSV beside it.

    Raises:
        ConditionFailedError: somebody else was first.
    """
    etag: str | None = store.put(
        MANIFEST_KEY,
        write_parquet(manifest),
        content_type="application/vnd.apache.parquet",
        if_absent=over is None,
        if_match=over,
    )
    latest: pd.DataFrame | None = manifest
    while latest is not None:
        store.put(MANIFEST_CSV_KEY, write_manifest_csv(latest), content_type="text/csv")
        if store.head(MANIFEST_KEY).etag == etag:
            return
        latest, etag = _read_stored(store)  # somebody wrote a later one, and its CSV before ours


def _is_csv_newer(store: ObjectStore) -> bool:
    """Whether the CSV was written after the Parquet, as it is unless a writer was killed."""
    written = {info.key: info.modified_at for info in store.list(table_key("image_manifest."))}
    return MANIFEST_CSV_KEY in written and written[MANIFEST_CSV_KEY] >= written[MANIFEST_KEY]


def read_manifest(store: ObjectStore) -> "pd.DataFrame | None":
    """The last manifest; None where there is none.

    One that an older release wrote lacks some of the columns.

    Raises:
        StoreError: it is damaged, or cannot be read.
    """
    return _read_stored(store)[0]


def read_manifest_products(store: ObjectStore) -> set[str]:
    """The products of the last manifest; none where there is no manifest."""
    manifest, _ = _read_stored(store, columns=["product_id"])
    return set() if manifest is None else set(manifest["product_id"].unique())


def _read_previous(
    store: ObjectStore, read_lineage: ReadLineage
) -> tuple["pd.DataFrame | None", str | None]:
    """The last manifest with all columns; rows that lack others than _ADDED are read again."""
    table, etag = _read_stored(store)
    if table is not None:
        absent = {name: value for name, value in _ADDED.items() if name not in table.columns}
        table = table.assign(**absent)
    if table is None or set(COLUMNS) <= set(table.columns):
        return table, etag
    rows = iterate_rows(table, _OF_EVERY_RELEASE)
    lineage = read_lineage([RequestIdentity(*row) for row in rows])
    return build_manifest_rows(lineage.values(), store), etag


def _read_stored(
    store: ObjectStore, *, columns: list[str] | None = None
) -> tuple["pd.DataFrame | None", str | None]:
    try:
        body = store.get(MANIFEST_KEY)
    except ObjectNotFoundError:
        return None, None
    uri = store.uri_for(MANIFEST_KEY)
    return parse_manifest(body.data, uri, columns=columns), body.info.etag


def parse_manifest(data: bytes, uri: str, *, columns: list[str] | None = None) -> "pd.DataFrame":
    """The manifest of these bytes, or some columns of it.

    Raises:
        StoreError: they are damaged, or another table.
    """
    problem = "it is damaged; `flux-assets verify --repair` builds it again from the ledger"
    try:
        manifest = read_parquet(data, columns=columns)
    except NO_TABLE as error:
        raise StoreError(uri, "read", problem) from error
    if not set(columns or _OF_EVERY_RELEASE) <= set(manifest.columns):
        raise StoreError(uri, "read", problem)
    return manifest


def build_manifest_row(record: LineageRecord, store: ObjectStore) -> dict[str, object]:
    """One picture's row, current as of now."""
    return {
        **build_plain_metadata(record),
        "object_uri": store.uri_for(record.object_key),
        "url": store.url_for(record.object_key) or "",
        "stale": False,
    }


def write_manifest_csv(manifest: "pd.DataFrame") -> bytes:
    """The manifest as CSV (UTF-8), in which no cell can be taken for a spreadsheet formula."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    writer.writerow(manifest.columns)
    for row in iterate_rows(manifest, list(manifest.columns)):
        writer.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in row])
    return buffer.getvalue().encode()
