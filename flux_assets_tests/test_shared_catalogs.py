from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, Product, read_catalog

FOLDER = Path(__file__).parents[2] / "shared" / "catalogs"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the real exports of ../shared/catalogs"
)


def read(name: str) -> Catalog:
    catalog = read_catalog((FOLDER / name).read_bytes(), name)
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    assert catalog.rejected_rows == ()
    return catalog


def by_id(catalog: Catalog) -> dict[str, Product]:
    return {product.product_id: product for product in catalog.products}


def test_shopify_s_41_rows_are_20_products() -> None:
    catalog = read("shopify_jewelery.csv")
    assert (catalog.dialect, catalog.encoding, catalog.delimiter) == ("shopify", "utf-8", ",")
    assert (catalog.rows, len(catalog.products)) == (41, 20)
    assert catalog.skipped == {"variant": 3, "additional_image": 18}
    assert catalog.warnings == ()
    products = by_id(catalog)
    bracelet = products["chain-bracelet"]
    assert (bracelet.title, bracelet.line, bracelet.color) == ("7 Shakra Bracelet", 2, "")
    assert (bracelet.brand, bracelet.category, bracelet.price) == (
        "Company 123",
        "Bracelet",
        "42.99",
    )
    # After two cells with line ends inside the quotes.
    crane = products["origami-crane-necklace"]
    assert (crane.line, crane.title) == (46, "Origami Crane Necklace")
    assert not any(product.color for product in catalog.products)
    assert not any("<" in product.description for product in catalog.products)
    assert products["bangle-bracelet"].columns["tags"] == "Diamond, Gem, Gold"


def test_woocommerce_s_25_rows_are_18_products() -> None:
    catalog = read("woocommerce_sample_products_bom.csv")
    assert (catalog.dialect, catalog.encoding) == ("woocommerce", "utf-8-sig")
    assert (catalog.rows, len(catalog.products)) == (25, 18)
    assert catalog.skipped == {"variant": 7}
    assert catalog.warnings == ()
    products = by_id(catalog)
    hoodie = products["woo-hoodie"]
    assert (hoodie.title, hoodie.color, hoodie.category) == ("Hoodie", "", "Clothing > Hoodies")
    assert hoodie.columns["weight_lbs"] == "1.5"
    assert products["woo-vneck-tee"].columns["weight_lbs"] == ".5"
    assert products["woo-beanie"].color == "Red"
    assert products["logo-collection"].title == "Logo Collection"
    pennant = products["wp-pennant"]
    assert (pennant.line, pennant.price, pennant.columns["id"]) == (25, "11.05", "89")


def test_magento_s_1994_rows_are_147_products() -> None:
    catalog = read("magento_configurable_products.csv")
    assert catalog.dialect == "magento"
    assert (catalog.rows, len(catalog.products)) == (1994, 147)
    assert catalog.skipped == {"not_visible": 1847}
    assert catalog.warnings == ()
    products = by_id(catalog)
    hoodie = products["MH01"]
    assert (hoodie.line, hoodie.title, hoodie.price) == (32, "Chaz Kangeroo Hoodie", "52")
    assert (hoodie.category, hoodie.material) == ("Men > Tops > Hoodies & Sweatshirts", "Wool")
    assert "band seal in body heat. • Two-tone gray heather hoodie. •" in hoodie.description
    assert hoodie.columns["climate"] == "All-weather, Cool, Indoor, Spring, Windy"
    shorts = products["WSH12"]
    assert (shorts.line, shorts.material) == (3940, "Organic Cotton, Polyester, Spandex")
    assert not any(product.color for product in catalog.products)


def test_google_s_160_rows_are_29_products() -> None:
    catalog = read("google_merchant_lecc.tsv")
    assert (catalog.dialect, catalog.delimiter) == ("google_merchant", "\t")
    assert (catalog.rows, len(catalog.products)) == (160, 29)
    assert catalog.skipped == {"variant": 131}
    assert catalog.warnings == ()
    first = catalog.products[0]
    assert first.product_id == "2d50ecb4-8320-40e2-ab5c-17883fe08b4c"
    assert first.title == '"Lake Erie Loot Crew" Women\'s Spaghetti Strap Pirate Fest Tank Top'
    assert (first.price, first.color, first.line) == ("28.00 USD", "", 2)
    assert first.category == "Apparel & Accessories > Clothing > Shirts & Tops"
    assert not any(product.color for product in catalog.products)
    ungrouped = [p for p in catalog.products if not p.columns["item_group_id"]]
    assert len(ungrouped) == 7
    assert all(product.product_id == product.columns["id"] for product in ungrouped)


def test_every_fashion_name_comes_whole() -> None:
    catalog = read("fashion_names_first10000.csv")
    assert (catalog.dialect, catalog.rows, len(catalog.products)) == ("generic", 10_000, 10_000)
    assert catalog.skipped == {}
    assert catalog.warnings == (
        "5 titles went on in columns without a name, and were joined (first: line 6044)",
    )
    products = by_id(catalog)
    perfume = products["44065"]
    assert perfume.title == "Boss Men Perfume, After Shave Balm and Shower Gel Set"
    assert perfume.line == 6044
    assert products["3413"].title == "Myntra Men's Yes, its all about me White T-shirt"
    assert (products["42878"].title, products["42878"].line) == ("NA", 3679)
