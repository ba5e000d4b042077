"""One set of pictures for each colour of an export's products."""

import pytest

from flux_assets.catalog import Catalog, OneSetPer, Product, RejectedRow, read_catalog

SHOPIFY = (
    "Handle,Title,Body (HTML),Status,Option1 Name,Option1 Value,Option2 Name,Option2 Value,"
    "Variant SKU,Variant Price,Image Src,Variant Image,Fit,seed"
)
WOOCOMMERCE = (
    "ID,Type,SKU,Name,Description,Regular price,Categories,Images,Parent,"
    "Attribute 1 name,Attribute 1 value(s),Attribute 2 name,Attribute 2 value(s)"
)
MAGENTO = (
    "sku,store_view_code,product_type,name,description,visibility,price,base_image,"
    "additional_attributes,configurable_variations,associated_skus"
)
GOOGLE = (
    "id,title,description,image_link,item_group_id,color,size,sale_price,google_product_category"
)
HIDDEN = "Not Visible Individually"


def read(one_set_per: OneSetPer, *rows: str, **columns: str | None) -> Catalog:
    catalog = read_catalog(
        "\n".join(rows).encode(), "export.csv", columns=columns, one_set_per=one_set_per
    )
    started = len({product.line for product in catalog.products})
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == started + len(catalog.rejected_rows) + skipped
    return catalog


def read_all(one_set_per: OneSetPer, *rows: str, **columns: str | None) -> dict[str, Product]:
    catalog = read(one_set_per, *rows, **columns)
    assert catalog.rejected_rows == ()
    return {product.product_id: product for product in catalog.products}


def colors(products: dict[str, Product]) -> dict[str, tuple[str, int]]:
    return {product_id: (product.color, product.line) for product_id, product in products.items()}


def reasons(rejected_rows: tuple[RejectedRow, ...]) -> list[tuple[int, str, str]]:
    return [(row.line, row.reason, row.product_id) for row in rejected_rows]


# --- One set per colour: Shopify ------------------------------------------------------------

SHOPIFY_TEE = (
    "tee,Tee,<p>Soft</p>,active,Color,Blue,Size,S,T1,9,https://x/1.jpg,https://x/blue.jpg,slim,7",
    "tee,,,,,Blue,,M,T2,9,https://x/2.jpg,https://x/blue.jpg,,",
    "tee,,,,,Red,,S,,8,https://x/3.jpg,,,",
    "tee,,,,,,,,,,https://x/4.jpg,,,",
)


def test_a_shopify_colour_is_one_product_of_its_first_row_and_the_product_s() -> None:
    catalog = read("color", SHOPIFY, *SHOPIFY_TEE)
    assert catalog.skipped == {"variant": 1, "additional_image": 1}
    blue, red = catalog.products
    assert (blue.product_id, blue.color, blue.line, blue.price) == ("tee~Blue", "Blue", 2, "9")
    assert (red.product_id, red.color, red.line, red.price) == ("tee~Red", "Red", 4, "8")
    assert blue.image_url == "https://x/blue.jpg"
    # The third picture of the product is not for that the red one's.
    assert red.image_url == "https://x/1.jpg"
    assert (red.title, red.description) == ("Tee", "Soft")
    assert (red.columns["fit"], red.columns["seed"], red.columns["size"]) == ("slim", "7", "S")
    assert (red.columns["variant_sku"], red.columns["option2_value"]) == ("", "S")
    assert blue.columns["size"] == ""


@pytest.mark.parametrize("name", ["Color", "Colour", "Farbe", "COULEUR", "Kleur", "Färg"])
def test_a_colour_option_may_have_its_name_in_other_languages(name: str) -> None:
    tee = f"tee,Tee,,,Size,S,{name},Blue,,9,,,,"
    assert colors(read_all("color", SHOPIFY, tee)) == {"tee~Blue": ("Blue", 2)}


def test_a_product_without_a_colour_stays_one_with_its_own_id() -> None:
    catalog = read(
        "color",
        SHOPIFY,
        "ring,Ring,,,Size,6,,,,9,,,,",
        "ring,,,,,7,,,,9,,,,",
        "cap,Cap,,,,,,,,5,,,,",
    )
    assert [product.product_id for product in catalog.products] == ["ring", "cap"]
    assert catalog.products[0].columns["size"] == ""
    assert catalog.skipped == {"variant": 1}


def test_one_colour_written_in_two_ways_is_one() -> None:
    rows = ("tee,Tee,,,Color,Navy blue,,,,9,,,,", "tee,,,,,navy Blue,,,,9,,,,")
    assert colors(read_all("color", SHOPIFY, *rows)) == {"tee~Navy blue": ("Navy blue", 2)}


def test_a_variant_without_a_colour_beside_others_gets_no_set() -> None:
    catalog = read("color", SHOPIFY, "tee,Tee,,,Color,,,,,9,,,,", "tee,,,,,Red,,,,8,,,,")
    assert [product.product_id for product in catalog.products] == ["tee~Red"]
    assert (catalog.products[0].title, catalog.products[0].line) == ("Tee", 3)
    assert catalog.skipped == {"variant": 1}


def test_a_mapped_colour_that_the_first_row_alone_has_is_that_of_all() -> None:
    products = read_all("color", SHOPIFY, *SHOPIFY_TEE, color="Fit")
    assert colors(products) == {"tee~slim": ("slim", 2)}


def test_a_mapped_picture_stands_before_the_variant_s() -> None:
    products = read_all("color", SHOPIFY, *SHOPIFY_TEE, image_url="Image Src")
    assert {product.image_url for product in products.values()} == {"https://x/1.jpg"}


# --- One set per colour: WooCommerce --------------------------------------------------------


def test_a_woocommerce_parent_gives_way_to_its_variations_colours() -> None:
    catalog = read(
        "color",
        WOOCOMMERCE,
        "8,variation,tee-red-s,Tee - Red S,,5,,https://x/r.jpg,id:7,Size,S,Color,Red",
        '7,variable,tee,Tee,Soft,,Tees,https://x/t.jpg,,Color,"Blue, Red",Size,"S, M"',
        "9,variation,tee-red-m,Tee - Red M,Worn,5,,,tee,Color,Red,Size,M",
        "10,variation,tee-blue,Tee - Blue,,6,,,tee,Color,Blue,Size,",
        "11,simple,cap,Cap,,4,,,,Color,Green,,",
        '12,simple,scarf,Scarf,,4,,,,Color,"Green, Red",,',
    )
    assert catalog.skipped == {"parent": 1, "variant": 1}
    red, blue, cap, scarf = catalog.products
    assert (red.product_id, red.color, red.line) == ("tee~Red", "Red", 2)
    # A variation's own name would name its size, and be another once that size is sold out.
    assert (red.title, red.description, red.category) == ("Tee", "Soft", "Tees")
    assert (red.image_url, red.columns["size"], red.columns["sku"]) == (
        "https://x/r.jpg",
        "",
        "tee-red-s",
    )
    assert (blue.product_id, blue.line, blue.price) == ("tee~Blue", 5, "6")
    assert (blue.image_url, blue.columns["size"]) == ("https://x/t.jpg", "S, M")
    assert (cap.product_id, cap.color) == ("cap~Green", "Green")
    # One thing of two colours, not a choice of two things.
    assert (scarf.product_id, scarf.color) == ("scarf", "")


@pytest.mark.parametrize("variations", [(), ("8,variation,a,Tee - S,,5,,,tee,Color,,Size,S",)])
def test_a_row_that_lists_the_colours_of_variations_gives_a_product_for_each(
    variations: tuple[str, ...],
) -> None:
    parent = r'7,variable,tee,Tee,,5,,,,Color,"Blue, Red\, dark, blue",,'
    catalog = read("color", WOOCOMMERCE, parent, *variations)
    assert colors({product.product_id: product for product in catalog.products}) == {
        "tee~Blue": ("Blue", 2),
        "tee~Red, dark": ("Red, dark", 2),
    }
    assert catalog.skipped == ({"variant": 1} if variations else {})


def test_a_parent_s_only_colour_is_that_of_its_variations() -> None:
    parent = '7,variable,tee,Tee,,,,,,Color,Red,Size,"S, M"'
    small = "8,variation,tee-s,Tee - S,,5,,,tee,Color,,Size,S"
    catalog = read("color", WOOCOMMERCE, parent, small, small.replace("8", "9"))
    assert [(product.product_id, product.line) for product in catalog.products] == [("tee~Red", 3)]
    assert catalog.skipped == {"parent": 1, "variant": 1}


def test_a_row_gives_all_the_products_that_it_lists_or_none() -> None:
    catalog = read(
        "color",
        WOOCOMMERCE,
        "6,simple,tee~Red,Other,,5,,,,,,,",
        '7,variable,tee,Tee,,5,,,,Color,"Blue, Red",,',
    )
    assert [product.product_id for product in catalog.products] == ["tee~Red"]
    assert reasons(catalog.rejected_rows) == [(3, "duplicate_id", "tee~Red")]


def test_variations_whose_parent_is_not_exported_have_no_product_to_be_a_colour_of() -> None:
    catalog = read("color", WOOCOMMERCE, "8,variation,a,A,,5,,,gone,Color,Red,,")
    assert (catalog.products, catalog.skipped) == ((), {"variant_without_parent": 1})
    assert "1 variations" in catalog.warnings[0]


# --- One set per colour: Magento, Google and others -----------------------------------------

MAGENTO_TEE = (
    f'A-S-Red,,simple,Tee-S-Red,,{HIDDEN},5,/red.jpg,"size=S,color=Red",,',
    f'A-M-Red,,simple,Tee-M-Red,,{HIDDEN},5,/red.jpg,"size=M,color=Red",,',
    f'A-M-Blue,,simple,Tee-M-Blue,,{HIDDEN},5,/blue.jpg,"size=M,color=Blue",,',
    "A-M-Blue,de,,Hemd-M-Blau,,,,,,,",
    f"strap,,simple,Strap,,{HIDDEN},2,,color=Black,,",
)
TEE = '"Catalog, Search",6,/tee.jpg,material=Wool'
BY_VARIATIONS = (
    f'A,,configurable,Tee,Soft,{TEE},"sku=A-S-Red,size=S,color=Red|sku=A-M-Red,size=M,color=Red|'
    'sku=A-M-Blue,size=M,color=Blue|sku=gone,size=M,color=Blue",'
)
BY_SKUS = f'A,,configurable,Tee,Soft,{TEE},,"A-S-Red,A-M-Red, A-M-Blue=1"'


@pytest.mark.parametrize("parent", [BY_VARIATIONS, BY_SKUS])
def test_magento_s_invisible_variants_are_their_parent_s_colours(parent: str) -> None:
    catalog = read("color", MAGENTO, *MAGENTO_TEE, parent, "A,de,,Hemd,,,,,,,")
    assert catalog.skipped == {"parent": 1, "not_visible": 2, "store_view": 2}
    red, blue = catalog.products
    assert (red.product_id, red.color, red.line, red.title) == ("A~Red", "Red", 2, "Tee")
    assert (red.image_url, red.material, red.description) == ("/red.jpg", "Wool", "Soft")
    assert (red.columns["size"], blue.columns["size"]) == ("", "M")
    assert (blue.product_id, blue.line, blue.price) == ("A~Blue", 4, "5")


def test_a_translation_s_colour_is_no_further_one() -> None:
    catalog = read(
        "color",
        MAGENTO,
        f"A,,simple,Tee,,{TEE},,".replace("material=Wool", "color=Red"),
        "A,de,,Hemd,,,,,color=Rot,,",
    )
    assert [product.product_id for product in catalog.products] == ["A~Red"]
    assert catalog.skipped == {"store_view": 1}


def test_the_parts_of_a_grouped_product_are_not_its_colours() -> None:
    part = f"strap,,simple,Strap,,{HIDDEN},2,,color=Black,,"
    group = 'set,,grouped,Set,,"Catalog, Search",,,,,strap=1'
    catalog = read("color", MAGENTO, part, group)
    assert [product.product_id for product in catalog.products] == ["set"]
    assert catalog.skipped == {"not_visible": 1}


def test_google_s_colours_are_told_by_their_own_rows_alone() -> None:
    catalog = read(
        "color",
        GOOGLE,
        "1,Tee Blue S,Soft,https://x/b.jpg,G,Blue,S,3,Tees",
        "2,Tee Red S,,,G,Red,,,",
        "3,Tee Red M,,,G,Red,M,,",
        "4,Tee,,,G,See product page,,,",
        "5,Cap,,,,Green,,,",
        "6,Belt,,,,,,,",
    )
    assert catalog.skipped == {"variant": 2}
    blue, red, cap, belt = catalog.products
    assert (blue.product_id, blue.color) == ("G~Blue", "Blue")
    assert (red.product_id, red.title, red.line) == ("G~Red", "Tee Red S", 3)
    assert (red.description, red.image_url, red.category) == ("Soft", "https://x/b.jpg", "Tees")
    assert (red.columns["size"], red.columns["sale_price"], red.columns["id"]) == ("", "", "2")
    assert (cap.product_id, belt.product_id) == ("5~Green", "6")


def test_any_other_export_s_rows_of_one_id_differ_by_colour() -> None:
    catalog = read("color", "id,title,colour", "1,Hat,Red", "1,Hat,Blue", "1,Hat,Red", "2,Cap,")
    assert [product.product_id for product in catalog.products] == ["1~Red", "1~Blue", "2"]
    assert reasons(catalog.rejected_rows) == [(4, "duplicate_id", "1~Red")]


@pytest.mark.parametrize("color", ["a...b", "x" * 255])
def test_a_colour_that_no_partition_can_be_named_by_is_rejected(color: str) -> None:
    catalog = read("color", "id,title,color", f"1,Hat,{color}", "1,Hat,Red")
    assert [product.product_id for product in catalog.products] == ["1~Red"]
    assert reasons(catalog.rejected_rows) == [(2, "unusable_id", f"1~{color}")]


@pytest.mark.parametrize("one_set_per", ["color", "row"])
def test_a_product_that_is_rejected_is_rejected_once_for_all_its_sets(
    one_set_per: OneSetPer,
) -> None:
    catalog = read(
        one_set_per,
        SHOPIFY,
        "tee,,,,Color,Blue,,,,9,,,,",
        "tee,,,,,Red,,,,9,,,,",
        "tee,,,,,,,,,,x,,,",
    )
    assert reasons(catalog.rejected_rows) == [(2, "no_title", "tee")]
    assert (catalog.products, catalog.skipped) == ((), {"variant": 1, "additional_image": 1})
