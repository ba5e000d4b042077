"""The 256 buckets that a large catalog is spread over, by the sha256 of each product's id.

A product never changes its bucket, and all buckets are about as large as each other.
"""

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # whoever shows a help does without
    from flux_assets.settings import Settings

BUCKETS = tuple(f"{number:02x}" for number in range(256))
"""Their names, in their order."""

MANY_PRODUCTS = 100_000
"""With more of them, Dagster should have a partition for each bucket, not for each product."""


def bucket_of(product_id: str) -> str:
    """The name of the bucket that a product is in."""
    return BUCKETS[hashlib.sha256(product_id.encode()).digest()[0]]


def find_buckets(product_ids: Iterable[str]) -> list[str]:
    """The bucket of each, in their order; of one that follows itself, it is found once."""
    found: list[str] = []
    last, bucket = None, ""
    for product_id in product_ids:
        if product_id != last:
            last, bucket = product_id, bucket_of(product_id)
        found.append(bucket)
    return found


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
