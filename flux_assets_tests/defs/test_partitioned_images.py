"""Pictures of chosen products, as people and backfills ask for them in the Dagster UI.

Dagster does not document how one run streams many partitions; these tests pin what it does.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pytest
from dagster import AssetPartitionStatus

from flux_assets.defs.names import Names
from flux_assets.defs.partitions import products_partitions
from flux_assets.storage.object_store import ledger_key
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    Refreshed,
    open_shop,
    plain_metadata,
)

HERO = dg.AssetKey(["images", "hero"])


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003", "004") as shop:
        shop.register_products()
        yield shop


def _materialize(shop: DagsterShop, first: str, last: str, asset: str = "images/hero") -> Refreshed:
    tags = {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }
    return shop.materialize(asset, tags=tags)


def _statuses(shop: DagsterShop) -> Mapping[str, AssetPartitionStatus | None]:
    products = shop.instance.get_dynamic_partitions("products")
    statuses = shop.instance.get_status_by_partition(HERO, products, products_partitions(Names()))
    assert statuses is not None
    return statuses


def _materializations(shop: DagsterShop) -> list[tuple[str | None, dg.AssetMaterialization]]:
    records = shop.instance.fetch_materializations(HERO, limit=100).records
    return [
        (record.partition_key, record.asset_materialization)
        for record in records
        if record.asset_materialization
    ]


def test_a_range_with_a_failure_keeps_its_other_partitions_with_their_metadata(
    shop: DagsterShop,
) -> None:
    shop.set_product("002", title="A forbidden-word chair")
    with dg.instance_for_test() as shop.instance:  # as on disk, once
        shop.register_products()
        ranged = _materialize(shop, "001", "003").expect(success=False)

        step, told = ranged.failure()
        assert step == "images__hero"
        assert "1 of 3 products have no hero picture; the first is 002: refused by" in told
        assert set(ranged.logged()) == {("001", "hero"), ("003", "hero")}
        assert shop.partitions("hero") == {"001", "003"}
        assert _statuses(shop) == {
            "001": AssetPartitionStatus.MATERIALIZED,
            "002": AssetPartitionStatus.FAILED,
            "003": AssetPartitionStatus.MATERIALIZED,
            "004": None,
        }
        materializations = _materializations(shop)
        assert sorted(str(product_id) for product_id, _ in materializations) == ["001", "003"]
        for product_id, event in materializations:
            request = shop.requests()[str(product_id), "hero"]
            facts = plain_metadata(event)
            assert (facts["prompt"], facts["outcome"]) == (request.prompt, "generated")
            assert (facts["title"], facts["category"]) == (f"Chair {product_id}", "Chairs")
            assert facts["preview"].startswith(f"![{product_id} hero](data:image/jpeg")
            assert event.tags is not None
            assert event.tags["dagster/data_version"] == request.fingerprint
        [reason] = shop.instance.fetch_observations(HERO, limit=10).records
        assert reason.partition_key == "002"
        assert reason.asset_observation is not None
        assert "refused by the vendor" in str(reason.asset_observation.description)

        again = _materialize(shop, "001", "003").expect(success=False)
        assert {event.metadata["outcome"].value for event in again.logged().values()} == {"reused"}
        assert len(shop.bill()) == 2


def test_a_range_without_failures_succeeds_and_hides_no_metadata(shop: DagsterShop) -> None:
    ranged = _materialize(shop, "001", "003").expect(success=True)
    assert set(ranged.logged()) == {("001", "hero"), ("002", "hero"), ("003", "hero")}
    materializations = _materializations(shop)
    assert sorted(str(product_id) for product_id, _ in materializations) == ["001", "002", "003"]
    assert all(event.metadata["uuid"].value for _, event in materializations)
    latest = shop.instance.get_latest_materialization_event(HERO)
    assert latest is not None
    assert latest.asset_materialization is not None
    assert latest.asset_materialization.metadata["uuid"].value
    assert _statuses(shop)["004"] is None
    assert len(shop.bill()) == 3


def test_stored_pictures_of_a_range_are_logged_too_and_cost_nothing(shop: DagsterShop) -> None:
    shop.materialize("images/hero", partition_key="002").expect(success=True)
    ranged = _materialize(shop, "001", "004").expect(success=True)
    outcomes = {
        product_id: event.metadata["outcome"].value
        for (product_id, _), event in ranged.logged().items()
    }
    assert outcomes == {
        "001": "generated",
        "002": "reused",
        "003": "generated",
        "004": "generated",
    }
    assert len(shop.bill()) == 4
    assert set(_statuses(shop).values()) == {AssetPartitionStatus.MATERIALIZED}


def test_a_stored_picture_without_its_ledger_entry_is_taken_and_not_bought_again(
    shop: DagsterShop,
) -> None:
    shop.materialize("images/hero", partition_key="002").expect(success=True)
    fingerprint = shop.requests()["002", "hero"].fingerprint
    entry = shop.folder / "store" / ledger_key(fingerprint)
    entry.unlink()
    ranged = _materialize(shop, "002", "002").expect(success=True)
    assert ranged.logged()["002", "hero"].metadata["outcome"].value == "reused"
    assert len(shop.bill()) == 1
    assert entry.exists(), "and mended"


def test_what_a_partitioned_run_bought_a_refresh_takes_over(shop: DagsterShop) -> None:
    _materialize(shop, "001", "004").expect(success=True)
    refreshed = shop.refresh()
    assert {shot for _, shot in refreshed.logged()} == {"wide"}
    assert refreshed.counts() == {"generated": 4, "reused": 4, "calls": 4}
    assert shop.manifest_rows() == shop.current_rows()


def test_a_picture_is_logged_when_it_lands_and_not_at_the_end(shop: DagsterShop) -> None:
    """So few threads cannot take the last products before an early one's event is logged."""
    shop.environ["FLUX_ASSETS_MAX_IN_FLIGHT"] = "1"
    for number in range(5, 17):
        shop.set_product(f"{number:03d}")
    shop.register_products()
    _materialize(shop, "001", "016").expect(success=True)
    first_logged = min(
        record.timestamp for record in shop.instance.fetch_materializations(HERO, limit=100).records
    )
    last_stored = max(info.modified_at.timestamp() for info in shop.store.list("images/hero/"))
    assert first_logged < last_stored


def test_a_product_that_left_the_catalog_fails_with_the_reason(shop: DagsterShop) -> None:
    shop.remove_product("002")
    ranged = _materialize(shop, "001", "003").expect(success=False)
    assert "the first is 002: not in catalog.csv any more" in ranged.failure()[1]
    assert shop.partitions("hero") == {"001", "003"}


@pytest.mark.slow
def test_after_a_refresh_a_range_is_of_the_export_as_it_is_now(
    shop: DagsterShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.refresh()
    asked = len(shop.bill())
    with monkeypatch.context() as patched:
        patched.delattr(
            "flux_assets.defs.chosen_requests.load_catalog"
        )  # an unchanged one is not read
        _materialize(shop, "001", "004").expect(success=True)
    assert len(shop.bill()) == asked
    shop.set_product("003", title="A stool")
    shop.remove_product("002")
    ranged = _materialize(shop, "001", "004").expect(success=False)
    assert "1 of 4 products have no hero picture; the first is 002: not in" in ranged.failure()[1]
    assert len(shop.bill()) == asked + 1
    assert "A stool" in str(ranged.logged()["003", "hero"].metadata["prompt"].value)


def test_a_prompt_that_cannot_be_rendered_fails_its_partition_only(shop: DagsterShop) -> None:
    shop.set_product("003", color="")
    ranged = _materialize(shop, "001", "004", asset="images/wide").expect(success=False)
    assert "1 of 4 products have no wide picture; the first is 003" in ranged.failure()[1]
    assert "the field 'color' is empty" in ranged.failure()[1]
    assert shop.partitions("wide") == {"001", "002", "004"}


def test_a_range_over_the_cap_is_refused_before_any_call(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "3"
    ranged = _materialize(shop, "001", "004").expect(success=False)
    assert "4 pictures (about 0.28 USD) are to be bought" in ranged.failure()[1]
    assert shop.bill() == []
    _materialize(shop, "001", "003").expect(success=True)
    _materialize(shop, "001", "004").expect(success=True)
    assert len(shop.bill()) == 4, "stored pictures do not count"


def test_a_backfill_is_cut_into_runs_of_one_shard_each(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHARD_SIZE"] = "7"
    by_key = shop.definitions.get_repository_def().assets_defs_by_key
    assert by_key[HERO].backfill_policy == dg.BackfillPolicy.multi_run(7)
