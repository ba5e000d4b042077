"""The small exports of ../shared/cases that are about variants, parents and drafts."""

from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, read_catalog

FOLDER = Path(__file__).parents[3] / "shared" / "cases"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the small exports of ../shared/cases"
)


def read(name: str, **columns: str | None) -> Catalog:
    catalog = read_catalog((FOLDER / name).read_bytes(), name, columns=columns)
    assert catalog.rejected_rows == ()
    return catalog


def titles(catalog: Catalog) -> dict[str, str]:
    return {product.product_id: product.title for product in catalog.products}


def test_woocommerce_s_german_headers() -> None:
    catalog = read("woocommerce_german_headers.csv")
    assert catalog.dialect == "woocommerce"
    assert titles(catalog) == {"KI-1": "Leinenkissen", "BE-1": "Emaillebecher"}
    assert catalog.skipped == {"variant": 2, "unpublished": 1}
    cushion = catalog.products[0]
    assert (cushion.color, cushion.material) == ("", "Leinen")


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("medusa_variants.csv", ("prod_01", "prod_02")),
        ("medusa_without_ids.csv", ("knit-cap", "felt-slippers")),
    ],
)
def test_medusa_s_variants(name: str, ids: tuple[str, str]) -> None:
    catalog = read(name)
    assert catalog.dialect == "medusa"
    assert titles(catalog) == dict(zip(ids, ("Knit Cap", "Felt Slippers"), strict=True))
    assert catalog.skipped == {"variant": 1, "unpublished": 1}
    cap = catalog.products[0]
    assert (cap.color, cap.material, cap.image_url) == (
        "Fir",
        "Merino",
        "https://img.example/cap.png",
    )


@pytest.mark.parametrize(
    "columns", [{}, {"title": "name-en_US", "description": "description-en_US-ecommerce"}]
)
def test_akeneo_s_localised_columns(columns: dict[str, str]) -> None:
    catalog = read("akeneo_localised.csv", **columns)
    assert catalog.dialect == "akeneo"
    assert titles(catalog) == {"ak-1": "Arc Lamp", "ak-3": "Loop Rug"}
    assert catalog.skipped == {"unpublished": 1}
    lamp, rug = catalog.products
    assert (lamp.description, rug.description) == ("A tall arc lamp.", "A looped rug.")
    assert (lamp.material, lamp.image_url, lamp.price) == ("brass", "files/ak1.jpg", "199")


def test_google_s_parent_beside_its_variants() -> None:
    catalog = read("google_parent_beside_variants.xml")
    assert titles(catalog) == {"12": "V-Neck Tee", "30": "Tom & Jerry Poster"}
    assert catalog.skipped == {"variant": 2}


def test_google_s_quotation_marks_inside_cells() -> None:
    catalog = read_catalog((FOLDER / "google_unquoted.tsv").read_bytes(), "google_unquoted.tsv")
    assert (catalog.dialect, catalog.rows) == ("google_merchant", 5)
    found = titles(catalog)
    assert (found["1"], found["3"], found["5"]) == (
        '"Large" Bag',
        '15" Laptop Sleeve',
        "Plain Cup",
    )
