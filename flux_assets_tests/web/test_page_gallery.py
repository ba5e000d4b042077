"""The page of a folder, without a server: what anyone can be shown."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from flux_assets_tests.fixtures.dagster_dev import CHROMIUM, browser
from flux_assets_tests.fixtures.page_data import write_gallery
from flux_assets_tests.fixtures.review_pages import begin, cards, visiting

__all__ = ["browser"]  # a fixture

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"
)
ROWS = 5_000


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where a gallery of 5,000 pictures lies."""
    folder = tmp_path_factory.mktemp("gallery") / "g"
    write_gallery(folder, ROWS)
    return (folder / "index.html").as_uri()


@pytest.fixture
def gallery(browser: Browser, url: str) -> Iterator[Page]:
    with visiting(browser, url) as page:
        yield page


def test_a_gallery_opens_from_a_file_and_offers_nothing_to_change(
    browser: Browser, tmp_path: Path
) -> None:
    write_gallery(tmp_path / "g", 600, pictures=3)
    with visiting(browser, (tmp_path / "g" / "index.html").as_uri()) as page:
        begin(page)
        expect(page.locator(".found")).to_have_text("600 pictures")
        assert page.locator(".card").count() < 60
        expect(page.locator(".act, .select, #views a")).to_have_count(0)
        page.keyboard.press("a")
        page.keyboard.press("x")
        page.keyboard.press("Space")
        expect(page.locator("dialog[open], #actions:not([hidden])")).to_have_count(0)
        page.get_by_role("checkbox", name="Shoes").click()
        expect(page.locator(".found")).to_have_text("99 pictures")
        assert "category=Shoes" in page.url
        page.go_back()
        expect(page.locator(".found")).to_have_text("600 pictures")


@pytest.mark.slow
def test_a_gallery_is_searched_without_a_server(gallery: Page) -> None:
    begin(gallery)
    gallery.keyboard.press("/")
    gallery.keyboard.type("signet PURPLE banner")
    expect(gallery.locator(".found")).to_have_text(re.compile(r"^\d+ pictures$"))
    expect(cards(gallery).first.locator(".title")).to_contain_text("Signet Ring in Purple")
    gallery.keyboard.press("Enter")
    expect(cards(gallery).first).to_be_focused()


@pytest.mark.slow
def test_only_the_cards_that_can_be_seen_exist_however_far_one_goes(gallery: Page) -> None:
    begin(gallery)
    gallery.keyboard.press("End")
    expect(gallery.locator(".card:focus .under")).to_contain_text("P-001666")
    assert gallery.locator(".card").count() < 60
    gallery.keyboard.press("Home")
    expect(gallery.locator(".card:focus .under")).to_contain_text("P-000000")


@pytest.mark.slow
def test_a_view_is_found_again_by_its_address(browser: Browser, url: str) -> None:
    view = "#decision=approved&category=Kitchen&below=75&sort=score"
    with visiting(browser, f"{url}{view}") as page:
        begin(page)
        found = page.locator(".found").text_content()
        expect(page.locator(".card[data-verdict=approved]").first).to_be_visible()
        expect(page.locator("#sort")).to_have_value("score")
        page.reload()
        expect(page.locator(".found")).to_have_text(str(found))


@pytest.mark.slow
def test_a_picture_is_found_by_a_link_to_it(browser: Browser, url: str) -> None:
    with visiting(browser, f"{url}#product=P-000777&shot=hero") as page:
        expect(page.locator("#details header .source")).to_have_text("P-000777 · hero")
        page.keyboard.press("s")
        expect(page.locator(".shots figure")).to_have_count(3)
        page.keyboard.press("Escape")
        expect(page.locator("#details")).not_to_be_visible()


@pytest.mark.slow
def test_a_link_to_a_picture_that_is_gone_says_so(browser: Browser, url: str) -> None:
    with visiting(browser, f"{url}#product=P-9&shot=hero") as page:
        expect(page.locator("#message")).to_contain_text("no such picture of P-9")
        expect(page.locator("#details")).not_to_be_visible()


@pytest.mark.slow
def test_changes_since_an_edition_are_fewer_than_all(gallery: Page) -> None:
    begin(gallery)
    gallery.get_by_label("Edition").select_option("google:12")
    expect(gallery.locator(".chip")).to_have_text("Since google 12")
    expect(gallery.locator(".found")).not_to_have_text("5,000 pictures")


@pytest.mark.slow
def test_more_than_ten_thousand_pictures_have_pages(browser: Browser, tmp_path: Path) -> None:
    write_gallery(tmp_path / "g", 20_500)
    with visiting(browser, (tmp_path / "g" / "index.html").as_uri()) as page:
        begin(page)
        expect(page.locator("#pages")).to_have_text("Page 1 of 3")
        page.keyboard.press("]")
        page.keyboard.press("]")
        expect(page.locator("#pages")).to_have_text("Page 3 of 3")
        expect(cards(page).first.locator(".under")).to_contain_text("P-006666")
        page.go_back()
        expect(page.locator("#pages")).to_have_text("Page 2 of 3")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("locale", "found", "language"),
    [("de-AT", "5.000 Bilder", "de"), ("fr-FR", "5 000 images", "fr")],
)
def test_the_page_speaks_the_readers_language(
    browser: Browser, url: str, locale: str, found: str, language: str
) -> None:
    with visiting(browser, url, locale=locale) as page:
        shown = page.locator(".found")
        expect(shown).to_have_text(re.compile(re.sub(r"\W", ".", found)))
        assert page.evaluate("document.documentElement.lang") == language
        page.locator("#language").select_option("en")
        expect(shown).to_have_text(re.compile("pictures"))
        page.reload()
        expect(shown).to_have_text(re.compile("pictures"))
