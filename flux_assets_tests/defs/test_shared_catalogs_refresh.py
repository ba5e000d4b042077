"""Real exports through the whole job: what their owners would run, in sample mode."""

import json
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import PROJECT, Workplace, make_workplace

CATALOGS = PROJECT.parent / "shared" / "catalogs"
ONE_SHOT = 'shots:\n  hero:\n    prompt: "Studio photograph of {{ title }}, white background"\n'

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not CATALOGS.exists(), reason="the shared catalogs are not beside this checkout"
    ),
]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


@pytest.mark.parametrize(
    ("name", "dialect", "to_buy"),
    [
        ("shopify_jewelery.csv", "shopify", 20),
        ("woocommerce_sample_products_bom.csv", "woocommerce", 18),
        ("google_merchant_lecc.tsv", "google_merchant", 29),
        ("magento_configurable_products.csv", "magento", 40),
        ("fashion_names_first10000.csv", "generic", 40),
    ],
)
def test_a_real_export_becomes_pictures_with_the_sample_shots(
    workplace: Workplace, name: str, dialect: str, to_buy: int
) -> None:
    catalog = {"FLUX_ASSETS_CATALOG": str(CATALOGS / name)}
    planned = workplace.run("plan", "--json", **catalog).json
    done = workplace.run("refresh", "--shots", "hero", "--limit", "40", "--json", **catalog)
    assert planned["catalog"]["dialect"] == dialect
    assert planned["prompt_errors"] == 0
    assert done.exit_code in {0, 2}, done.stderr
    assert done.json["generated"] == done.json["calls"] == to_buy == len(workplace.pictures())


def test_a_catalog_of_1200_products_is_refreshed_in_full(workplace: Workplace) -> None:
    lines = (CATALOGS / "fashion_names_first10000.csv").read_bytes().splitlines(keepends=True)
    (workplace.folder / "data" / "fashion.csv").write_bytes(b"".join(lines[:1201]))
    (workplace.folder / "data" / "one_shot.yaml").write_text(ONE_SHOT)
    environ = {
        "FLUX_ASSETS_CATALOG": "data/fashion.csv",
        "FLUX_ASSETS_SHOTS": "data/one_shot.yaml",
        "FLUX_ASSETS_MAX_IMAGES_PER_RUN": "1200",
        "FLUX_ASSETS_DAILY_IMAGE_LIMIT": "1200",
        "FLUX_ASSETS_PREVIEW_PX": "0",
    }
    done = workplace.run("refresh", "--json", **environ)
    assert done.exit_code == 0, done.stderr
    assert (done.json["generated"], done.json["calls"]) == (1200, 1200)
    bill = workplace.folder / ".flux_assets" / "simulator" / "bill.jsonl"
    paid = [json.loads(line)["uuid"] for line in bill.read_text().splitlines()]
    assert len(paid) == len(set(paid)) == 1200
    again = workplace.run("refresh", "--json", **environ)
    assert (again.json["calls"], again.json["reused"], again.json["missing"]) == (0, 1200, 0)
