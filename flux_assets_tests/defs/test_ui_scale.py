"""What a person sees in the Dagster UI of a shop with 5,000 products, in a real browser.

`SCREENSHOTS_DIR=docs .venv/bin/pytest -m slow flux_assets_tests/defs/test_ui_scale.py` makes the
pictures in docs/ anew.
"""

import csv
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from flux_assets_tests.fixtures.command_line import Workplace, make_workplace
from flux_assets_tests.fixtures.dagster_dev import CHROMIUM, browser, dagster_dev, page
from flux_assets_tests.fixtures.dagster_ui import (
    backfill,
    metadata_row,
    open_launchpad,
    save_screenshot,
)

__all__ = ["browser", "page"]  # fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"),
]

PRODUCTS = 5_000
MODERATED = [f"P-{number:05d}" for number in range(7, PRODUCTS, 1_000)]
SHOTS = "shots: {hero: {prompt: 'Photograph of {{ title }} on white'}}"
LIMITS = {
    "FLUX_ASSETS_MAX_IMAGES_PER_RUN": "6000",
    "FLUX_ASSETS_DAILY_IMAGE_LIMIT": "20000",
    "FLUX_ASSETS_MAX_IN_FLIGHT": "32",
}


def _fill(workplace: Workplace) -> None:
    (workplace.folder / "data" / "shots.yaml").write_text(SHOTS)
    with (workplace.folder / "data" / "catalog.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["product_id", "title", "category"])
        for number in range(PRODUCTS):
            product_id = f"P-{number:05d}"
            word = "forbidden-word " if product_id in MODERATED else ""
            category = ("Chairs", "Lamps", "Tables", "Rugs")[number % 4]
            writer.writerow([product_id, f"{word}{category[:-1]} no. {number}", category])


@pytest.fixture(scope="module")
def dagster_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """All products refreshed once."""
    workplace = make_workplace(tmp_path_factory.mktemp("large-shop"))
    _fill(workplace)
    refreshed = workplace.run("refresh", "--json", **LIMITS)
    assert refreshed.exit_code == 2, refreshed.stderr
    assert refreshed.json["generated"] == PRODUCTS - len(MODERATED)
    with dagster_dev(workplace, **LIMITS) as base_url:
        yield base_url


def test_the_launchpad_of_a_refresh_opens(page: Page) -> None:
    launchpad = open_launchpad(page)
    launchpad.get_by_text("accept_drop").click()
    for name in ("categories", "accept_changes", "accept_drop"):
        expect(launchpad.get_by_text(f"{name}?").first).to_be_attached()
    save_screenshot(page, "ui-5000-launchpad")


def test_the_plan_counts_every_product(page: Page) -> None:
    page.goto("/assets/image_plan")
    report = metadata_row(page, "report")
    expect(report).to_contain_text("5000 pictures to buy, about 350.00 USD")
    for category in ("Chairs", "Lamps", "Tables", "Rugs"):
        expect(report.get_by_role("row").filter(has_text=category)).to_contain_text("1250")
    report.evaluate("row => row.scrollIntoView({block: 'end'})")
    save_screenshot(page, "ui-5000-plan")


def test_the_runs_summary_tells_what_it_came_to(page: Page) -> None:
    page.goto("/assets/refreshed_images")
    metadata_row(page, "report").get_by_text("Show Markdown").click()
    report = page.get_by_role("dialog")
    expect(report).to_contain_text("5000 calls, at most about 350.00 USD")
    expect(report).to_contain_text("account credits")
    save_screenshot(page, "ui-5000-summary")


def test_one_product_among_all_partitions_is_found_and_seen(page: Page) -> None:
    page.goto("/assets/images/hero?view=partitions")
    expect(page.get_by_text(re.compile(r"Materialized \(4,?995\)"))).to_be_visible()
    expect(page.get_by_text(f"Missing ({len(MODERATED)})")).to_be_visible()
    page.goto("/assets/images/hero?view=partitions&partition=P-02500")
    expect(metadata_row(page, "product_id")).to_contain_text("P-02500")
    expect(metadata_row(page, "another_picture")).to_contain_text("reroll P-02500 --shots hero")
    save_screenshot(page, "ui-5000-partition")


def test_the_check_names_the_products_without_a_picture(page: Page) -> None:
    page.goto("/assets/image_manifest?view=checks")
    named = f"without a current picture: {', '.join(MODERATED)}"
    expect(page.get_by_text(named)).to_be_visible()
    save_screenshot(page, "ui-5000-check")


def test_a_failed_partition_says_why(page: Page) -> None:
    backfill(page, "hero", MODERATED[2:4])
    expect(page.get_by_text("Failed (2)")).to_be_visible()
    page.goto(f"/assets/images/hero?view=partitions&partition={MODERATED[2]}")
    page.get_by_text("View all historical events (1)").click()
    events = page.get_by_role("dialog")
    events.get_by_text(MODERATED[2]).last.click()
    expect(events.get_by_text("Content Moderated").first).to_be_visible()
    save_screenshot(page, "ui-5000-failed-partition")
