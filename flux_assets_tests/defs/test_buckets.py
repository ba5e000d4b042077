"""A shop whose partitions in Dagster are 256 buckets of products, as a very large one's are."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import AssetPartitionStatus
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from flux_assets.defs.names import Names
from flux_assets.defs.partitions import picture_partitions
from flux_assets.storage.buckets import BUCKETS, bucket_of
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    Refreshed,
    open_shop,
    plain_metadata,
)

IDS = ("001", "002", "003", "004", "005", "006")
NEIGHBOURS = ("N-7", "N-9")
"""Two products of one bucket."""
SHOTS = ("hero", "wide")
HERO = dg.AssetKey(["images", "hero"])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *IDS) as shop:
        shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
        yield shop


def _places(*product_ids: str) -> set[tuple[str, str]]:
    return {(bucket_of(product_id), shot) for product_id in product_ids for shot in SHOTS}


def _facts(refreshed: Refreshed, product_id: str, shot: str = "hero") -> Mapping[str, Any]:
    return plain_metadata(refreshed.logged()[bucket_of(product_id), shot])


def _statuses(shop: DagsterShop) -> Mapping[str, AssetPartitionStatus | None]:
    partitions = picture_partitions(shop.settings, Names())
    statuses = shop.instance.get_status_by_partition(HERO, BUCKETS, partitions)
    assert statuses is not None
    return statuses


def _backfill(shop: DagsterShop, product_id: str) -> Refreshed:
    return shop.materialize("images/hero", partition_key=bucket_of(product_id))


def test_a_bucket_s_event_counts_its_pictures_and_shows_the_new_ones(shop: DagsterShop) -> None:
    assert len({bucket_of(it) for it in NEIGHBOURS}) == 1
    for product_id in NEIGHBOURS:
        shop.set_product(product_id)
    refreshed = shop.refresh()
    assert set(refreshed.logged()) == {(bucket, shot) for bucket in BUCKETS for shot in SHOTS}
    facts = _facts(refreshed, NEIGHBOURS[0])
    assert (facts["pictures"], facts["new_pictures"], facts["without_picture"]) == (2, 2, 0)
    for product_id in NEIGHBOURS:
        assert f"![{product_id} hero](data:image/jpeg;base64," in facts["previews"]
    assert facts["each_product"] == "flux-assets show PRODUCT_ID"
    assert shop.instance.get_dynamic_partitions("products") == [], "of products there are none"
    assert len(shop.bill()) == 2 * len((*IDS, *NEIGHBOURS))
    [told] = shop.instance.fetch_observations(dg.AssetKey("refreshed_images"), limit=10).records
    assert told.asset_observation is not None
    landed = plain_metadata(told.asset_observation)
    assert landed["landed"] == len(shop.bill())
    assert landed["cost_usd_estimate"] == pytest.approx(16 * shop.settings.cost_usd_per_image)


@pytest.mark.slow
def test_only_buckets_that_changed_are_told_again(shop: DagsterShop) -> None:
    shop.refresh()
    unchanged = shop.refresh()
    assert unchanged.logged() == {}
    assert unchanged.counts() == {"reused": 12}
    shop.set_product("002", color="blue")
    assert set(shop.refresh().logged()) == {(bucket_of("002"), "wide")}
    shop.set_product("003", price="11.00")
    assert shop.refresh().logged() == {}
    shop.remove_product("005")
    assert set(shop.refresh().logged()) == _places("005"), "one picture less in it"


@pytest.mark.slow
def test_a_shop_moves_from_products_to_buckets_and_back_without_a_call(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "product"
    shop.refresh()
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
    moved = shop.refresh()
    assert _places(*IDS) <= set(moved.logged())
    assert _facts(moved, "001")["pictures"] == 1
    assert "previews" not in _facts(moved, "001"), "nothing is new"
    assert shop.refresh().logged() == {}
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "product"
    assert shop.refresh().logged() == {}, "Dagster knows each of these pictures already"
    assert len(shop.bill()) == 12
    assert shop.manifest_rows() == shop.current_rows()


@pytest.mark.slow
def test_a_product_that_is_called_like_a_bucket_is_told_as_what_it_is(shop: DagsterShop) -> None:
    shop.set_product("a1")
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "product"
    shop.refresh()
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
    assert ("a1", "hero") in shop.refresh().logged()
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "product"
    assert set(shop.refresh().logged()) == {("a1", "hero"), ("a1", "wide")}
    assert len(shop.bill()) == 14


def test_a_backfill_buys_what_a_bucket_s_products_lack(shop: DagsterShop) -> None:
    for product_id in NEIGHBOURS:
        shop.set_product(product_id)
    shop.refresh(product_ids=[NEIGHBOURS[0]], shots=["hero"])
    made = _backfill(shop, NEIGHBOURS[0]).expect(success=True)
    assert set(made.logged()) == {(bucket_of(NEIGHBOURS[0]), "hero")}
    facts = _facts(made, NEIGHBOURS[0])
    assert (facts["pictures"], facts["new_pictures"], facts["without_picture"]) == (2, 1, 0)
    assert f"![{NEIGHBOURS[1]} hero]" in facts["previews"]
    assert len(shop.bill()) == 2
    again = _backfill(shop, NEIGHBOURS[0]).expect(success=True)
    assert _facts(again, NEIGHBOURS[0])["new_pictures"] == 0
    assert len(shop.bill()) == 2


@pytest.mark.slow
def test_what_a_backfill_bought_and_told_a_refresh_neither_buys_nor_tells(
    shop: DagsterShop,
) -> None:
    for product_id in NEIGHBOURS:
        shop.set_product(product_id)
    shop.refresh(product_ids=[NEIGHBOURS[0]], shots=["hero"])
    _backfill(shop, NEIGHBOURS[0]).expect(success=True)
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 14, "reused": 2, "calls": 14}
    assert (bucket_of(NEIGHBOURS[0]), "hero") not in refreshed.logged(), "the backfill told it"


@pytest.mark.slow
def test_a_backfill_buys_nothing_of_another_shop_s_export(shop: DagsterShop) -> None:
    shop.refresh(shots=["wide"])
    for product_id in IDS:
        shop.remove_product(product_id)
    for product_id in NEIGHBOURS:
        shop.set_product(product_id)
    made = _backfill(shop, NEIGHBOURS[0]).expect(success=False)
    assert "6 of the 6 products of the last manifest are not in this catalog" in made.failure()[1]
    assert made.logged() == {}
    assert len(shop.bill()) == 6
    shop.refresh(accept_drop=True, shots=["wide"])
    _backfill(shop, NEIGHBOURS[0]).expect(success=True)
    assert len(shop.bill()) == 10


@pytest.mark.slow
def test_a_bucket_that_lacks_all_its_pictures_stays_missing_and_an_empty_one_does_not(
    shop: DagsterShop,
) -> None:
    shop.refresh(limit=0)
    wanted = {bucket_of(product_id) for product_id in IDS}
    assert {it for it, status in _statuses(shop).items() if status is None} == wanted
    empty = next(bucket for bucket in BUCKETS if bucket not in wanted)
    shop.materialize("images/hero", partition_key=empty).expect(success=True)
    assert shop.bill() == []


@pytest.mark.slow
def test_what_a_bucket_s_products_have_no_picture_for_is_told_and_fails_the_backfill(
    shop: DagsterShop,
) -> None:
    refused, other = NEIGHBOURS
    shop.set_product(refused, title="A forbidden-word chair")
    shop.set_product(other)
    made = _backfill(shop, refused).expect(success=False)
    assert f"1 of 2 products have no hero picture; the first is {refused}" in made.failure()[1]
    assert _facts(made, other)["without_picture"] == 1
    [reason] = shop.instance.fetch_observations(HERO, limit=10).records
    assert reason.partition_key == bucket_of(refused)
    assert reason.asset_observation is not None
    assert refused in str(plain_metadata(reason.asset_observation)["products"])
    refreshed = shop.refresh()
    assert _facts(refreshed, IDS[0])["without_picture"] == 0
    assert not refreshed.check("every_product_has_its_pictures").passed


@pytest.mark.slow
def test_a_picture_whose_successor_is_refused_is_none_of_its_bucket_s(shop: DagsterShop) -> None:
    shop.refresh()
    shop.set_product("002", title="A forbidden-word chair")
    facts = _facts(shop.refresh(), "002")
    assert (facts["pictures"], facts["new_pictures"], facts["without_picture"]) == (0, 0, 1)


@pytest.mark.slow
def test_products_that_no_shot_wants_are_not_counted_as_lacking_one(shop: DagsterShop) -> None:
    text = (shop.folder / "shots.yaml").read_text()
    shop.write_shots(text.replace("wide:", "wide:\n    only_if: title == 'Stool'"))
    shop.set_product("001", title="Stool")
    refreshed = shop.refresh()
    assert _facts(refreshed, "001", "wide")["pictures"] == 1
    facts = _facts(refreshed, "002", "wide")
    assert (facts["pictures"], facts["without_picture"]) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    "lost",
    [
        ("images", "ledger"),
        ("images", "ledger", "tables"),
    ],
)
def test_what_a_store_has_lost_is_not_bought_again_unasked(
    shop: DagsterShop, lost: tuple[str, ...]
) -> None:
    """The manifest names each, or else the buckets' events say how many there were."""
    shop.refresh()
    shop.set_product("007")
    for folder in lost:
        shutil.rmtree(shop.folder / "store" / folder)
    _, told = shop.failing_refresh().failure()
    assert "12 of the pictures that are to be bought were bought before" in told
    clicked = _backfill(shop, "001").expect(success=False)
    assert "1 of the pictures that are to be bought were bought before" in clicked.failure()[1]
    assert len(shop.bill()) == 12
    accepted = shop.refresh(accept_loss=True)
    assert accepted.counts() == {"generated": 14, "calls": 14}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"),
    [("product", "bucket"), ("bucket", "product")],
)
def test_what_a_store_lost_while_the_shop_moved_is_not_bought_again_unasked(
    shop: DagsterShop, before: str, after: str
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = before
    shop.refresh()
    shutil.rmtree(shop.folder / "store")
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = after
    key = bucket_of("001") if after == "bucket" else "001"
    for refused in (shop.failing_refresh(), shop.materialize("images/hero", partition_key=key)):
        assert "of the pictures that are to be bought were bought before" in refused.failure()[1]
    assert len(shop.bill()) == 12
    assert shop.refresh(accept_loss=True).counts() == {"generated": 12, "calls": 12}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "after"), [("product", "bucket"), ("bucket", "product"), ("bucket", "bucket")]
)
def test_a_shop_that_lost_its_manifest_alone_buys_only_new_products_also_as_it_moves(
    shop: DagsterShop, before: str, after: str
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = before
    shop.refresh()
    shutil.rmtree(shop.folder / "store/tables")
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = after
    shop.set_product("007")
    assert shop.refresh().counts() == {"generated": 2, "reused": 12, "calls": 2}


@pytest.mark.slow
def test_a_product_that_follows_one_that_left_its_bucket_is_bought(shop: DagsterShop) -> None:
    left, follows = NEIGHBOURS
    shop.set_product(left)
    shop.refresh()
    shop.remove_product(left)
    shop.set_product(follows)
    assert shop.refresh().counts() == {"generated": 2, "reused": 12, "calls": 2}


@pytest.mark.slow
def test_each_step_has_the_products_of_few_buckets(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHARD_SIZE"] = "3"
    for number in range(20):
        shop.set_product(f"X-{number}")
    refreshed = shop.refresh()
    shards = [
        [row["request"]["product_id"] for row in shard["requests"]]
        for shard in refreshed.result.output_for_node(
            "refreshed_images.plan_shards", "shards"
        ).values()
    ]
    assert [len(shard) for shard in shards] == [3] * 17 + [1]
    buckets = [bucket_of(product_id) for shard in shards for product_id in shard]
    assert buckets == sorted(buckets)


@pytest.mark.slow
def test_pictures_that_a_stopped_run_had_got_are_told_by_the_next_one(shop: DagsterShop) -> None:
    faults = shop.folder / "faults.json"
    shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"] = "faults.json"
    shop.environ["FLUX_ASSETS_MAX_IN_FLIGHT"] = "1"
    faults.write_text(json.dumps({"out_of_credits_after": 5}))
    stopped = shop.failing_refresh()
    assert stopped.logged() == {}
    assert len(shop.bill()) == 5
    faults.write_text("{}")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 7, "reused": 5, "calls": 7}
    assert _places(*IDS) <= set(refreshed.logged())


@pytest.mark.slow
def test_nothing_is_unsynced_after_a_refresh_with_and_without_change(shop: DagsterShop) -> None:
    graph = shop.definitions.resolve_asset_graph()
    for title in ("Chair 001", "Chair 001", "Stool"):
        shop.set_product("001", title=title)
        shop.refresh()
        resolver = CachingStaleStatusResolver(
            instance=shop.instance,
            asset_graph=graph,
            loading_context=LoadingContextForTest(shop.instance),
        )
        statuses = {resolver.get_status(HERO, bucket) for bucket in BUCKETS}
        statuses |= {resolver.get_status(key) for key in graph.unpartitioned_asset_keys}
        assert statuses == {StaleStatus.FRESH}
