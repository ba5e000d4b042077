import hashlib
from collections import Counter

from flux_assets.storage.buckets import BUCKETS, bucket_of, find_buckets


def test_a_bucket_is_the_first_two_digits_of_the_sha256_of_the_product_s_id() -> None:
    for product_id in ("00123", "Stuhl ä", "a/b", "椅子"):
        assert bucket_of(product_id) == hashlib.sha256(product_id.encode()).hexdigest()[:2]


def test_products_are_spread_over_all_buckets_about_evenly() -> None:
    product_ids = [f"P-{number}" for number in range(25_600)]
    sizes = Counter(find_buckets(product_ids))
    assert set(sizes) == set(BUCKETS)
    assert max(sizes.values()) < 2 * min(sizes.values())


def test_the_bucket_of_each_is_found_in_their_order() -> None:
    product_ids = ["b", "b", "a", "b", ""]
    assert find_buckets(product_ids) == [bucket_of(product_id) for product_id in product_ids]
    assert find_buckets([]) == []
