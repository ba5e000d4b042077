"""What Dagster is told where its partitions are buckets: one event a bucket and run.

An event counts a bucket's pictures and shows a few; all that is known of a product's own is in the
manifest and the ledger, as `flux-assets show` gives it.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import dagster as dg

from flux_assets.buying.outcome import Outcome
from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.defs.data_versions import picture_version_tags
from flux_assets.defs.events import MODE_TAG
from flux_assets.defs.known_buckets import BucketVersion, read_buckets
from flux_assets.defs.markdown import escape_markdown
from flux_assets.defs.names import Names
from flux_assets.defs.reports import shortfalls_table
from flux_assets.defs.review_links import link_page
from flux_assets.errors import ObjectNotFoundError, PictureError
from flux_assets.pictures.inspect import inspect_picture, preview_markdown
from flux_assets.settings import Settings
from flux_assets.storage.buckets import BUCKETS, bucket_of, find_buckets
from flux_assets.storage.frames import hash_identities, read_rows, text_column
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parallel import map_in_parallel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

PICTURE_COLUMNS = ("product_id", "shot", "request_fingerprint")
NEW_COLUMNS = (*PICTURE_COLUMNS, "object_key")
LANDED = "landed"
"""Metadata of what is observed meanwhile: how many pictures have landed since the last time."""
COST_USD = "cost_usd_estimate"
_TELL_SECONDS = 2
_SHOWN = 3
_PREVIEWS_A_RUN = 256
"""Each is unpacked anew, which takes about 40 ms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buckets:
    """What there is to tell of the buckets of some shots.

    `pictures` are the current ones, with PICTURE_COLUMNS; `new`, with NEW_COLUMNS, are those of
    them that were not stored before this run; `wanted` has product and shot of each picture that
    there should be. Of large tables each column is in one piece, else to take some rows takes all.
    """

    shots: Sequence[str]
    pictures: "pd.DataFrame"
    new: "pd.DataFrame"
    wanted: "pd.DataFrame"


@dataclass(frozen=True, slots=True)
class _Bucket:
    """One bucket of one shot; `wanted` says how many pictures there should be."""

    shot: str
    name: str
    pictures: "pd.DataFrame"
    wanted: int
    new: "pd.DataFrame"

    def build_version(self, mode: str) -> BucketVersion:
        sha256 = hash_identities(self.pictures["request_fingerprint"])
        return BucketVersion(mode, len(self.pictures), sha256)


def log_changed_buckets(
    context: dg.AssetExecutionContext,
    settings: Settings,
    names: Names,
    store: ObjectStore,
    buckets: Buckets,
) -> None:
    """Log each bucket of which Dagster does not know just these pictures.

    One that never had any of its pictures stays missing, so that a backfill of what is missing asks
    for it.
    """
    known = read_buckets(context.instance, names, buckets.shots)
    changed = []
    for bucket in _divide(buckets, BUCKETS):
        before = known.get((bucket.shot, bucket.name))
        is_told = before == bucket.build_version(settings.mode)
        if not is_told and (before or not _is_missing(bucket)):
            changed.append(bucket)
    _log(context, settings, names, store, changed)


def log_asked_buckets(
    context: dg.AssetExecutionContext,
    settings: Settings,
    names: Names,
    store: ObjectStore,
    buckets: Buckets,
) -> None:
    """Log each bucket that a backfill asked for, but for one that lacks all of its pictures."""
    asked = [it for it in _divide(buckets, context.partition_keys) if not _is_missing(it)]
    _log(context, settings, names, store, asked)


def _is_missing(bucket: _Bucket) -> bool:
    return bucket.wanted > 0 and bucket.pictures.empty


def observe_shortfalls(
    context: dg.AssetExecutionContext, names: Names, shortfalls: Sequence[Shortfall]
) -> None:
    """Log why products of a bucket have no picture, all of a bucket's together."""
    by_place = defaultdict(list)
    for shortfall in shortfalls:
        by_place[shortfall.shot, bucket_of(shortfall.product_id)].append(shortfall)
    for (shot, bucket), lacking in by_place.items():
        context.log_event(
            dg.AssetObservation(
                asset_key=names.key("images", shot),
                partition=bucket,
                description=f"{len(lacking)} without a picture",
                metadata={"products": dg.MetadataValue.md(shortfalls_table(lacking))},
            )
        )


def count_outcomes(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    outcomes: Iterable[Outcome],
    names: Names,
) -> RunSummary:
    """Add everything up, and tell now and then how many pictures have landed."""
    summary = RunSummary()
    landed, cost_usd, tell_at = 0, 0.0, time.monotonic() + _TELL_SECONDS

    def tell() -> None:
        metadata = {LANDED: landed, COST_USD: cost_usd}
        context.log_event(
            dg.AssetObservation(asset_key=names.key("refreshed_images"), metadata=metadata)
        )

    for outcome in outcomes:
        summary.add(outcome)
        if outcome.lineage is None or outcome.kind == "reused":
            continue
        landed += 1
        cost_usd += outcome.lineage.cost_usd_estimate if outcome.kind == "generated" else 0
        if time.monotonic() >= tell_at:
            tell()
            landed, cost_usd, tell_at = 0, 0.0, time.monotonic() + _TELL_SECONDS
    if landed:
        tell()
    return summary


def _divide(buckets: Buckets, chosen: Iterable[str]) -> Iterator[_Bucket]:
    """The chosen buckets of each shot."""
    import numpy as np

    numbers = sorted(map(BUCKETS.index, chosen))
    pictures, new = (_group(it, buckets.shots) for it in (buckets.pictures, buckets.new))
    places = len(buckets.shots) * len(BUCKETS)
    wanted = np.bincount(_place_all(buckets.wanted, buckets.shots), minlength=places)
    for at, shot in enumerate(buckets.shots):
        for number in numbers:
            place = at * len(BUCKETS) + number
            yield _Bucket(
                shot=shot,
                name=BUCKETS[number],
                pictures=buckets.pictures.iloc[pictures[place]],
                wanted=int(wanted[place]),
                new=buckets.new.iloc[new[place]],
            )


def _group(rows: "pd.DataFrame", shots: Sequence[str]) -> "list[np.ndarray]":
    """The numbers of the rows of each bucket of each shot."""
    import numpy as np

    places = _place_all(rows, shots)
    order = places.argsort(kind="stable")
    bounds = places[order].searchsorted(np.arange(len(shots) * len(BUCKETS) + 1))
    return [order[start:end] for start, end in pairwise(bounds)]


def _place_all(rows: "pd.DataFrame", shots: Sequence[str]) -> "np.ndarray":
    """A number of each row's shot and bucket; those of other shots come last."""
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    names = text_column(rows, "shot")
    at = pc.fill_null(pc.index_in(names, value_set=pa.array(shots, names.type)), len(shots))
    of_shots = at.to_numpy(zero_copy_only=False).astype(int) * len(BUCKETS)
    places: np.ndarray = of_shots + find_buckets(text_column(rows, "product_id"))
    return places


def _log(
    context: dg.AssetExecutionContext,
    settings: Settings,
    names: Names,
    store: ObjectStore,
    buckets: Sequence[_Bucket],
) -> None:
    with_new = sum(not it.new.empty for it in buckets)
    of_each = min(_SHOWN, max(1, _PREVIEWS_A_RUN // max(1, with_new)))
    shown = [row for it in buckets for row in read_rows(it.new.head(of_each), NEW_COLUMNS)]
    previews: dict[str, str] = {}
    if settings.preview_px:
        read = partial(_read_preview, store, settings.preview_px)
        for row, preview in zip(shown, map_in_parallel(read, shown), strict=True):
            previews[row[2]] = preview
    for it in buckets:
        fingerprints = it.new["request_fingerprint"].head(of_each)
        texts = [previews[each] for each in fingerprints if previews.get(each)]
        context.log_event(_build(settings, names, it, texts))


def _read_preview(store: ObjectStore, longest_px: int, row: tuple[str, ...]) -> str:
    """A picture's preview as Markdown; empty where it cannot be had, which other steps tell."""
    product_id, shot, _, object_key = row
    try:
        picture = inspect_picture(store.get(object_key).data, preview_px=longest_px)
    except (ObjectNotFoundError, PictureError):
        return ""
    shown = preview_markdown(picture.preview, f"{product_id} {shot}")
    return f"{escape_markdown(product_id)}\n\n{shown}"


def _build(
    settings: Settings, names: Names, it: _Bucket, previews: Sequence[str]
) -> dg.AssetMaterialization:
    count = len(it.pictures)
    metadata: dict[str, dg.MetadataValue[Any] | str | int] = {}
    if previews:
        metadata["previews"] = dg.MetadataValue.md("\n\n".join(previews))
    metadata |= {
        "pictures": count,
        "new_pictures": len(it.new),
        "without_picture": it.wanted - count,
        "each_product": "flux-assets show PRODUCT_ID",
        **link_page(settings),
    }
    told = f"{count} {'picture' if count == 1 else 'pictures'}, {len(it.new)} new"
    return dg.AssetMaterialization(
        asset_key=names.key("images", it.shot),
        partition=it.name,
        description=f"{told}, samples" if settings.is_sample else told,
        metadata=metadata,
        tags={
            **picture_version_tags(
                str(it.build_version(settings.mode)), settings.mode, names.key("refreshed_images")
            ),
            MODE_TAG: settings.mode,
        },
    )
