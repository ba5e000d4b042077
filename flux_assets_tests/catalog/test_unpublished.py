"""Drafts, archived and unpublished products are no products, unless they are asked for."""

import pytest

from flux_assets.catalog import Catalog, OneSetPer, read_catalog

SHOPIFY = "Handle,Title,Published,Status,Option1 Name,Option1 Value,Variant Price,Image Src"
WOOCOMMERCE = (
    "ID,Type,SKU,Name,Published,Visibility in catalog,Regular price,Parent,"
    "Attribute 1 name,Attribute 1 value(s)"
)
MAGENTO = (
    "sku,store_view_code,name,product_online,visibility,additional_attributes,"
    "configurable_variations"
)
HIDDEN = "Not Visible Individually"


def read(
    *rows: str,
    one_set_per: OneSetPer = "product",
    include_unpublished: bool = False,
    **columns: str | None,
) -> Catalog:
    catalog = read_catalog(
        "\n".join(rows).encode(),
        "export.csv",
        columns=columns,
        one_set_per=one_set_per,
        include_unpublished=include_unpublished,
    )
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    return catalog


def ids(catalog: Catalog) -> list[str]:
    assert catalog.rejected_rows == ()
    return [product.product_id for product in catalog.products]


@pytest.mark.parametrize(
    ("published", "status", "taken"),
    [
        ("true", "active", ["tee"]),
        ("TRUE", "", ["tee"]),
        ("", "Active", ["tee"]),
        ("true", "unlisted", ["tee"]),
        ("true", "draft", []),
        ("true", "Archived", []),
        ("false", "active", []),
        ("FALSE", "", []),
    ],
)
def test_shopify_tells_it_by_status_or_published(
    published: str, status: str, taken: list[str]
) -> None:
    catalog = read(SHOPIFY, f"tee,Tee,{published},{status},Color,Red,9,")
    assert ids(catalog) == taken
    assert catalog.skipped == ({} if taken else {"unpublished": 1})


def test_the_newer_shopify_header_tells_it_too() -> None:
    header = "Title,URL handle,Published on online store,Status,Price"
    assert ids(read(header, "Tee,tee,TRUE,Active,9", "Cap,cap,FALSE,Active,9")) == ["tee"]


@pytest.mark.parametrize("one_set_per", ["product", "color", "row"])
def test_all_rows_of_an_unpublished_product_go_with_it(one_set_per: OneSetPer) -> None:
    rows = (
        "tee,Tee,true,draft,Color,Red,9,",
        "tee,,,,,Blue,9,",
        "cap,Cap,true,active,,,5,",
        "tee,,,,,,,https://x/2.jpg",
    )
    catalog = read(SHOPIFY, *rows, one_set_per=one_set_per)
    assert (ids(catalog), catalog.skipped) == (["cap"], {"unpublished": 3})
    everything = read(SHOPIFY, *rows, one_set_per=one_set_per, include_unpublished=True)
    assert len(everything.products) == (2 if one_set_per == "product" else 3)
    assert "unpublished" not in everything.skipped


def test_a_draft_is_not_rejected_for_what_it_lacks_yet() -> None:
    catalog = read("id,title,status", ",,draft", "1,,draft", "1,Hat,draft", "1,Hat,active")
    assert (ids(catalog), catalog.skipped) == (["1"], {"unpublished": 3})
    assert catalog.products[0].line == 5


def test_a_row_without_an_id_belongs_to_no_draft_without_one() -> None:
    catalog = read(SHOPIFY, ",Tee,true,draft,,,9,", ",Cap,true,active,,,5,")
    assert catalog.skipped == {"unpublished": 1}
    assert [(row.line, row.reason) for row in catalog.rejected_rows] == [(3, "no_id")]


@pytest.mark.parametrize("one_set_per", ["product", "color", "row"])
@pytest.mark.parametrize("published", ["0", "-1"])
def test_a_private_or_draft_woocommerce_product_takes_its_variations_along(
    published: str, one_set_per: OneSetPer
) -> None:
    rows = (
        "8,variation,tee-red,Tee - Red,1,visible,5,tee,Color,Red",
        f'7,variable,tee,Tee,{published},visible,,,Color,"Red, Blue"',
        "9,simple,cap,Cap,1,visible,4,,,",
    )
    catalog = read(WOOCOMMERCE, *rows, one_set_per=one_set_per)
    assert (ids(catalog), catalog.skipped) == (["cap"], {"unpublished": 2})


def test_a_hidden_woocommerce_product_is_sold_by_link_or_in_a_bundle() -> None:
    assert ids(read(WOOCOMMERCE, "9,simple,cap,Cap,1,hidden,4,,,")) == ["cap"]


def test_a_variation_that_is_switched_off_has_no_say_in_the_product_s_colour() -> None:
    rows = (
        "7,variable,tee,Tee,1,visible,,,Color,",
        "8,variation,tee-red,Tee - Red,0,visible,5,tee,Color,Red",
        "9,variation,tee-blue,Tee - Blue,1,visible,5,tee,Color,Blue",
        "10,variation,hat-red,Hat - Red,-1,visible,5,gone,Color,Red",
    )
    catalog = read(WOOCOMMERCE, *rows)
    assert (catalog.products[0].color, catalog.warnings) == ("Blue", ())
    assert catalog.skipped == {"unpublished": 2, "variant": 1}
    assert ids(read(WOOCOMMERCE, *rows, one_set_per="color")) == ["tee~Blue"]
    assert ids(read(WOOCOMMERCE, *rows, one_set_per="row")) == ["tee", "tee-blue"]


@pytest.mark.parametrize("online", ["2", "0"])
def test_a_disabled_magento_product_takes_its_variants_along(online: str) -> None:
    rows = (
        f"A-S,,Tee-S,1,{HIDDEN},color=Red,",
        f'A,,Tee,{online},"Catalog, Search",,"sku=A-S,color=Red"',
        "A,de,Hemd,,,,",
        f"B-S,,Cap-S,{online},{HIDDEN},color=Red,",
        'B,,Cap,1,"Catalog, Search",,"sku=B-S,color=Red"',
    )
    catalog = read(MAGENTO, *rows, one_set_per="row")
    assert (ids(catalog), catalog.skipped) == (["B"], {"unpublished": 4})
    assert ids(read(MAGENTO, *rows)) == ["B"]


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)])
def test_a_variant_of_two_magento_products_is_sold_with_the_one_that_is_on(order: slice) -> None:
    variant = f"V,,Tee-S,1,{HIDDEN},color=Red,"
    disabled = 'A,,Tee,2,"Catalog, Search",,"sku=V,color=Red"'
    enabled = 'B,,Tee,1,"Catalog, Search",,"sku=V,color=Red"'
    catalog = read(MAGENTO, variant, *[disabled, enabled][order], one_set_per="color")
    assert ids(catalog) == ["B~Red"]


def test_prestashop_s_inactive_products_are_left_out() -> None:
    header = "id;Active (0/1);Name*;Price tax excl."
    catalog = read(header, "7;1;Mug;4", "8;0;Cup;4")
    assert (ids(catalog), catalog.skipped) == (["7"], {"unpublished": 1})


def test_what_google_calls_out_of_stock_is_published() -> None:
    header = "id,title,image_link,availability,status"
    assert ids(read(header, "1,Tee,,out of stock,", "2,Cap,,in stock,draft")) == ["1"]


@pytest.mark.parametrize("column", ["status", "Published", "ACTIVE", "enabled"])
@pytest.mark.parametrize(
    "value", ["draft", "Archived", "unpublished", "inactive", "disabled", "0", "false", " No "]
)
def test_any_other_export_may_tell_it_in_one_of_four_columns(column: str, value: str) -> None:
    catalog = read(f"id,title,{column}", f"1,Hat,{value}", "2,Cap,1", "3,Tie,new in", "4,Belt,")
    assert (ids(catalog), catalog.skipped) == (["2", "3", "4"], {"unpublished": 1})


def test_a_column_that_means_something_else_can_be_said_to() -> None:
    rows = ("id,title,status,is_active", "1,Hat,draft,1", "2,Cap,new,0")
    assert ids(read(*rows)) == []
    assert ids(read(*rows, status=None)) == ["1"]
    assert ids(read(*rows, published=None)) == ["1", "2"]
