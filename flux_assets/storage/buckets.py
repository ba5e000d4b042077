"""The 256 buckets that a large catalog is spread over, by the sha256 of each product's id.

A product never changes its bucket, and all buckets are about as large as each other.
"""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever shows a help does without
    import numpy as np
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    from flux_assets.settings import Settings

BUCKETS = tuple(f"{number:02x}" for number in range(256))
"""Their names, in their order."""

MANY_PRODUCTS = 100_000
"""With more of them, Dagster should have a partition for each bucket, not for each product."""


def bucket_of(product_id: str) -> str:
    """The name of the bucket that a product is in."""
    return BUCKETS[_number(product_id)]


def _number(product_id: str) -> int:
    return hashlib.sha256(product_id.encode()).digest()[0]


def find_buckets(product_ids: "pa.Array") -> "np.ndarray":
    """The place in BUCKETS of each one's bucket; of an id that follows itself, it is found once."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    runs = pc.run_end_encode(product_ids.cast(pa.large_string()))
    found = np.fromiter(map(_number, runs.values.to_pylist()), np.int16, len(runs.values))
    return found.repeat(np.diff(runs.run_ends.to_numpy(), prepend=0))


def advise_buckets(settings: "Settings", products: int) -> str:
    """What a shop is told that has grown past a partition for each product; else nothing."""
    if settings.partition_by == "bucket" or products <= MANY_PRODUCTS:
        return ""
    return (
        f"{products:,} products are {products:,} partitions of each shot in Dagster, whose pages "
        f"open slowly above {MANY_PRODUCTS:,}, and each picture is an event of some 10 kB in its "
        "database: set FLUX_ASSETS_PARTITION_BY=bucket (in a component `partition_by: bucket`) for "
        f"{len(BUCKETS)} partitions, each with one event a run; moving makes no call and buys "
        "nothing, and `flux-assets show PRODUCT` tells of single products"
    )
