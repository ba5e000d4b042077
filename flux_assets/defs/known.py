"""What Dagster knows already, of pictures or of buckets, as the settings want them told."""

from collections.abc import Callable, Iterable, Sequence

import dagster as dg

from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.known_buckets import KnownBuckets, ReadStored
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.settings import Settings

Known = KnownPictures | KnownBuckets
ReadKnown = Callable[[], Known]


@put_off_full_collections()
def read_known(
    instance: dg.DagsterInstance,
    settings: Settings,
    names: Names,
    *,
    shots: Iterable[str],
    read_stored: ReadStored,
    product_ids: Sequence[str] | None = None,
) -> Known:
    """Of some shots, and of all products, or of some; `read_stored` as for `KnownBuckets`."""
    if settings.partition_by == "bucket":
        return KnownBuckets.read(
            instance, names, shots, mode=settings.mode, read_stored=read_stored
        )
    return KnownPictures.read(instance, names, shots, product_ids=product_ids)


@put_off_full_collections()
def read_known_before(
    instance: dg.DagsterInstance,
    settings: Settings,
    names: Names,
    *,
    shots: Iterable[str],
    read_stored: ReadStored,
) -> Known:
    """As it was told before the shop moved between products and buckets, if it ever did."""
    if settings.partition_by == "bucket":
        return KnownPictures.read(instance, names, shots)
    return KnownBuckets.read(instance, names, shots, mode=settings.mode, read_stored=read_stored)
