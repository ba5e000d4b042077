"""What a refresh makes of the products' own photos, and what it asks their server for."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)
from flux_assets_tests.fixtures.photos import Photos, draw_photo, draw_plain_photo, take_asked
from flux_assets_tests.fixtures.sites import Site, open_sites

SCENE = """
shots:
  scene:
    mode: edit
    prompt: "Place this {{ title }} on a table"
"""
FALLBACK = "    fallback: "
HTML = b"<!doctype html><title>Sign in</title>"
PRODUCT_IDS = ("001", "002", "003")
ALL_PATHS = ["/001.jpg", "/002.jpg", "/003.jpg"]


@pytest.fixture
def photos() -> Photos:
    """One of each product."""
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
        shop.write_shots(SCENE)
        for name in PRODUCT_IDS:
            shop.set_product(name, image_url=f"{site.url}/{name}.jpg")
        yield shop


def ask_every_time(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_PHOTO_MAX_AGE_HOURS"] = "0"


def test_each_product_s_picture_is_made_from_its_photo(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 3, "calls": 3}
    assert take_asked(site) == ALL_PATHS
    rows = shop.manifest().set_index("product_id")
    for name, event in ((name, refreshed.logged()[name, "scene"]) for name in PRODUCT_IDS):
        facts, row = plain_metadata(event), rows.loc[name]
        expected = {
            "shot_mode": "edit",
            "source_uri": f"{site.url}/{name}.jpg",
            "source_sha256": photos.sha256_of(f"/{name}.jpg"),
            "digital_source_type": "compositeWithTrainedAlgorithmicMedia",
        }
        assert {key: facts[key] for key in expected} == expected
        assert {key: row[key] for key in expected} == expected
        assert facts["asset_key"] == row["asset_key"] != ""
        assert facts["recognition"] == row["recognition"]
    assert rows["asset_key"].is_unique


@pytest.mark.slow
def test_more_edits_than_a_run_may_buy_are_refused_before_any_upload(shop: DagsterShop) -> None:
    step, told = shop.failing_refresh(max_images=2).failure()

    assert step == "refreshed_images.plan_shards"
    assert "3 pictures (about 0.21 USD) are to be bought" in told
    assert (shop.uploads(), shop.bill()) == ([], [])
    assert shop.refresh(max_images=3).counts() == {"generated": 3, "calls": 3}


def test_a_second_refresh_asks_for_no_photo(shop: DagsterShop, site: Site) -> None:
    shop.refresh()
    take_asked(site)

    assert shop.refresh().counts() == {"reused": 3}
    assert (take_asked(site), len(shop.bill())) == ([], 3)


@pytest.mark.slow
def test_a_photo_checked_too_long_ago_is_asked_for_by_its_version(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    shop.refresh()
    take_asked(site)
    ask_every_time(shop)

    assert shop.refresh().counts() == {"reused": 3}
    versions = {f'"{photos.sha256_of(path)}"' for path in ALL_PATHS}
    assert set(site.received_header("If-None-Match")) == versions
    assert (take_asked(site), len(shop.bill())) == (ALL_PATHS, 3)


def test_another_photo_at_the_same_address_buys_one_picture(
    shop: DagsterShop, photos: Photos
) -> None:
    shop.refresh()
    ask_every_time(shop)
    photos.at["/002.jpg"] = draw_photo("002, the new model")

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 1, "reused": 2, "calls": 1}
    plan = refreshed.metadata_of("image_plan")
    assert (plan["changed"], plan["changed_by"]) == (1, {"photo": 1})
    assert "| photo | 1 |" in plan["report"]
    assert set(refreshed.logged()) == {("002", "scene")}
    assert len(shop.bill()) == 4


@pytest.mark.slow
def test_the_same_photo_at_a_new_address_buys_nothing(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    shop.refresh()
    take_asked(site)
    photos.at["/moved.jpg"] = photos.at.pop("/002.jpg")
    shop.set_product("002", image_url=f"{site.url}/moved.jpg")

    assert shop.refresh().counts() == {"reused": 3}
    assert (take_asked(site), len(shop.bill())) == (["/moved.jpg"], 3)


@pytest.mark.slow
def test_a_server_that_is_down_changes_nothing(shop: DagsterShop, site: Site) -> None:
    shop.refresh()
    ask_every_time(shop)
    site.shutdown()
    site.server_close()

    refreshed = shop.refresh()

    assert refreshed.counts() == {"reused": 3}
    assert refreshed.check("every_product_has_its_pictures").passed
    assert len(shop.bill()) == 3


def test_products_below_their_shot_s_threshold_are_named_and_a_plain_one_is_not_judged(
    shop: DagsterShop, photos: Photos
) -> None:
    photos.at["/002.jpg"] = draw_plain_photo()
    shop.environ["FLUX_ASSETS_SIMULATOR_MEGAPIXELS"] = "0.005"  # too few to show all of it
    shop.write_shots(f"{SCENE}    recognisable_above: 0.95\n")

    check = shop.refresh().check("products_are_recognisable")

    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert str(check.description).startswith(("look at 001, 003: ", "look at 003, 001: "))
    facts = plain_metadata(check)
    told = {name: facts[name] for name in ("made_from_photos", "not_judged", "doubtful")}
    assert told == {"made_from_photos": 3, "not_judged": 1, "doubtful": 2}


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        pytest.param(
            404,
            "there is no such photo (HTTP 404); correct the address in the catalog",
            marks=pytest.mark.slow,
        ),
        pytest.param(HTML, "is no photo, but an HTML page", marks=pytest.mark.slow),
        (503, "the server cannot give it now (HTTP 503); try again later"),
    ],
    ids=["gone", "page", "down"],
)
def test_a_product_without_usable_photo_is_named_and_nothing_is_bought_for_it(
    shop: DagsterShop, photos: Photos, site: Site, found: bytes | int, reason: str
) -> None:
    photos.at["/002.jpg"] = found

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 2, "calls": 2}
    check = refreshed.check("every_product_has_its_pictures")
    assert (check.passed, check.description) == (False, "without a current picture: 002")
    assert f"{site.url}/002.jpg: {reason}" in plain_metadata(check)["products"]


def test_a_shot_may_skip_a_product_without_usable_photo(shop: DagsterShop, photos: Photos) -> None:
    photos.at["/002.jpg"] = 404
    shop.write_shots(f"{SCENE}{FALLBACK}skip\n")

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 2, "skipped": 1, "calls": 2}
    assert refreshed.check("every_product_has_its_pictures").passed


def test_a_shot_may_make_the_picture_from_words_until_there_is_a_photo(
    shop: DagsterShop, photos: Photos
) -> None:
    photo = photos.at["/002.jpg"]
    photos.at["/002.jpg"] = 404
    shop.write_shots(f"{SCENE}{FALLBACK}generate\n")

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 3, "calls": 3}
    facts = plain_metadata(refreshed.logged()["002", "scene"])
    assert (facts["shot_mode"], facts["source_uri"]) == ("generate", "")
    assert facts["digital_source_type"] == "trainedAlgorithmicMedia"

    photos.at["/002.jpg"] = photo
    again = shop.refresh()
    assert again.counts() == {"generated": 1, "reused": 2, "calls": 1}
    assert again.metadata_of("image_plan")["changed_by"] == {"aspect_ratio": 1, "mode": 1}


@pytest.mark.parametrize("fallback", [pytest.param("skip", marks=pytest.mark.slow), "generate"])
def test_an_outage_neither_skips_a_product_nor_buys_another_picture(
    shop: DagsterShop, photos: Photos, fallback: str
) -> None:
    photos.at["/002.jpg"] = 503
    shop.write_shots(f"{SCENE}{FALLBACK}{fallback}\n")

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 2, "calls": 2}
    assert not refreshed.check("every_product_has_its_pictures").passed


@pytest.mark.parametrize("fallback", ["fail", "skip", "generate"])
def test_photos_in_a_private_network_are_not_asked_for_unless_allowed(
    shop: DagsterShop, site: Site, fallback: str
) -> None:
    del shop.environ["FLUX_ASSETS_ALLOW_PRIVATE_SOURCES"]
    shop.write_shots(f"{SCENE}{FALLBACK}{fallback}\n")

    _, problem = shop.failing_refresh().failure()

    assert "set FLUX_ASSETS_ALLOW_PRIVATE_SOURCES=true" in problem
    assert (take_asked(site), shop.bill()) == ([], [])


def test_shots_made_from_words_do_not_wait_for_the_setting(shop: DagsterShop, site: Site) -> None:
    del shop.environ["FLUX_ASSETS_ALLOW_PRIVATE_SOURCES"]
    shop.write_shots(f'{SCENE}  hero:\n    prompt: "{{{{ title }}}} on white"\n')

    refreshed = shop.refresh()

    assert refreshed.counts() == {"generated": 3, "calls": 3}
    told = plain_metadata(refreshed.check("every_product_has_its_pictures"))["products"]
    assert told.replace("\\", "").count("set FLUX_ASSETS_ALLOW_PRIVATE_SOURCES=true") == 3
    assert take_asked(site) == []


def test_one_product_s_partition_reads_its_photo_alone(shop: DagsterShop, site: Site) -> None:
    shop.register_products()

    run = shop.materialize("images/scene", partition_key="002").expect(success=True)

    assert take_asked(site) == ["/002.jpg"]
    assert plain_metadata(run.logged()["002", "scene"])["source_uri"] == f"{site.url}/002.jpg"
    assert shop.refresh().counts() == {"generated": 2, "reused": 1, "calls": 2}
    assert take_asked(site) == ["/001.jpg", "/003.jpg"]


def test_a_partition_without_usable_photo_fails_and_says_why(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    shop.register_products()
    photos.at["/002.jpg"] = HTML

    run = shop.materialize("images/scene", partition_key="002").expect(success=False)

    reason = f"product '002', shot 'scene': its photo: {site.url}/002.jpg: is no photo"
    assert reason in run.failure()[1]
    assert shop.bill() == []
