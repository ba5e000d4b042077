"""The page is for everybody: axe-core finds nothing, phones need no sideways scrolling."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from flux_assets_tests.fixtures.dagster_dev import CHROMIUM, browser
from flux_assets_tests.fixtures.review_pages import (
    AXE,
    Reviewed,
    begin,
    cards,
    copy_shop,
    visiting,
)

__all__ = ["browser"]  # a fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"),
]

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_PHONE_PX = 360
_LEAST_TARGET_PX = 24


@pytest.fixture(scope="module")
def shop(filled: Reviewed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    """One for all of them: nobody decides here."""
    shop = copy_shop(filled, tmp_path_factory.mktemp("served") / "shop")
    with shop.serving("--allow-rerolls"):
        yield shop


def _look_at_sheet(page: Page) -> None:
    begin(page)


def _narrow(page: Page) -> None:
    page.locator("#words").fill("chair 1")
    page.locator("#sort").select_option("newest")
    expect(page.locator(".chip")).to_be_visible()


def _find_nothing(page: Page) -> None:
    page.locator("#words").fill("no such words")
    expect(page.locator("#empty")).to_be_visible()


def _select(page: Page) -> None:
    begin(page)
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("#actions")).to_be_visible()


def _open_details(page: Page) -> None:
    begin(page)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".verdict .source").first).to_be_attached()


def _ask_reason(page: Page) -> None:
    begin(page)
    page.keyboard.press("x")
    expect(page.locator("dialog.question")).to_be_visible()


def _ask_way(page: Page) -> None:
    begin(page)
    page.keyboard.press("r")
    expect(page.locator("dialog.question")).to_be_visible()


def _show_keys(page: Page) -> None:
    begin(page)
    page.keyboard.press("?")
    expect(page.locator("dialog.question")).to_be_visible()


def _look_at_editions(page: Page) -> None:
    page.get_by_role("link").nth(2).click()
    page.locator(".editions summary").first.click()
    page.locator(".edition .link").first.click()
    expect(page.locator(".change").first).to_be_visible()


_VIEWS = [
    *(_look_at_sheet, _narrow, _find_nothing, _select, _open_details),
    *(_ask_reason, _ask_way, _show_keys, _look_at_editions),
]
_every_view = pytest.mark.parametrize("look", _VIEWS, ids=lambda look: look.__name__.strip("_"))


@pytest.mark.skipif(not AXE.exists(), reason="needs axe-core, which `make test-slow` installs")
@_every_view
def test_axe_finds_nothing_in_either_theme(
    shop: Reviewed, browser: Browser, look: Callable[[Page], None]
) -> None:
    with visiting(browser, shop.url) as page:
        look(page)
        page.evaluate(f"{AXE.read_text('utf-8')};0")
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            report = page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
            found = [(it["id"], it["nodes"][0]["html"][:200]) for it in report["violations"]]
            assert found == [], theme


@_every_view
def test_a_phone_needs_no_sideways_scrolling_even_for_longer_words(
    shop: Reviewed, browser: Browser, look: Callable[[Page], None]
) -> None:
    for locale in ("de-DE", "fr-FR"):
        with visiting(browser, shop.url, width=_PHONE_PX, locale=locale) as page:
            look(page)
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= _PHONE_PX, locale


@_every_view
def test_whatever_can_be_pressed_is_large_enough_for_a_finger(
    shop: Reviewed, browser: Browser, look: Callable[[Page], None]
) -> None:
    """WCAG 2.5.8; a checkbox counts with its label, and links within text are excepted."""
    with visiting(browser, shop.url, width=_PHONE_PX) as page:
        look(page)
        sizes = page.evaluate(
            """() => [...document.querySelectorAll("button, select, summary, input, nav a")]
                .map(it => it.closest("label") ?? it)
                .filter(it => it.checkVisibility({visibilityProperty: true}))
                .map(it => [it.outerHTML.slice(0, 120), it.getBoundingClientRect()])
                .map(([html, {width, height}]) => [html, Math.min(width, height)])"""
        )
        assert sizes
        assert [it for it in sizes if it[1] < _LEAST_TARGET_PX] == []


def test_the_focus_stays_where_it_was_when_the_view_changes(
    shop: Reviewed, browser: Browser
) -> None:
    with visiting(browser, shop.url) as page:
        begin(page)
        page.get_by_role("checkbox", name="Chairs").focus()
        page.keyboard.press("Space")
        expect(page.locator(".found")).to_have_text("60 pictures")
        expect(page.get_by_role("checkbox", name="Chairs")).to_be_focused()
        page.get_by_role("button", name="Rejected").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Rejected")).to_be_focused()


def test_closing_a_picture_gives_the_focus_back_to_its_card(
    shop: Reviewed, browser: Browser
) -> None:
    with visiting(browser, shop.url) as page:
        begin(page)
        page.keyboard.press("Enter")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("Escape")
        expect(cards(page).nth(2)).to_be_focused()


def test_single_keys_can_be_switched_off(shop: Reviewed, browser: Browser) -> None:
    with visiting(browser, shop.url) as page:
        begin(page)
        page.keyboard.press("?")
        page.locator("dialog.question input").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("x")
        expect(page.locator("dialog.question")).to_have_count(0)
        page.keyboard.press("Enter")
        expect(page.locator("#details")).to_be_visible()
