"""One set of pictures for each row of an export."""

import pytest

from flux_assets.catalog import Catalog, read_catalog

SHOPIFY = (
    "Handle,Title,Vendor,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,"
    "Variant Price,Image Src,Variant Image,seed"
)
WOOCOMMERCE = (
    "ID,Type,SKU,Name,Description,Regular price,Images,Parent,"
    "Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)"
)
MAGENTO = (
    "sku,store_view_code,name,visibility,price,base_image,additional_attributes,"
    "configurable_variations"
)
GOOGLE = "id,title,mpn,image_link,item_group_id,color,google_product_category"
HIDDEN = "Not Visible Individually"


def read(*rows: str, **columns: str | None) -> Catalog:
    catalog = read_catalog(
        "\n".join(rows).encode(), "export.csv", columns=columns, one_set_per="row"
    )
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    return catalog


def ids(catalog: Catalog) -> list[str]:
    assert catalog.rejected_rows == ()
    return [product.product_id for product in catalog.products]


def test_every_shopify_variant_is_a_product_with_what_the_first_row_says_of_all() -> None:
    catalog = read(
        SHOPIFY,
        "tee,Tee,Ours,Color,Blue,Size,S,T1,9,https://x/1.jpg,https://x/blue.jpg,7",
        "tee,,,,Red,,M,T2,8,https://x/2.jpg,,",
        "tee,,,,Red,,L,,8,https://x/3.jpg,https://x/red.jpg,5",
        "tee,,,,,,,,,https://x/4.jpg,,",
        "cap,Cap,Ours,Title,Default Title,,,,5,https://x/5.jpg,,",
    )
    assert ids(catalog) == ["T1", "T2", "tee~Red~L", "cap"]
    assert catalog.skipped == {"additional_image": 1}
    blue, red, large, cap = catalog.products
    assert (blue.title, blue.color, blue.line, blue.columns["size"]) == ("Tee", "Blue", 2, "S")
    assert (red.title, red.brand, red.color, red.price) == ("Tee", "Ours", "Red", "8")
    assert (red.line, red.columns["size"], red.columns["seed"]) == (3, "M", "7")
    assert (large.columns["size"], large.columns["seed"]) == ("L", "5")
    assert [product.image_url for product in (blue, red, large, cap)] == [
        "https://x/blue.jpg",
        "https://x/1.jpg",
        "https://x/red.jpg",
        "https://x/5.jpg",
    ]


def test_a_sku_that_several_variants_have_is_no_id() -> None:
    catalog = read(
        SHOPIFY,
        "tee,Tee,,Color,Blue,,,T1,9,,,",
        "tee,,,,Red,,,T1,9,,,",
        "cap,Cap,,Title,Default Title,,,C1,5,,,",
        "hat,Hat,,Title,Default Title,,,C1,5,,,",
    )
    assert ids(catalog) == ["tee~Blue", "tee~Red", "cap", "hat"]


def test_the_newer_shopify_sku_is_an_id_too() -> None:
    header = "URL handle,Title,SKU,Option1 name,Option1 value,Price,Variant image URL"
    catalog = read(header, "tee,Tee,T1,Size,S,9,https://x/s.jpg", "tee,,T2,,M,9,")
    assert ids(catalog) == ["T1", "T2"]
    assert [product.image_url for product in catalog.products] == ["https://x/s.jpg", ""]


def test_variants_that_nothing_tells_apart_are_told() -> None:
    catalog = read(SHOPIFY, "tee,Tee,,Size,S,,,,9,,,", "tee,,,,S,,,,9,,,")
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.reason, rejected.column) == (3, "duplicate_id", "Handle")
    assert "'tee~S' is already that of line 2" in rejected.message


def test_one_variant_s_bad_parameter_rejects_that_one() -> None:
    rows = ("tee,Tee,,Size,S,,,T1,9,,,", "tee,,,,M,,,T2,9,,,heirloom", "tee,,,,L,,,T3,9,,,")
    catalog = read(SHOPIFY, *rows)
    assert [product.product_id for product in catalog.products] == ["T1", "T3"]
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.reason) == (3, "override_out_of_range")


def test_woocommerce_s_variations_are_products_beside_their_parent() -> None:
    catalog = read(
        WOOCOMMERCE,
        "8,variation,tee-red,Tee - Red,,5,,tee,Color,Red,Size,",
        '7,variable,tee,Tee,Soft,,https://x/t.jpg,,Size,"S, M",Color,"Blue, Red"',
        "9,variation,,,,5,,id:7,Color,Blue,Size,M",
        "10,variation,hat-red,Hat - Red,,5,,gone,Color,Red,,",
    )
    assert ids(catalog) == ["tee-red", "tee", "9", "hat-red"]
    assert (catalog.skipped, catalog.warnings) == ({}, ())
    red, tee, blue, hat = catalog.products
    assert (red.title, red.description, red.color) == ("Tee - Red", "Soft", "Red")
    assert (red.image_url, red.columns["size"]) == ("https://x/t.jpg", "S, M")
    assert (tee.title, tee.color) == ("Tee", "")
    assert (blue.title, blue.color, blue.columns["size"]) == ("Tee", "Blue", "M")
    assert (hat.title, hat.color) == ("Hat - Red", "Red")


def test_magento_s_invisible_variants_are_products_by_their_sku() -> None:
    catalog = read(
        MAGENTO,
        f'A-S,,Tee-S,{HIDDEN},5,/s.jpg,"size=S,color=Red",',
        "A-S,de,Hemd-S,,,,,",
        f"A-S,fr,Chemise-S,{HIDDEN},,,,",
        'A,,Tee,"Catalog, Search",6,/a.jpg,material=Wool,"sku=A-S,size=S,color=Red"',
        "A,de,Hemd,,,,,",
        f"strap,,Strap,{HIDDEN},2,,color=Black,",
    )
    assert ids(catalog) == ["A-S", "A", "strap"]
    assert catalog.skipped == {"store_view": 2, "not_visible": 1}
    small, tee, strap = catalog.products
    assert (small.title, small.color, small.material) == ("Tee-S", "Red", "Wool")
    assert (small.columns["size"], small.image_url) == ("S", "/s.jpg")
    assert (tee.title, tee.color, strap.color) == ("Tee", "", "Black")


def test_a_variant_without_any_id_is_rejected() -> None:
    catalog = read(WOOCOMMERCE, "7,variable,tee,Tee,,,,,,,,", ",variation,,Tee - Red,,5,,tee,,,,")
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.column, rejected.reason) == (3, "ID", "no_id")


def test_google_s_items_are_products_by_their_own_id() -> None:
    rows = (
        "1,Tee S,A,https://x/s.jpg,G,Red,",
        "2,Tee M,B,,G,Red,",
        ",Tee L,C,,G,Red,",
        "3,Cap,,,,,",
    )
    assert ids(read(GOOGLE, *rows)) == ["1", "2", "G", "3"]
    assert read(GOOGLE, *rows).products[1].image_url == "https://x/s.jpg"


def test_a_mapped_id_is_the_row_s_too() -> None:
    rows = ("1,Tee S,A,,G,Red,", "2,Tee M,B,,G,Red,")
    assert ids(read(GOOGLE, *rows, product_id="mpn")) == ["A", "B"]


@pytest.mark.parametrize("columns", [{}, {"product_id": "Handle"}])
def test_a_mapped_handle_is_completed_by_the_options(columns: dict[str, str]) -> None:
    rows = ("tee,Tee,,Size,S,,,,9,,,", "tee,,,,M,,,,9,,,")
    assert ids(read(SHOPIFY, *rows, **columns)) == ["tee~S", "tee~M"]


def test_every_row_of_any_other_export_is_a_product_as_ever() -> None:
    catalog = read("id,title,color", "1,Hat,Red", "1,Hat,Blue", "2,Cap,")
    assert [product.product_id for product in catalog.products] == ["1", "2"]
    assert [rejected.reason for rejected in catalog.rejected_rows] == ["duplicate_id"]
