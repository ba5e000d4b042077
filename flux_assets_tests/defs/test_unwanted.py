"""Products of which a shot wants no picture: not missing in Dagster, and their page says why."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.defs.names import Names
from flux_assets.defs.partitions import products_partitions
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    Refreshed,
    open_shop,
    plain_metadata,
)

SHOTS = """
shots:
  hero:
    only_if: "category != 'Gift cards'"
    prompt: "{{ title }} on white"
  wide:
    prompt: "{{ title }} in {{ color }}"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    """Of a chair both shots are wanted, of a gift card the second one."""
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        shop.write_shots(SHOTS)
        shop.set_product("G", title="Gift card", category="Gift cards")
        yield shop


def _missing(shop: DagsterShop, shot: str) -> set[str]:
    """What a backfill of what is missing asks for."""
    key, partitions = dg.AssetKey(["images", shot]), products_partitions(Names())
    products = shop.instance.get_dynamic_partitions("products")
    statuses = shop.instance.get_status_by_partition(key, products, partitions)
    assert statuses is not None
    return {product_id for product_id, status in statuses.items() if status is None}


def _told(refreshed: Refreshed) -> dict[tuple[str, str], str]:
    """The outcome of each event, or why there is no picture."""
    facts = {who: plain_metadata(event) for who, event in refreshed.logged().items()}
    return {who: each.get("reason", each["outcome"]) for who, each in facts.items()}


def test_a_product_that_a_shot_does_not_want_is_not_missing_and_its_page_says_why(
    shop: DagsterShop,
) -> None:
    refreshed = shop.refresh()
    assert _missing(shop, "hero") == _missing(shop, "wide") == set()
    assert refreshed.counts() == {"generated": 3, "skipped": 1, "calls": 3}
    event = refreshed.logged()["G", "hero"]
    assert event.description == "no picture: the shot's only_if does not hold for this product"
    assert "object_uri" not in event.metadata
    assert shop.refresh().logged() == {}, "and is told once"


def test_what_was_not_bought_for_another_reason_stays_missing(shop: DagsterShop) -> None:
    shop.set_product("E", color="")
    shop.set_product("F", title="A forbidden-word chair")
    shop.refresh(limit=4)
    assert _missing(shop, "hero") == {"F"}
    assert _missing(shop, "wide") >= {"E"}


def test_each_rule_is_told_and_a_new_one_again(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
    overrides = Path("overrides.csv")
    overrides.write_text("product_id,shot,skip\nG,,yes\n", "utf-8")
    said = _told(shop.refresh())
    assert said["G", "hero"] == said["G", "wide"] == "the overrides file says skip"
    overrides.write_text("product_id,shot,skip\n", "utf-8")
    assert _told(shop.refresh()) == {
        ("G", "hero"): "the shot's only_if does not hold for this product",
        ("G", "wide"): "generated",
    }


def test_a_skipped_product_keeps_the_page_of_its_picture(shop: DagsterShop) -> None:
    shop.refresh()
    shop.set_product("001", category="Gift cards")
    assert shop.refresh().logged() == {}
    assert _missing(shop, "hero") == set()


@pytest.mark.slow
def test_a_product_that_is_wanted_again_is_bought_or_out_of_date(shop: DagsterShop) -> None:
    shop.refresh()
    shop.set_product("G", category="Chairs")
    left = shop.refresh(limit=0)
    assert _told(left) == {("G", "hero"): "a picture is wanted again, and there is none yet"}
    assert shop.refresh(limit=0).logged() == {}
    assert _told(shop.refresh()) == {("G", "hero"): "generated"}
    shop.set_product("G", category="Gift cards")
    shop.refresh()
    shop.set_product("G", category="Chairs")
    assert shop.refresh().logged() == {}, "its picture was there all the time"


@pytest.mark.slow
def test_a_product_that_left_is_missing_in_no_shot(shop: DagsterShop) -> None:
    shop.refresh(shots=["hero"])
    shop.remove_product("G")
    assert _told(shop.refresh(accept_drop=True)) == {
        ("001", "wide"): "generated",
        ("G", "hero"): "this product is not in the catalog any more",
        ("G", "wide"): "this product is not in the catalog any more",
    }
    assert _missing(shop, "hero") == _missing(shop, "wide") == set()
    shop.set_product("G", title="Gift card", category="Gift cards")
    assert _told(shop.refresh()) == {
        ("G", "hero"): "the shot's only_if does not hold for this product",
        ("G", "wide"): "generated",
    }


def test_a_backfill_passes_over_what_is_not_wanted(shop: DagsterShop) -> None:
    shop.register_products()
    tags = {
        "dagster/asset_partition_range_start": "001",
        "dagster/asset_partition_range_end": "G",
    }
    ranged = shop.materialize("images/hero", tags=tags).expect(success=True)
    assert set(_told(ranged)) == {("001", "hero"), ("G", "hero")}
    assert len(shop.bill()) == 1
    alone = shop.materialize("images/hero", partition_key="G").expect(success=False)
    assert "skipped (only_if): category is 'Gift cards'" in alone.failure()[1]
