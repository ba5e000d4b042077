import hashlib
from collections import Counter

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.settings import load_settings
from flux_assets.storage.buckets import (
    BUCKETS,
    MANY_PRODUCTS,
    advise_buckets,
    bucket_of,
    find_buckets,
)

BY_BUCKET = load_settings({"FLUX_ASSETS_PARTITION_BY": "bucket"})


def test_a_bucket_is_the_first_two_digits_of_the_sha256_of_the_product_s_id() -> None:
    for product_id in ("00123", "Stuhl ä", "a/b", "椅子"):
        assert bucket_of(product_id) == hashlib.sha256(product_id.encode()).hexdigest()[:2]


def test_products_are_spread_over_all_buckets_about_evenly() -> None:
    product_ids = pa.array(f"P-{number}" for number in range(25_600))
    sizes = Counter(find_buckets(product_ids).tolist())
    assert set(sizes) == set(range(len(BUCKETS)))
    assert max(sizes.values()) < 2 * min(sizes.values())


def test_the_bucket_of_each_is_found_in_their_order() -> None:
    product_ids = ["b", "b", "a", "b", ""]
    found = [BUCKETS[number] for number in find_buckets(pa.array(product_ids))]
    assert found == [bucket_of(product_id) for product_id in product_ids]
    assert find_buckets(pa.array([])).tolist() == []


def test_above_the_limit_it_is_told_how_many_what_they_cost_and_what_to_set() -> None:
    told = advise_buckets(load_settings({}), MANY_PRODUCTS + 1)
    assert "100,001 products are 100,001 partitions of each shot in Dagster" in told
    assert "each picture is an event" in told
    assert "FLUX_ASSETS_PARTITION_BY=bucket (in a component `partition_by: bucket`)" in told
    assert "moving makes no call and buys nothing" in told


@pytest.mark.parametrize("products", [0, 1, MANY_PRODUCTS])
def test_up_to_the_limit_nothing_is_told(products: int) -> None:
    assert advise_buckets(load_settings({}), products) == ""


@pytest.mark.parametrize("products", [1, MANY_PRODUCTS, 10 * MANY_PRODUCTS])
def test_a_shop_with_buckets_is_told_nothing_however_small_it_is(products: int) -> None:
    assert advise_buckets(BY_BUCKET, products) == ""
