"""Names that carry the shop, and the dynamic partitions that follow the catalog."""

from collections.abc import Iterable

import dagster as dg

JOB_NAME = "refresh_catalog_images"

_KEYS_AT_ONCE = 10_000
"""Dagster binds each key to a variable of one statement, and SQLite takes 32,766 of them."""


def shop_name(shop: str | None, name: str) -> str:
    """`name`, or `<shop>_name` where one Dagster instance serves several shops."""
    return f"{shop}_{name}" if shop else name


def shop_key(shop: str | None, *path: str) -> dg.AssetKey:
    """An asset key, under the shop's own prefix where there are several."""
    return dg.AssetKey([shop, *path] if shop else list(path))


def products_partitions(shop: str | None) -> dg.DynamicPartitionsDefinition:
    """One partition per product of the shop's catalog."""
    return dg.DynamicPartitionsDefinition(name=shop_name(shop, "products"))


def add_products(
    instance: dg.DagsterInstance, shop: str | None, product_ids: Iterable[str]
) -> tuple[int, int]:
    """Register new products as partitions; those that left the catalog stay, as orphans.

    Returns:
        How many partitions were added, and how many belong to no product of the catalog.
    """
    name = shop_name(shop, "products")
    known = set(instance.get_dynamic_partitions(name))
    wanted = list(product_ids)
    new = [product_id for product_id in wanted if product_id not in known]
    for start in range(0, len(new), _KEYS_AT_ONCE):
        instance.add_dynamic_partitions(name, new[start : start + _KEYS_AT_ONCE])
    return len(new), len(known.difference(wanted))
