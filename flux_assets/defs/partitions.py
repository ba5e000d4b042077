"""The partitions of `images/<shot>`: one for each product of the catalog, or for each bucket."""

from collections.abc import Iterable

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.settings import Settings
from flux_assets.storage.buckets import BUCKETS

_KEYS_AT_ONCE = 10_000
"""Dagster binds each key to a variable of one statement, and SQLite takes 32,766 of them."""


def picture_partitions(settings: Settings, names: Names) -> dg.PartitionsDefinition[str]:
    """As the settings want them."""
    if settings.partition_by == "bucket":
        return dg.StaticPartitionsDefinition(BUCKETS)
    return products_partitions(names)


def backfill_policy(settings: Settings) -> dg.BackfillPolicy:
    """How many partitions a run of a backfill makes: a bucket has the products of several."""
    return dg.BackfillPolicy.multi_run(
        1 if settings.partition_by == "bucket" else settings.shard_size
    )


def products_partitions(names: Names) -> dg.DynamicPartitionsDefinition:
    """One partition per product of the shop's catalog."""
    return dg.DynamicPartitionsDefinition(name=names.partitions)


def add_products(
    instance: dg.DagsterInstance, names: Names, product_ids: Iterable[str]
) -> tuple[int, int]:
    """Register new products as partitions; those that left the catalog stay, as orphans.

    Returns:
        How many partitions were added, and how many belong to no product of the catalog.
    """
    name = names.partitions
    known = set(instance.get_dynamic_partitions(name))
    wanted = list(product_ids)
    new = [product_id for product_id in wanted if product_id not in known]
    for start in range(0, len(new), _KEYS_AT_ONCE):
        instance.add_dynamic_partitions(name, new[start : start + _KEYS_AT_ONCE])
    return len(new), len(known.difference(wanted))
