"""People decide on the review page, in real browsers, and the store has it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from flux_assets_tests.fixtures.dagster_dev import CHROMIUM, browser
from flux_assets_tests.fixtures.review_pages import (
    PRODUCTS,
    SHOTS,
    Reviewed,
    begin,
    cards,
    copy_shop,
    expect_saved,
    visiting,
)

__all__ = ["browser"]  # a fixture

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"),
]
COUNT = PRODUCTS * len(SHOTS)


@pytest.fixture
def shop(filled: Reviewed, tmp_path: Path) -> Iterator[Reviewed]:
    """A shop of its own whose page is served, and of which nothing is decided."""
    shop = copy_shop(filled, tmp_path / "shop")
    with shop.serving():
        yield shop


@pytest.fixture
def visitor(shop: Reviewed, browser: Browser) -> Iterator[Page]:
    with visiting(browser, shop.url) as page:
        begin(page)
        yield page


def test_a_hundred_are_approved_by_keyboard_and_the_store_has_them(
    shop: Reviewed, visitor: Page
) -> None:
    for _ in range(100):
        visitor.keyboard.press("a")
    expect_saved(visitor)
    assert shop.verdicts() == ["approved"] * 100
    assert {it.via for it in shop.decisions().values()} == {"review"}
    expect(visitor.locator(".tab.approved .count")).to_have_text("100")


def test_a_rejection_has_its_reason_and_note_and_can_be_undone(
    shop: Reviewed, visitor: Page
) -> None:
    visitor.keyboard.press("x")
    visitor.get_by_label("Note").fill("too 1 yellow")
    visitor.get_by_role("button", name="Artefact").click()
    expect_saved(visitor)
    made = shop.only_decision()
    assert (made.verdict, made.reasons, made.note) == ("rejected", ("artefact",), "too 1 yellow")
    visitor.keyboard.press("u")
    expect(visitor.locator(".tab.rejected .count")).to_have_text("0")
    expect_saved(visitor)
    assert shop.only_decision().verdict == "undecided"


def test_a_digit_is_the_reason_and_escape_is_none(shop: Reviewed, visitor: Page) -> None:
    visitor.keyboard.press("x")
    visitor.keyboard.press("Escape")
    visitor.keyboard.press("x")
    visitor.keyboard.press("4")
    expect(cards(visitor).nth(1)).to_be_focused()
    expect_saved(visitor)
    assert shop.only_decision().reasons == ("colour",)


def test_a_note_and_a_person_go_with_the_picture(shop: Reviewed, visitor: Page) -> None:
    visitor.keyboard.press("p")
    expect_saved(visitor)
    assert shop.only_decision().shows_person is True
    visitor.keyboard.press("Enter")
    visitor.keyboard.press("n")
    visitor.locator("dialog.question textarea").fill("ask Ben")
    visitor.get_by_role("button", name="Keep the note").click()
    expect(visitor.locator("#details .note")).to_have_text("ask Ben")
    expect_saved(visitor)
    made = shop.only_decision()
    assert (made.note, made.shows_person, made.verdict) == ("ask Ben", True, "undecided")


def test_a_range_is_decided_at_once_and_undone_at_once(shop: Reviewed, visitor: Page) -> None:
    for _ in range(6):
        visitor.keyboard.press("Shift+ArrowRight")
    visitor.keyboard.press("Shift+ArrowLeft")
    expect(visitor.locator("#actions strong")).to_have_text("6 selected")
    visitor.keyboard.press("A")
    expect(visitor.locator(".tab.approved .count")).to_have_text("6")
    expect_saved(visitor)
    assert shop.verdicts() == ["approved"] * 6
    visitor.locator("#message").get_by_role("button", name="Undo").click()
    expect(visitor.locator(".tab.approved .count")).to_have_text("0")
    expect_saved(visitor)
    assert shop.verdicts() == ["undecided"] * 6


def test_all_that_the_filter_shows_is_decided_after_its_number_is_confirmed(
    shop: Reviewed, visitor: Page
) -> None:
    visitor.get_by_role("checkbox", name="Chairs").click()
    expect(visitor.locator(".found")).to_have_text(f"{COUNT // 2} pictures")
    visitor.get_by_role("button", name="Select all").click()
    visitor.locator("#actions").get_by_role("button", name="Approve").click()
    question = visitor.locator("dialog.question")
    expect(question.locator("h2")).to_have_text(f"Approve {COUNT // 2} pictures?")
    question.get_by_role("button", name="Cancel").click()
    expect(visitor.locator("#status")).to_have_text("All saved")
    visitor.locator("#actions").get_by_role("button", name="Approve").click()
    question.get_by_role("button", name=f"Approve {COUNT // 2}").click()
    expect(visitor.locator(".tab.approved .count")).to_have_text(str(COUNT // 2))
    expect_saved(visitor)
    assert shop.verdicts() == ["approved"] * (COUNT // 2)


def test_the_mouse_decides_and_the_list_stays_until_it_is_to_change(
    shop: Reviewed, visitor: Page
) -> None:
    cards(visitor).nth(3).locator(".yes").click()
    cards(visitor).nth(4).locator(".picture").click()
    details = visitor.locator("#details")
    expect(details.locator("header .source")).to_have_text("P-01 · hero")
    details.get_by_role("button", name="Approve").click()
    expect(details.locator("header .source")).to_have_text("P-01 · lifestyle")
    visitor.go_back()
    expect(details).not_to_be_visible()
    expect_saved(visitor)
    assert shop.verdicts() == ["approved"] * 2

    visitor.get_by_role("button", name="Undecided").click()
    expect(visitor.locator(".found")).to_have_text(f"{COUNT - 2} pictures")
    cards(visitor).first.locator(".yes").click()
    expect(cards(visitor).first).to_have_attribute("data-verdict", "approved")
    visitor.get_by_role("button", name="Update the list").click()
    expect(visitor.locator(".found")).to_have_text(f"{COUNT - 3} pictures")


def test_of_two_who_decide_at_once_the_second_is_asked(
    shop: Reviewed, browser: Browser, visitor: Page
) -> None:
    with visiting(browser, shop.url) as other:
        begin(other)
        visitor.keyboard.press("a")
        expect_saved(visitor)
        other.keyboard.press("x")
        other.keyboard.press("2")
        conflict = other.locator("li.conflict")
        expect(conflict).to_contain_text("Approved")
        expect(conflict).to_contain_text("You: Rejected · Artefact")
        [first] = shop.decisions().values()
        expect(conflict).to_contain_text(first.by)
        conflict.get_by_role("button", name="Use mine").click()
        expect(conflict).to_have_count(0)
        expect_saved(other)
        made = shop.only_decision()
        assert (made.verdict, made.reasons) == ("rejected", ("artefact",))
        assert [it.verdict for it in made.history] == ["approved"]
        visitor.keyboard.press("Home")
        visitor.keyboard.press("p")
        visitor.get_by_role("button", name="Keep theirs").click()
        expect(cards(visitor).first).to_have_attribute("data-verdict", "rejected")
        assert shop.only_decision() == made


def test_what_is_decided_while_the_server_is_away_is_sent_when_it_is_back(
    filled: Reviewed, browser: Browser, tmp_path: Path
) -> None:
    shop = copy_shop(filled, tmp_path / "shop")
    with (
        shop.serving() as first,
        visiting(browser, shop.url, expected=["ERR_CONNECTION_REFUSED", "403"]) as page,
    ):
        begin(page)
        page.keyboard.press("a")
        expect_saved(page)
        first.kill()
        page.keyboard.press("a")
        page.keyboard.press("a")
        expect(page.locator("#banner")).to_contain_text("The server does not answer. 2 unsaved")
        expect(page.locator(".mark.unsaved")).to_have_count(2)
        leaves = "dispatchEvent(new Event('beforeunload', {cancelable: true}))"
        assert page.evaluate(leaves) is False, "the browser asks before it is lost"
        with shop.serving():
            page.get_by_role("button", name="Try now").click()
            expect_saved(page)
            assert page.evaluate(leaves) is True
        assert shop.verdicts() == ["approved"] * 3
