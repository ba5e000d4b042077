"""A chosen product that gets no picture stops no other, in a refresh as in a backfill."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop

SHOTS = """
shots:
  hero:
    only_if: "category != 'Gift cards'"
    prompt: "{{ title }} of {{ color }}"
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        shop.write_shots(SHOTS)
        shop.set_product("G", title="Gift card", category="Gift cards")
        shop.set_product("E", color="")
        shop.set_product("N", title="")
        yield shop


def test_a_refresh_buys_the_others_and_tells_each_reason(shop: DagsterShop) -> None:
    refreshed = shop.refresh(product_ids=["001", "G", "E", "N", "002x"])
    assert refreshed.counts()["calls"] == 1
    told = "\n".join(refreshed.result.output_for_node("refreshed_images")["notes"])
    for said in (
        "there is no product '002x' in catalog.csv; near it: 002",
        "product 'G', shot 'hero': no picture (only_if): category is 'Gift cards'",
        "product 'E', shot 'hero': no picture (prompt_error): the field 'color' is empty",
        "product 'N': no picture (no_title)",
    ):
        assert said in told
    made = [who for who, event in refreshed.logged().items() if "object_uri" in event.metadata]
    assert made == [("001", "hero")]


def test_a_refresh_of_products_that_all_are_not_there_buys_nothing(shop: DagsterShop) -> None:
    _, told = shop.failing_refresh(product_ids=["X1", "X2"]).failure()
    assert "product_ids: there is no 'X1', 'X2'" in told
    assert shop.bill() == []


def test_a_refresh_of_a_category_without_pictures_ends_well(shop: DagsterShop) -> None:
    assert "calls" not in shop.refresh(categories=["Gift cards"]).counts()


def test_a_partition_without_a_picture_is_told_its_rule(shop: DagsterShop) -> None:
    shop.register_products()
    _, told = shop.materialize("images/hero", partition_key="G").failure()
    assert "category is 'Gift cards', and only_if in line" in told
