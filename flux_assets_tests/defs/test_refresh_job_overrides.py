"""What the overrides file and a shot's conditions make of a refresh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        yield shop


def override(shop: DagsterShop, *rows: str) -> None:
    path = shop.folder / "overrides.csv"
    path.write_text("\n".join(("product_id,shot,take,prompt,pin,skip", *rows)), "utf-8")
    shop.environ["FLUX_ASSETS_OVERRIDES"] = str(path)


def test_a_raised_take_buys_one_other_picture_with_the_same_words(shop: DagsterShop) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    override(shop, "002,hero,2,,,")
    again = shop.refresh()
    assert again.counts() == {"generated": 1, "reused": 5, "calls": 1}
    assert again.check("every_override_is_usable").passed
    changed = {key for key, row in shop.manifest_rows().items() if row != before[key]}
    assert changed == {("002", "hero")}
    prompts = [line.prompt for line in shop.bill()]
    assert prompts.count(prompts[-1]) == 2


def test_a_pin_brings_a_stored_picture_back_without_a_call(shop: DagsterShop) -> None:
    shop.refresh()
    first = shop.manifest_rows()["002", "hero"][0]
    override(shop, "002,hero,2,,,")
    shop.refresh()
    assert shop.manifest_rows()["002", "hero"][0] != first
    override(shop, f"002,hero,2,,{first[:12]},")
    pinned = shop.refresh()
    assert pinned.counts() == {"reused": 6}
    assert shop.manifest_rows()["002", "hero"] == (first, False)


def test_a_pin_that_names_no_stored_picture_buys_nothing_and_says_so(shop: DagsterShop) -> None:
    override(shop, "002,hero,,,0123456789ab,")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 5, "calls": 5}
    products = str(refreshed.check("every_product_has_its_pictures").metadata["products"].value)
    assert "names no stored picture" in products


@pytest.mark.slow
def test_a_skipped_product_buys_nothing_keeps_its_picture_and_is_not_missed(
    shop: DagsterShop,
) -> None:
    override(shop, "003,,,,,yes")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 4, "skipped": 2, "calls": 4}
    assert refreshed.check("every_product_has_its_pictures").passed
    override(shop)
    shop.refresh()
    override(shop, "003,,,,,yes")
    assert shop.refresh().counts() == {"reused": 4, "skipped": 2}
    assert shop.manifest_rows()["003", "hero"][1] is True


def test_bad_rows_of_the_overrides_are_named_by_line_and_lose_nothing_else(
    shop: DagsterShop,
) -> None:
    override(shop, "002,hero,none,,,", "no-such-product,hero,2,,,")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 5, "calls": 5}
    check = refreshed.check("every_override_is_usable")
    assert not check.passed
    rows = str(check.metadata["rows"].value)
    assert "| 2 | take |" in rows
    assert "| 3 | product\\_id | no-such-product |" in rows
