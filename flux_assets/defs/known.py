"""What Dagster knows already, of pictures or of buckets, as the settings want them told."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.defs.known_buckets import KnownBuckets
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

Known = KnownPictures | KnownBuckets


def read_known(
    instance: dg.DagsterInstance,
    settings: Settings,
    names: Names,
    *,
    shots: Iterable[str],
    plan: "pd.DataFrame",
    product_ids: Sequence[str] | None = None,
) -> Known:
    """Of some shots, for this plan's table; of all products, or of some."""
    if settings.partition_by == "bucket":
        return KnownBuckets.read(instance, names, shots, mode=settings.mode, plan=plan)
    return KnownPictures.read(instance, names, shots, product_ids=product_ids)
