"""What a catalog manager does and sees in the Dagster UI, in a real browser.

`SCREENSHOTS_DIR=docs .venv/bin/pytest flux_assets_tests/defs/test_ui.py --basetemp /tmp/ui`
makes the pictures in docs/ anew.
"""

import re
from urllib.parse import urlencode

import pytest
import yaml
from playwright.sync_api import Page, expect

from flux_assets.defs.run_choices import RefreshConfig
from flux_assets_tests.fixtures.dagster_dev import (
    CHROMIUM,
    MODERATED_PRODUCT,
    browser,
    dagster_url,
    page,
)
from flux_assets_tests.fixtures.dagster_ui import (
    backfill,
    find_runs,
    metadata_row,
    open_launchpad,
    save_screenshot,
)

__all__ = ["browser", "dagster_url", "page"]  # fixtures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium, which .ci/run installs"),
]

_MODERATED = "refused by the vendor (EXTERNAL_API_RESPONSE_WITH_ERROR): Content Moderated"
_ASSETS = [
    "product_catalog",
    "image_requests",
    "image_plan",
    "refreshed_images",
    "image_manifest",
    "hero",
    "lifestyle",
    "banner",
    "on_the_table",
]
_METADATA = [
    "title",
    "category",
    "preview",
    "object_uri",
    "uuid",
    "seed",
    "guidance",
    "steps",
    "aspect_ratio",
    "model",
    "prompt",
    "product_id",
    "shot",
    "request_fingerprint",
    "sha256",
    "width_px",
    "height_px",
    "size_bytes",
    "outcome",
    "attempts",
    "latency_seconds",
    "cost_usd_estimate",
    "generated_at",
]
_PHOTO_METADATA = [
    "shot_mode",
    "source_uri",
    "source_sha256",
    "asset_key",
    "recognition",
    "digital_source_type",
]


def test_the_plan_tells_what_a_refresh_would_cost(page: Page) -> None:
    page.goto("/assets/image_plan")
    report = metadata_row(page, "report")
    expect(report).to_contain_text("75 pictures to buy, about 5.25 USD")
    expect(report.get_by_role("row").filter(has_text="the first picture")).to_contain_text("75")
    report.evaluate("row => row.scrollIntoView({block: 'end'})")
    save_screenshot(page, "ui-plan")
    metadata_row(page, "prompts").get_by_text("Show Markdown").click()
    prompts = page.get_by_role("dialog").get_by_role("row")
    expect(prompts).to_have_count(13)  # the header, ten, the shortest and the longest
    expect(prompts.nth(1)).to_contain_text("Oslo Lounge Chair, in honey")


def test_the_launchpad_explains_every_choice_of_a_refresh(page: Page) -> None:
    launchpad = open_launchpad(page)
    editor = launchpad.locator(".CodeMirror")
    shown = yaml.safe_load(editor.evaluate("editor => editor.CodeMirror.getValue()"))
    assert shown.keys() == {"ops"}, "and nothing of our resources"
    assert shown["ops"]["refreshed_images"]["config"].keys() == RefreshConfig.model_fields.keys()
    launchpad.get_by_text("retry_refused").click()
    for name, choice in RefreshConfig.model_fields.items():
        assert choice.description
        expect(launchpad.get_by_text(f"{name}?").first).to_be_attached()
        expect(launchpad.get_by_text(choice.description).first).to_be_attached()


def test_three_chosen_products_are_bought_and_seen(page: Page) -> None:
    backfill(page, "hero", ["00123", "JWL.7/01", "CL-3001"])
    expect(page.get_by_text("Materialized (3)")).to_be_visible()
    expect(page.get_by_text("Missing (21)")).to_be_visible()

    page.get_by_title("JWL.7/01").click()
    expect(metadata_row(page, "product_id")).to_contain_text("JWL.7/01")
    page.get_by_title("CL-3001").click()
    expect(metadata_row(page, "product_id")).to_contain_text("CL-3001")
    expect(metadata_row(page, "title")).to_contain_text("Fisherman's Sweater")
    for name in _METADATA:
        expect(metadata_row(page, name)).to_be_visible()

    metadata_row(page, "preview").get_by_text("Show Markdown").click()
    picture = page.get_by_role("img", name="CL-3001 hero")
    expect(picture).to_have_attribute("src", re.compile("^data:image/jpeg;base64,"))
    expect(picture).not_to_have_js_property("naturalWidth", 0)  # else it is no picture to Chromium
    save_screenshot(page, "ui-partition")


def test_a_picture_made_from_a_photo_is_seen_beside_it(page: Page) -> None:
    backfill(page, "on_the_table", ["KIT-221", "OUT-12"])
    expect(page.get_by_text("Materialized (23)")).to_be_visible()  # 21 of which none is wanted
    expect(page.get_by_text("Missing (1)")).to_be_visible()

    page.get_by_title("JWL-100").click()
    expect(metadata_row(page, "reason")).to_contain_text("the shot's only_if does not hold")

    page.get_by_title("KIT-221").click()
    for name in _PHOTO_METADATA:
        expect(metadata_row(page, name)).to_be_visible()
    expect(metadata_row(page, "source_uri")).to_contain_text("photos/KIT-221.jpg")

    metadata_row(page, "preview").get_by_text("Show Markdown").click()
    pair = page.get_by_role("img", name="KIT-221 on_the_table")
    expect(pair).not_to_have_js_property("naturalWidth", 0)
    assert pair.evaluate("pair => pair.naturalWidth > 1.8 * pair.naturalHeight")
    save_screenshot(page, "ui-before-after")


def test_a_refused_product_fails_alone_and_says_why(page: Page) -> None:
    backfill(page, "lifestyle", ["OUT-12", MODERATED_PRODUCT])
    expect(page.get_by_text("Failed (1)")).to_be_visible()
    expect(page.get_by_text("Materialized (1)")).to_be_visible()

    page.get_by_title("OUT-12").click()
    expect(page.get_by_text("Materialized", exact=True)).to_be_visible()

    page.get_by_title(MODERATED_PRODUCT).click()
    expect(page.get_by_text("failed, and did not materialize this asset")).to_be_visible()
    page.get_by_text("View all historical events (1)").click()
    events = page.get_by_role("dialog")
    events.get_by_text(MODERATED_PRODUCT).last.click()
    expect(events.get_by_text(_MODERATED)).to_be_visible()
    save_screenshot(page, "ui-failed-partition")
    events.get_by_role("button", name="OK").click()

    page.get_by_text("View logs").click()
    failure = f"1 of 2 products have no lifestyle picture; the first is {MODERATED_PRODUCT}: "
    expect(page.get_by_text(f"{failure}{_MODERATED}").first).to_be_visible()


def test_a_refresh_succeeds_and_a_check_names_the_refused_product(page: Page) -> None:
    open_launchpad(page).get_by_role("button", name="Materialize").click()
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("Success", exact=True)).to_be_visible()

    page.goto("/assets/image_manifest?view=checks")
    expect(page.get_by_text(f"without a current picture: {MODERATED_PRODUCT}")).to_be_visible()
    expect(page.get_by_text("Failed", exact=True).first).to_be_visible()
    page.get_by_text("Show Markdown").click()
    missing = page.get_by_role("dialog").get_by_role("row").filter(has_text=_MODERATED)
    expect(missing).to_have_count(3)
    save_screenshot(page, "ui-check")

    page.goto("/assets/image_manifest")
    expect(page.get_by_text("Row count").locator("..")).to_contain_text("72")
    expect(metadata_row(page, "missing")).to_contain_text("3")


def test_a_run_of_the_command_line_is_run_again_and_leaves_nothing_unsynced(page: Page) -> None:
    page.goto("/overview/activity/timeline")
    expect(page.get_by_role("link", name="refresh_catalog_images")).to_be_visible()
    [run_id] = find_runs(page, tag="flux_assets/invocation")

    page.goto(f"/runs/{run_id}")
    page.get_by_role("button", name="Re-execute all (*)").click()
    page.wait_for_url(re.compile(f"/runs/(?!{run_id})"))
    expect(page.get_by_text("Success", exact=True)).to_be_visible()

    for asset, fact in (
        ("image_plan", "to_buy"),
        ("refreshed_images", "calls"),
        ("image_manifest", "missing"),
        ("images/hero?view=partitions&partition=CL-3001", "title"),
        ("images/banner?view=partitions&partition=CL-3002", "title"),
    ):
        page.goto(f"/assets/{asset}")
        expect(metadata_row(page, fact)).to_be_visible()
        expect(page.get_by_text("Unsynced")).to_have_count(0)


def test_the_asset_graph_leads_from_the_catalog_to_the_manifest(page: Page) -> None:
    groups = ",".join(f"global@global:{group}" for group in ("catalog", "images"))
    page.set_viewport_size({"width": 1400, "height": 1060})  # the graph is never drawn smaller
    page.goto(f"/asset-groups?{urlencode({'expanded': groups})}")
    page.get_by_text("Hide navigation").click()
    page.get_by_label("panel_show_right").click()
    page.mouse.dblclick(700, 1000)  # beside the assets: fits the whole graph into the window
    for asset in _ASSETS:
        expect(page.get_by_text(asset, exact=True)).to_be_in_viewport()
    expect(page.get_by_text("Latest event")).to_have_count(len(_ASSETS))  # drawn large enough
    expect(page.get_by_text("Unsynced")).to_have_count(0)
    save_screenshot(page, "ui-lineage")
