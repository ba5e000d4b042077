"""What Dagster calls "Unsynced": nothing after a run without change, and by Dagster's own rules."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import (
    CachingStaleStatusResolver,
    StaleStatus,
    extract_data_version_from_entry,
)
from dagster._core.loader import LoadingContextForTest

from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.masters import CHANNELS

_TABLES = ("product_catalog", "image_requests", "image_plan")
_SHOTS = ("hero", "wide")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        yield shop


def _resolver(shop: DagsterShop) -> CachingStaleStatusResolver:
    graph = shop.definitions.get_repository_def().asset_graph
    return CachingStaleStatusResolver(
        instance=shop.instance,
        asset_graph=graph,
        loading_context=LoadingContextForTest(shop.instance),
    )


def _unsynced(shop: DagsterShop) -> dict[str, list[str]]:
    """Every asset, or picture by shot and product, that is not fresh, with why."""
    resolver = _resolver(shop)
    graph = shop.definitions.get_repository_def().asset_graph
    prefix = [shop.settings.shop] if shop.settings.shop else []
    places: list[tuple[str, dg.AssetKey, str | None]] = [
        (key.to_user_string(), key, None) for key in graph.unpartitioned_asset_keys
    ]
    products = shop.instance.get_dynamic_partitions("_".join([*prefix, "products"]))
    for shot in _SHOTS:
        key = dg.AssetKey([*prefix, "images", shot])
        places += [(f"{shot} of {product_id}", key, product_id) for product_id in products]
    return {
        name: [cause.reason for cause in resolver.get_stale_causes(key, product_id)] or ["missing"]
        for name, key, product_id in places
        if resolver.get_status(key, product_id) != StaleStatus.FRESH
    }


def _versions(shop: DagsterShop, assets: Sequence[str] = (*_TABLES, "image_manifest")) -> list[str]:
    found = []
    for asset in assets:
        record = shop.instance.get_latest_data_version_record(dg.AssetKey(asset))
        assert record is not None
        version = extract_data_version_from_entry(record.event_log_entry)
        assert version is not None
        found.append(version.value)
    return found


@pytest.mark.slow
def test_renditions_are_not_unsynced_after_a_refresh_with_or_without_change(
    shop: DagsterShop,
) -> None:
    (shop.folder / "channels.yaml").write_text(CHANNELS)
    shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
    shop.refresh()
    assert _unsynced(shop) == {}
    version = _versions(shop, ["renditions"])
    shop.refresh()
    assert _unsynced(shop) == {}
    assert _versions(shop, ["renditions"]) == version
    shop.set_product("001", title="Stool")
    shop.refresh()
    assert _unsynced(shop) == {}
    assert _versions(shop, ["renditions"]) != version


def test_nothing_is_unsynced_after_the_first_refresh_nor_after_one_without_change(
    shop: DagsterShop,
) -> None:
    shop.refresh()
    assert _unsynced(shop) == {}
    versions = _versions(shop)
    assert len(set(versions)) == len(versions)
    shop.refresh()
    assert _unsynced(shop) == {}
    shop.materialize(*_TABLES).expect(success=True)
    assert _unsynced(shop) == {}, "a plan alone makes nothing of an earlier run out of date"
    shop.materialize("product_catalog").expect(success=True)
    assert _unsynced(shop) == {}
    assert _versions(shop)[1:] == versions[1:]


@pytest.mark.slow
@pytest.mark.parametrize("change", ["price", "order"])
def test_a_change_of_the_export_that_changes_no_prompt_leaves_nothing_unsynced(
    shop: DagsterShop, change: str
) -> None:
    shop.refresh()
    before = _versions(shop)
    if change == "price":
        shop.set_product("002", price="11.00")
    else:
        shop.remove_product("001")
        shop.set_product("001", title="Chair 001")
    shop.materialize(*_TABLES).expect(success=True)
    assert _unsynced(shop) == {}
    shop.refresh()
    assert _unsynced(shop) == {}
    assert _versions(shop)[1:] == before[1:]
    assert _versions(shop)[0] != before[0]


def test_a_new_title_makes_what_follows_from_it_unsynced_until_it_is_made(
    shop: DagsterShop,
) -> None:
    shop.refresh()
    before = _versions(shop)
    shop.set_product("002", title="Armchair")
    shop.materialize(*_TABLES).expect(success=True)
    assert set(_unsynced(shop)) == {"refreshed_images", "image_manifest"}
    shop.refresh()
    assert _unsynced(shop) == {}
    after = _versions(shop)
    assert all(old != new for old, new in zip(before, after, strict=True))
    shop.set_product("002", title="Chair 002")
    shop.refresh()
    assert _unsynced(shop) == {}
    assert _versions(shop) == before, "what is as it was has the version that it had"


@pytest.mark.slow
def test_pictures_of_partitioned_runs_are_synced(shop: DagsterShop) -> None:
    shop.refresh(limit=0)
    shop.materialize("images/hero", partition_key="002").expect(success=True)
    resolver = _resolver(shop)
    hero = dg.AssetKey(["images", "hero"])
    assert resolver.get_status(hero, "002") == StaleStatus.FRESH
    assert resolver.get_status(hero, "001") == StaleStatus.MISSING
    shop.refresh()
    assert _unsynced(shop) == {}


@pytest.mark.slow
def test_shops_of_one_instance_do_not_make_each_other_unsynced(shop: DagsterShop) -> None:
    shop.refresh()
    shop.environ["FLUX_ASSETS_SHOP"] = "lamps"
    shop.refresh()
    assert _unsynced(shop) == {}
    del shop.environ["FLUX_ASSETS_SHOP"]
    assert _unsynced(shop) == {}


def test_the_lineage_shows_what_makes_the_pictures(shop: DagsterShop) -> None:
    graph = shop.definitions.get_repository_def().asset_graph
    for shot in _SHOTS:
        parents = graph.get(dg.AssetKey(["images", shot])).parent_keys
        assert parents == {dg.AssetKey("refreshed_images")}
