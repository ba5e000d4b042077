"""What a refresh says of delivered pictures that show nothing, or another product."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.errors import ShotsFileError
from flux_assets.prompts.shots import read_shots
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)

CHECK = "no_picture_is_doubtful"
HERO = """
shots:
  hero:
    prompt: "{{ title }} on white"
"""
REFUSING = f"{HERO}    doubtful_pictures: refuse\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        shop.write_shots(HERO)
        yield shop


def deliver(shop: DagsterShop, *faults: str) -> None:
    (shop.folder / "faults.json").write_text(json.dumps({"script": faults}))
    shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"] = "faults.json"


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("black_picture", "black"),
        pytest.param("blurred_picture", "blurred", marks=pytest.mark.slow),
    ],
)
def test_a_picture_that_shows_nothing_is_shown_and_named_with_how_to_have_another(
    shop: DagsterShop, fault: str, problem: str
) -> None:
    shop.refresh(product_ids=["001"])
    deliver(shop, fault)

    refreshed = shop.refresh()

    check = refreshed.check(CHECK)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(check.description).startswith("look at 002: ")
    assert str(check.description).endswith(": flux-assets reroll 002 --shots hero")
    told = plain_metadata(check)["pictures"].replace("\\", "")
    assert f"| 002 | hero | {problem} | images/hero/002/" in told
    assert "| flux-assets reroll 002 --shots hero |" in told
    assert shop.manifest_rows() == shop.current_rows()
    assert shop.manifest().set_index("product_id")["appearance"].to_dict() == {
        "001": "",
        "002": problem,
    }
    assert plain_metadata(refreshed.logged()["002", "hero"])["appearance"] == problem
    assert shop.refresh().counts() == {"reused": 2}  # a reroll is offered, and never bought


def test_one_picture_for_two_products_is_named_at_the_later(shop: DagsterShop) -> None:
    deliver(shop, "same_picture", "same_picture")

    check = shop.refresh().check(CHECK)

    facts = plain_metadata(check)
    assert (check.passed, facts["doubtful"]) == (False, 1)
    assert "the same as that of product '00" in facts["pictures"]


@pytest.mark.slow
def test_a_shot_that_refuses_shows_the_last_good_picture_until_another_is_there(
    shop: DagsterShop,
) -> None:
    shop.write_shots(REFUSING)
    shop.refresh()
    before = shop.manifest_rows()
    shop.set_product("002", title="A new chair")
    deliver(shop, "black_picture")

    refused = shop.refresh()

    assert refused.counts() == {"generated": 1, "reused": 1, "calls": 1}
    assert refused.check(CHECK).passed
    assert shop.manifest_rows() == before | {("002", "hero"): (before["002", "hero"][0], True)}
    told = plain_metadata(refused.check("every_product_has_its_pictures"))["products"]
    assert "it is black, and the shot says" in told.replace("\\", "")
    assert "flux-assets reroll 002 --shots hero" in told
    again = shop.refresh()
    assert again.counts() == {"reused": 2}  # it is paid, and not bought again
    assert shop.manifest_rows()["002", "hero"] == (before["002", "hero"][0], True)

    shop.write_shots(HERO)
    assert not shop.refresh().check(CHECK).passed
    assert shop.manifest_rows() == shop.current_rows()
    shop.write_shots(REFUSING)
    for _ in range(2):
        shop.refresh()
        assert shop.manifest_rows()["002", "hero"][1]  # shown before, and stale from now on
    assert len(shop.bill()) == 3


def test_a_shot_that_refuses_keeps_the_first_of_two_that_are_the_same(shop: DagsterShop) -> None:
    shop.write_shots(REFUSING)
    deliver(shop, "same_picture", "same_picture")

    for _ in range(2):
        shop.refresh()
        assert len(shop.manifest_rows()) == 1
    assert len(shop.bill()) == 2


def test_another_word_for_what_becomes_of_them_is_an_error() -> None:
    with pytest.raises(ShotsFileError, match="'show' or 'refuse'"):
        read_shots(f"{HERO}    doubtful_pictures: hide\n".encode(), "shots.yaml")
