"""The refresh makes what channels read, where a channels file is named, and costs nothing else."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.publishing.rendition_table import RenditionRow, open_renditions
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    Refreshed,
    open_shop,
)
from flux_assets_tests.fixtures.masters import CHANNELS

CHECK = "every_picture_has_its_renditions"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        (shop.folder / "channels.yaml").write_text(CHANNELS)
        shop.environ |= {"FLUX_ASSETS_CHANNELS": "channels.yaml", "FLUX_ASSETS_SHARD_SIZE": "2"}
        yield shop


def _rows(shop: DagsterShop) -> list[RenditionRow]:
    table = open_renditions(shop.store)
    assert table is not None
    return [RenditionRow(*row) for row in table.read().itertuples(index=False)]


def _steps(run: Refreshed) -> set[str]:
    return {str(event.step_key) for event in run.result.all_events if event.is_step_success}


def _version(run: Refreshed) -> object:
    [event] = run.result.asset_materializations_for_node("renditions")
    return (event.tags or {})["dagster/data_version"]


def test_a_refresh_ends_with_the_renditions_of_all_pictures(shop: DagsterShop) -> None:
    run = shop.refresh()
    rows = _rows(shop)
    assert {(row.product_id, row.shot, row.profile) for row in rows} == {
        (product_id, shot, profile)
        for product_id in ("001", "002", "003")
        for shot, profiles in (
            ("hero", ("big", "bigger", "small", "thumb_400")),
            ("wide", ("small", "thumb_400")),
        )
        for profile in profiles
    }
    stored = {row.object_key for row in rows}
    assert set(shop.store.list_keys("publishing/renditions/")) == stored
    told = run.metadata_of("renditions")
    assert told["dagster/row_count"] == 18
    assert told["rendered_pictures"] == 6
    assert told["stored_files"] == len(stored)
    assert run.check(CHECK).passed
    assert len([key for key in _steps(run) if "render_shard" in key]) == 3


@pytest.mark.slow
def test_a_refresh_with_nothing_new_renders_nothing(shop: DagsterShop) -> None:
    first = shop.refresh()
    run = shop.refresh()
    assert not [key for key in _steps(run) if "render_shard" in key]
    told = run.metadata_of("renditions")
    assert (told["rendered_pictures"], told["stored_files"]) == (0, 0)
    assert told["dagster/row_count"] == 18
    assert _version(run) == _version(first)


@pytest.mark.slow
def test_a_changed_title_renders_that_product_s_pictures(shop: DagsterShop) -> None:
    shop.refresh()
    shop.set_product("002", title="Stool")
    told = shop.refresh().metadata_of("renditions")
    assert told["rendered_pictures"] == 2


def test_renditions_can_be_made_by_themselves_and_buy_nothing(shop: DagsterShop) -> None:
    del shop.environ["FLUX_ASSETS_CHANNELS"]
    shop.refresh()
    shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
    bill = shop.bill()
    shop.materialize("renditions").expect(success=True)
    assert len(_rows(shop)) == 18
    assert shop.bill() == bill


def test_a_damaged_picture_fails_the_check_and_not_the_run(shop: DagsterShop) -> None:
    del shop.environ["FLUX_ASSETS_CHANNELS"]
    shop.refresh()
    shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
    manifest = shop.manifest()
    key = manifest[manifest["product_id"] == "002"]["object_key"].iloc[0]
    shop.store.put(key, b"no picture", content_type="image/png")
    run = shop.refresh()
    check = run.check(CHECK)
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert "002" in (check.description or "")
    assert len(_rows(shop)) < 18


def test_a_wrong_channels_file_is_told_with_its_line(shop: DagsterShop) -> None:
    (shop.folder / "channels.yaml").write_text(CHANNELS.replace("[hero]", "[front]"))
    run = shop.failing_refresh()
    step, told = run.failure()
    assert step == "renditions.plan_renditions"
    assert "channels.yaml, line 9: " in told
    assert "'front' is no shot; the shots file has hero, wide" in told
    assert len(shop.manifest()) == 6


def test_without_a_channels_file_there_is_nothing_of_it(shop: DagsterShop) -> None:
    del shop.environ["FLUX_ASSETS_CHANNELS"]
    keys = {key.path[-1] for key in shop.definitions.resolve_all_asset_keys()}
    assert "renditions" not in keys
    shop.refresh()
    assert list(shop.store.list_keys("publishing/")) == []


@pytest.mark.slow
def test_another_shop_s_renditions_lie_in_its_own_part(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHOP"] = "bags"
    shop.refresh()
    assert list(shop.store.list_keys("bags/publishing/renditions/001/hero/"))
    assert list(shop.store.list_keys("publishing/")) == []
