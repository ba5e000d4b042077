"""Other pictures are asked for, earlier ones kept, and editions made and gone back from."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from flux_assets_tests.fixtures.dagster_dev import CHROMIUM, browser
from flux_assets_tests.fixtures.review_pages import (
    Reviewed,
    begin,
    copy_shop,
    expect_saved,
    visiting,
)

__all__ = ["browser"]  # a fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"),
]


@pytest.fixture
def shop(filled: Reviewed, tmp_path: Path) -> Iterator[Reviewed]:
    shop = copy_shop(filled, tmp_path / "shop")
    with shop.serving("--allow-rerolls"):
        yield shop


@pytest.fixture
def visitor(shop: Reviewed, browser: Browser) -> Iterator[Page]:
    with visiting(browser, shop.url) as page:
        begin(page)
        yield page


def _question(page: Page) -> Locator:
    return page.locator("dialog.question")


def test_another_take_is_wished_for_with_its_price_and_an_earlier_one_is_pinned(
    shop: Reviewed, visitor: Page
) -> None:
    bought = len(shop.workplace.pictures())
    visitor.keyboard.press("r")
    _question(visitor).get_by_role("button", name="Show the price").click()
    expect(_question(visitor).locator("h2")).to_contain_text("1 picture for")
    assert shop.overrides() == "", "nothing is written before it is confirmed"
    _question(visitor).get_by_role("button", name="Order for").click()
    expect(visitor.locator("#message")).to_contain_text("1 ordered")
    expect_saved(visitor)
    assert "P-00" in shop.overrides()
    assert shop.verdicts() == ["rejected"]
    assert len(shop.workplace.pictures()) == bought, "the page never buys"

    shop.run("refresh", "--shots", "banner,hero,lifestyle")
    visitor.reload()
    begin(visitor)
    visitor.keyboard.press("o")
    expect(visitor.locator(".slider")).to_be_visible()
    visitor.locator(".take").nth(1).click()
    visitor.get_by_role("button", name="Use this one").click()
    _question(visitor).get_by_role("button", name="Use this one").click()
    expect(visitor.locator("#message")).to_contain_text("Pinned")


def test_other_words_are_asked_for_in_full(shop: Reviewed, visitor: Page) -> None:
    visitor.keyboard.press("r")
    _question(visitor).get_by_label("Other words").first.check()
    _question(visitor).get_by_role("button", name="Show the price").click()
    expect(_question(visitor).locator(".problem")).to_have_text("Say what is to be other.")
    _question(visitor).locator("textarea").fill("An oak chair in a garden")
    _question(visitor).get_by_role("button", name="Show the price").click()
    _question(visitor).get_by_label("Reject the picture of today").uncheck()
    _question(visitor).get_by_role("button", name="Order for").click()
    expect(visitor.locator("#message")).to_contain_text("1 ordered")
    assert "An oak chair in a garden" in shop.overrides()
    assert shop.decisions() == {}


def test_the_next_edition_is_seen_before_it_is_made_and_gone_back_from(
    shop: Reviewed, visitor: Page
) -> None:
    visitor.keyboard.press("ArrowRight")
    visitor.keyboard.press("x")
    visitor.keyboard.press("1")
    expect_saved(visitor)
    assert shop.only_decision().reasons == ("wrong_product",)
    visitor.get_by_role("link", name="Publishing").click()
    channel = visitor.locator(".channel").filter(has=visitor.get_by_role("heading", name="shop"))
    leaving = channel.locator(".number").filter(has_text="Would leave").locator("dd")
    expect(leaving).to_have_text("1")
    channel.get_by_role("button", name="Publish").click()
    _question(visitor).get_by_role("button", name="Publish").click()
    expect(channel).to_contain_text("Nothing to change.")
    expect(channel.locator("header")).to_contain_text("Edition 2")
    channel.locator("summary").click()
    newest = channel.locator(".edition").first
    newest.get_by_role("button", name="What changed").click()
    expect(newest.locator(".change")).to_have_count(1)

    channel.locator(".edition").nth(1).get_by_role("button", name="Go back to it").click()
    _question(visitor).get_by_role("button", name="Go back to 1").click()
    expect(_question(visitor).locator(".problem")).to_contain_text("Give a reason")
    _question(visitor).get_by_label("Reason").fill("wrong template")
    _question(visitor).get_by_role("button", name="Go back to 1").click()
    expect(visitor.locator("#message")).to_contain_text("Back to edition 1")


def test_without_leave_to_ask_there_is_the_command(
    filled: Reviewed, browser: Browser, tmp_path: Path
) -> None:
    shop = copy_shop(filled, tmp_path / "shop")
    with shop.serving(), visiting(browser, f"{shop.url}#product=P-07&shot=hero") as page:
        command = page.locator(".copy code").first
        expect(command).to_have_text("flux-assets reroll P-07 --shots hero")
        expect(page.get_by_role("button", name="Put right")).to_have_count(0)
        page.keyboard.press("r")
        expect(_question(page)).to_have_count(0)
