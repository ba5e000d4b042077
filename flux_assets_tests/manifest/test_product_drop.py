"""How many products of the manifest are gone from a catalog, and how few that may be."""

from random import Random

import pytest

from flux_assets.bill.caps import ProductDrop
from flux_assets.catalog.identity import normalise_id
from flux_assets.manifest.rows import OF_EVERY_RELEASE
from flux_assets.manifest.stored import StoredManifest, count_product_drop
from flux_assets.storage.frames import build_frame
from flux_assets.storage.parquet import StoredTable, write_parquet

Rows = list[tuple[str, str]]


def build_manifest_of(rows: Rows) -> StoredManifest:
    """A manifest with these product ids and fingerprints."""
    named = [(product_id, "hero", fingerprint) for product_id, fingerprint in rows]
    table = build_frame(named, OF_EVERY_RELEASE, numbers=())
    return StoredManifest(StoredTable(write_parquet(table)), uri="", etag="")


def build_requests_of(rows: Rows) -> StoredTable:
    """A table of requests with these product ids and fingerprints."""
    return StoredTable(write_parquet(build_frame(rows, ("product_id", "fingerprint"), numbers=())))


@pytest.mark.parametrize(
    ("stored", "asked", "drop"),
    [
        ([("1", "a"), ("1", "b"), ("2", "c")], [("2", "c"), ("1", "a")], (2, 0)),
        ([("1", "a"), ("2", "b"), ("3", "c")], [("1", "a"), ("9", "d")], (3, 2)),
        ([("old", "a"), ("2", "b")], [("new", "a"), ("2", "b")], (2, 0)),
        ([("1 ", "a"), ("2", "b")], [("1", "x"), ("2", "b")], (2, 0)),
        ([("1", "a")], [], (1, 1)),
        ([], [("1", "a")], (0, 0)),
    ],
    ids=["all there", "gone", "renamed", "written otherwise", "empty catalog", "empty manifest"],
)
def test_products_that_a_catalog_lost_are_counted(
    stored: Rows, asked: Rows, drop: tuple[int, int]
) -> None:
    assert count_product_drop(build_manifest_of(stored), build_requests_of(asked)) == drop


def test_without_a_manifest_nothing_can_be_lost() -> None:
    assert count_product_drop(None, build_requests_of([("1", "a")])) == ProductDrop(0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_the_count_is_that_of_the_plain_rule(seed: int) -> None:
    random = Random(seed)  # noqa: S311 - no secret

    def choose(most: int) -> Rows:
        fingerprints = random.sample("abcdefghijklmnop", random.randrange(most))
        return [(random.choice(["1", "2", "3", " 3", "4", "5"]), it) for it in fingerprints]

    stored, asked = choose(8), choose(16)
    owners: dict[str, str] = {}
    for product_id, fingerprint in asked:
        owners.setdefault(fingerprint, product_id)
    ids = {product_id for product_id, _ in asked}
    known = {product_id for product_id, _ in stored}
    if not known <= ids:
        known = {owners.get(it) or normalise_id(product_id) for product_id, it in stored}
    drop = count_product_drop(build_manifest_of(stored), build_requests_of(asked))
    assert drop == (len(known), len(known - ids))
