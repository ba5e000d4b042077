"""A real export whose photos lie on a server as shops' servers are: some are broken."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets_tests.fixtures.command_line import PROJECT
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)
from flux_assets_tests.fixtures.photos import (
    Photos,
    draw_cut_out,
    draw_huge_photo,
    draw_photo,
    draw_turned_photo,
    take_asked,
)
from flux_assets_tests.fixtures.sites import Site, open_sites

EXPORT = PROJECT.parent / "shared" / "catalogs" / "shopify_jewelery.csv"
PHOTO_SERVER = "https://burst.shopifycdn.com"
SCENE = """
shots:
  scene:
    mode: edit
    prompt: "Place this {{ title }} on pale linen, in soft window light"
"""
BROKEN: Mapping[str, bytes | int] = {
    "chain-bracelet": 404,
    "leather-anchor": b"<!doctype html><title>Sign in</title>",
    "gemstone": 503,
}
REASONS = {
    "chain-bracelet": "there is no such photo (HTTP 404)",
    "leather-anchor": "is no photo, but an HTML page",
    "gemstone": "the server cannot give it now (HTTP 503)",
}
UNUSUAL = {
    "bangle-bracelet": draw_huge_photo,
    "boho-earrings": draw_turned_photo,
    "galaxy-earrings": draw_cut_out,
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not EXPORT.exists(), reason="the shared catalogs are not beside this checkout"
    ),
]


@pytest.fixture
def photos() -> Photos:
    return Photos()


@pytest.fixture
def site(photos: Photos) -> Iterator[Site]:
    with open_sites() as serve:
        yield serve(photos)


@pytest.fixture
def shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: Photos, site: Site
) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch) as shop:
        export = EXPORT.read_text("utf-8")
        (tmp_path / "jewellery.csv").write_text(export.replace(PHOTO_SERVER, site.url), "utf-8")
        shop.environ["FLUX_ASSETS_CATALOG"] = "jewellery.csv"
        shop.environ["FLUX_ASSETS_ALLOW_PRIVATE_SOURCES"] = "true"
        shop.environ["FLUX_ASSETS_SIMULATOR_MEGAPIXELS"] = "0.1"  # enough to show the product
        shop.write_shots(SCENE)
        for product_id, path in photo_paths(shop, site).items():
            draw = UNUSUAL.get(product_id, draw_photo)
            photos.at[path] = BROKEN.get(product_id) or draw(product_id)
        yield shop


def photo_paths(shop: DagsterShop, site: Site) -> dict[str, str]:
    catalog = load_catalog(shop.settings, load_shots(shop.settings))
    paths = {item.product_id: item.image_url.removeprefix(site.url) for item in catalog.products}
    assert len(set(paths.values())) == 20
    return paths


def test_a_real_export_s_photos_become_pictures_once(
    shop: DagsterShop, photos: Photos, site: Site
) -> None:
    paths = photo_paths(shop, site)
    usable = paths.keys() - BROKEN.keys()

    first = shop.refresh()

    assert first.counts() == {"generated": 17, "calls": 17}
    assert take_asked(site) == sorted(paths.values())
    assert_broken_ones_are_named(first.check("every_product_has_its_pictures"))
    rows = shop.manifest().set_index("product_id")
    assert set(rows.index) == usable == {name for name, _ in first.logged()}
    for name in usable:
        facts = plain_metadata(first.logged()[name, "scene"])
        for told in (facts, rows.loc[name]):
            assert told["shot_mode"] == "edit"
            assert told["source_uri"] == f"{site.url}{paths[name]}"
            assert told["source_sha256"] == photos.sha256_of(paths[name])
            assert told["asset_key"]
            assert told["digital_source_type"] == "compositeWithTrainedAlgorithmicMedia"
            assert told["recognition"] > 0.4
    assert first.check("products_are_recognisable").passed
    assert_ratios_are_the_photos(rows)

    second = shop.refresh()

    assert second.counts() == {"reused": 17}
    assert take_asked(site) == sorted(paths[name] for name in BROKEN)
    assert len(shop.bill()) == 17


def assert_broken_ones_are_named(check: dg.AssetCheckEvaluation) -> None:
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert set(str(check.description).partition(": ")[2].split(", ")) == BROKEN.keys()
    lines = str(check.metadata["products"].value).splitlines()
    for name, reason in REASONS.items():
        [line] = [line for line in lines if line.startswith(f"| {name} | scene | failed |")]
        assert reason in line


def assert_ratios_are_the_photos(rows: pd.DataFrame) -> None:
    ratios = rows["width_px"] / rows["height_px"]
    assert ratios["bangle-bracelet"] == pytest.approx(8000 / 5000, rel=0.03)
    assert ratios["boho-earrings"] == pytest.approx(500 / 700, rel=0.03)  # upright
    assert ratios["silver-threader-necklace"] == pytest.approx(1, rel=0.03)
