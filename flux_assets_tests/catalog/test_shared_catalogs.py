from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, OneSetPer, Product, read_catalog

FOLDER = Path(__file__).parents[3] / "shared" / "catalogs"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="needs the real exports of ../shared/catalogs"
)


def read(name: str, one_set_per: OneSetPer = "product") -> Catalog:
    catalog = read_catalog((FOLDER / name).read_bytes(), name, one_set_per=one_set_per)
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


@pytest.mark.parametrize(
    ("name", "products", "colored", "skipped"),
    [
        ("shopify_jewelery.csv", 23, 6, {"additional_image": 18}),
        ("woocommerce_sample_products_bom.csv", 22, 15, {"parent": 2, "variant": 1}),
        ("magento_configurable_products.csv", 417, 417, {"parent": 147, "not_visible": 1430}),
        ("google_merchant_lecc.tsv", 34, 9, {"variant": 126}),
        ("fashion_names_first10000.csv", 10_000, 0, {}),
    ],
)
def test_one_set_per_colour(
    name: str, products: int, colored: int, skipped: dict[str, int]
) -> None:
    catalog = read(name, "color")
    assert (len(catalog.products), catalog.skipped) == (products, skipped)
    of_colors = [product for product in catalog.products if product.color]
    assert len(of_colors) == colored
    assert all(product.product_id.endswith(f"~{product.color}") for product in of_colors)
    assert not any("~" in p.product_id for p in catalog.products if not p.color)


@pytest.mark.parametrize(
    ("name", "products", "skipped"),
    [
        ("shopify_jewelery.csv", 23, {"additional_image": 18}),
        ("woocommerce_sample_products_bom.csv", 25, {}),
        ("magento_configurable_products.csv", 1994, {}),
        ("google_merchant_lecc.tsv", 160, {}),
        ("fashion_names_first10000.csv", 10_000, {}),
    ],
)
def test_one_set_per_row(name: str, products: int, skipped: dict[str, int]) -> None:
    catalog = read(name, "row")
    assert (len(catalog.products), catalog.skipped, catalog.rejected_rows) == (
        products,
        skipped,
        (),
    )


@pytest.mark.parametrize("one_set_per", ["color", "row"])
def test_shopify_s_variants_have_their_own_pictures(one_set_per: OneSetPer) -> None:
    products = by_id(read("shopify_jewelery.csv", one_set_per))
    black = products["chain-bracelet~Black"]
    assert (black.title, black.color, black.line) == ("7 Shakra Bracelet", "Black", 3)
    assert black.image_url.endswith("/7-chakra-bracelet_925x.jpg")
    assert products["chain-bracelet~Blue"].image_url.endswith("/navy-blue-chakra-bracelet_925x.jpg")
    assert (products["leather-anchor~Silver"].price, black.category) == ("55", "Bracelet")
    # Its option is called "Colour".
    assert products["gemstone~Purple"].columns["tags"] == products["gemstone~Blue"].columns["tags"]
    assert products["bangle-bracelet"].color == ""


def test_woocommerce_s_variations_are_colours_or_products() -> None:
    blue = by_id(read("woocommerce_sample_products_bom.csv", "color"))["woo-hoodie~Blue"]
    assert (blue.title, blue.line, blue.category) == ("Hoodie", 21, "Clothing > Hoodies")
    assert blue.image_url.endswith("/hoodie-blue-1.jpg")
    assert (blue.columns["logo"], blue.columns["sku"]) == ("", "woo-hoodie-blue")
    logo = by_id(read("woocommerce_sample_products_bom.csv", "row"))["woo-hoodie-blue-logo"]
    assert (logo.title, logo.color, logo.line) == ("Hoodie - Blue, Yes", "Blue", 26)
    assert (logo.category, logo.columns["logo"]) == ("Clothing > Hoodies", "Yes")


def test_magento_s_variants_have_their_parent_s_material() -> None:
    orange = by_id(read("magento_configurable_products.csv", "color"))["MH01~Orange"]
    assert (orange.title, orange.line, orange.material) == ("Chaz Kangeroo Hoodie", 6, "Wool")
    assert (orange.image_url, orange.columns["size"]) == ("/m/h/mh01-orange_main.jpg", "")
    small = by_id(read("magento_configurable_products.csv", "row"))["MH01-S-Gray"]
    assert (small.title, small.color) == ("Chaz Kangeroo Hoodie-S-Gray", "Gray")
    assert (small.columns["size"], small.material) == ("S", "Wool")


def test_google_s_colours_come_from_the_group_s_rows() -> None:
    group = "2d50ecb4-8320-40e2-ab5c-17883fe08b4c"
    products = by_id(read("google_merchant_lecc.tsv", "color"))
    heather = products[f"{group}~Athletic Heather"]
    assert (heather.color, heather.line) == ("Athletic Heather", 3)
    assert sum(product_id.startswith(group) for product_id in products) == 3
    row = by_id(read("google_merchant_lecc.tsv", "row"))["98650bd8-5981-4055-8e14-5e144a04a23a"]
    assert (row.line, row.color, row.columns["size"]) == (2, "Solid White Blend", "L")


def test_nothing_in_these_exports_is_unpublished() -> None:
    for path in sorted(FOLDER.glob("*.[ct]sv")):
        data = path.read_bytes()
        assert read_catalog(data, path.name) == read_catalog(
            data, path.name, include_unpublished=True
        )
