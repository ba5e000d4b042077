"""What a refresh does where photos give way to a placeholder or a page: nothing is bought."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.bill.open_ledger import RunIdentity
from flux_assets.commands.checks.photos import check_photos
from flux_assets.defs.reports import doubted_table
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun, plan_catalog
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)
from flux_assets_tests.fixtures.photos import Photos, draw_photo
from flux_assets_tests.fixtures.sites import Site, open_sites

SCENE = """
shots:
  scene:
    mode: edit
    fallback: generate
    prompt: "Place this {{ title }} on a table"
"""
PAGE = b"<!doctype html><title>We are back soon</title>"
PRODUCT_IDS = ("001", "002", "003")


@pytest.fixture
def photos() -> Photos:
    photos = Photos()
    photos.at |= {f"/{name}.jpg": draw_photo(name) for name in PRODUCT_IDS}
    return photos


@pytest.fixture
def site(photos: Photos) -> Iterator[Site]:
    with open_sites() as serve:
        yield serve(photos)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *PRODUCT_IDS) as shop:
        shop.environ["FLUX_ASSETS_ALLOW_PRIVATE_SOURCES"] = "true"
        shop.environ["FLUX_ASSETS_PHOTO_MAX_AGE_HOURS"] = "0"
        shop.write_shots(SCENE)
        name_photos(shop, site, "")
        yield shop


def name_photos(shop: DagsterShop, site: Site, query: str) -> None:
    for name in PRODUCT_IDS:
        shop.set_product(name, image_url=f"{site.url}/{name}.jpg{query}")


def serve_everywhere(photos: Photos, data: bytes) -> None:
    photos.at |= {f"/{name}.jpg": data for name in PRODUCT_IDS}


def plan(shop: DagsterShop, *, accept_changes: bool = False) -> DryRun:
    run = RunIdentity(run_id="", step="plan", is_run_dead=lambda _: False)
    return plan_catalog(shop.settings, shop.store, run, Choices(accept_changes=accept_changes))


def test_a_placeholder_at_every_address_buys_nothing_until_it_is_accepted(
    shop: DagsterShop, photos: Photos
) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    serve_everywhere(photos, draw_photo("no image yet"))

    dry_run = plan(shop)
    assert (dry_run.to_buy, dry_run.plan.counts["stored"], len(dry_run.doubted)) == (0, 3, 3)
    assert "gives the same picture as 2 other addresses" in dry_run.doubted[0].reason
    [found] = check_photos(shop.settings)
    assert found.verdict == "warning"
    assert "the same picture as 2 other addresses" in found.detail

    refreshed = shop.refresh()
    assert refreshed.counts() == {"reused": 3}
    assert shop.manifest_rows() == before
    check = refreshed.check("no_photo_is_doubted")
    assert not check.passed
    assert "003" in plain_metadata(check)["rows"]

    assert plan(shop, accept_changes=True).to_buy == 3
    assert plan(shop).to_buy == 0  # a plan accepts nothing for good
    accepted = shop.refresh(accept_changes=True)
    assert accepted.counts() == {"generated": 3, "calls": 3}
    assert accepted.check("no_photo_is_doubted").passed
    assert shop.refresh().counts() == {"reused": 3}


def test_a_page_at_every_new_address_buys_no_words(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    """As where an export gives each address another query, which the store does not know."""
    shop.refresh()
    before = shop.manifest()["object_key"].tolist()
    serve_everywhere(photos, PAGE)
    name_photos(shop, site, "?v=2")

    refreshed = shop.refresh()

    assert refreshed.counts() == {"held": 3}
    assert shop.manifest()["object_key"].tolist() == before
    assert not refreshed.check("no_photo_is_doubted").passed
    told = plain_metadata(refreshed.check("every_product_has_its_pictures"))["products"]
    assert told.replace("\\", "").count("run once with accept_changes") == 3


@pytest.mark.slow
def test_a_placeholder_at_every_new_address_stops_the_run_and_buys_no_words(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    serve_everywhere(photos, draw_photo("no image yet"))
    name_photos(shop, site, "?v=2")

    step, told = shop.failing_refresh().failure()

    assert step == "image_requests"
    assert "gives the same picture as 2 other addresses" in told
    assert (len(shop.bill()), shop.manifest_rows()) == (3, before)
    assert shop.refresh(accept_changes=True).counts() == {"generated": 3, "calls": 3}


@pytest.mark.slow
def test_words_are_bought_in_a_page_s_stead_once_that_is_accepted(
    shop: DagsterShop, photos: Photos
) -> None:
    photos.at["/002.jpg"] = PAGE

    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 2, "held": 1, "calls": 2}
    [doubted] = plan(shop).doubted
    assert (doubted.product_id, doubted.status) == ("002", "held")
    assert "an HTML page" in doubted_table([(doubted.product_id, doubted.shot, doubted.reason)])

    assert shop.refresh(accept_changes=True).counts() == {"generated": 1, "reused": 2, "calls": 1}
    assert shop.refresh().counts() == {"reused": 3}  # what was bought so stays the current one
    assert shop.manifest()["stale"].sum() == 0


def test_one_partition_buys_nothing_with_a_doubted_photo(shop: DagsterShop, photos: Photos) -> None:
    shop.refresh()
    serve_everywhere(photos, draw_photo("no image yet"))
    plan(shop)

    run = shop.materialize("images/scene", partition_key="002").expect(success=True)

    assert set(run.logged()) == {("002", "scene")}
    assert len(shop.bill()) == 3
    shop.set_product("002", title="A new title")
    failed = shop.materialize("images/scene", partition_key="002").expect(success=False)
    assert "gives such a picture still" in failed.failure()[1]
    assert len(shop.bill()) == 3
