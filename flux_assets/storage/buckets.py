"""The 256 buckets that a large catalog is spread over, by the sha256 of each product's id.

A product never changes its bucket, and all buckets are about as large as each other.
"""

import hashlib
from collections.abc import Iterable

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
