"""Rows in another order than the shop wrote them, as a sorted sheet has them, lose no product."""

from itertools import permutations

import pytest

from flux_assets.catalog import Catalog, read_catalog

SHOPIFY = "Handle,Title,Body (HTML),Option1 Name,Option1 Value,Variant Price,Image Src,Status"
MAGENTO = "sku,store_view_code,name,product_online,visibility,additional_attributes"


def read(*rows: str) -> Catalog:
    catalog = read_catalog("\n".join(rows).encode(), "export.csv")
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    assert catalog.rejected_rows == ()
    return catalog


@pytest.mark.parametrize(
    "rows",
    list(
        permutations(
            (
                "tee,Tee,A tee.,Color,Red,9,https://x/1.jpg,active",
                "tee,,,,Blue,9,https://x/2.jpg,",
                "tee,,,,,,https://x/3.jpg,",
            )
        )
    ),
)
def test_the_row_with_the_title_describes_a_shopify_product(rows: tuple[str, ...]) -> None:
    catalog = read(SHOPIFY, *rows, "cap,Cap,A cap.,Title,Default Title,9,,active")
    assert {it.product_id: it.title for it in catalog.products} == {"tee": "Tee", "cap": "Cap"}
    (tee,) = (it for it in catalog.products if it.product_id == "tee")
    assert (tee.description, tee.color, tee.image_url) == ("A tee.", "", "https://x/1.jpg")
    assert catalog.skipped == {"variant": 1, "additional_image": 1}


@pytest.mark.parametrize("is_titled_first", [True, False])
def test_a_draft_is_one_whichever_row_says_so(is_titled_first: bool) -> None:  # noqa: FBT001 - a case
    rows = ["tee,Tee,A tee.,Color,Red,9,,draft", "tee,,,,Blue,9,,"]
    catalog = read(SHOPIFY, *(rows if is_titled_first else reversed(rows)))
    assert (catalog.products, catalog.skipped) == ((), {"unpublished": 2})


@pytest.mark.parametrize(
    "rows",
    list(
        permutations(
            (
                'C,,Cap,1,"Catalog, Search",color=Blue',
                "C,de,Kappe,,,color=Blau",
                "C,fr,Casquette,,,",
            )
        )
    ),
)
def test_a_store_view_translates_a_magento_product_wherever_it_stands(
    rows: tuple[str, ...],
) -> None:
    (product,) = read(MAGENTO, *rows).products
    assert (product.title, product.color) == ("Cap", "Blue")


def test_a_store_view_without_its_product_stands_for_it() -> None:
    catalog = read(MAGENTO, "C,de,Kappe,,,", "C,fr,Casquette,,,")
    assert [it.title for it in catalog.products] == ["Kappe"]


def test_a_second_product_of_an_id_is_rejected_behind_its_store_view() -> None:
    rows = ("C,de,Kappe,,,", "C,,Cap,1,,", "C,,Other,1,,")
    catalog = read_catalog("\n".join((MAGENTO, *rows)).encode(), "export.csv")
    assert [it.title for it in catalog.products] == ["Cap"]
    assert [(it.line, it.reason) for it in catalog.rejected_rows] == [(4, "duplicate_id")]


GOOGLE = "id,item_group_id,title,color,image_link"


@pytest.mark.parametrize(
    "rows",
    list(
        permutations(
            (
                "12,,Tee,,https://x/12.jpg",
                "26,12,Tee - Red,Red,https://x/26.jpg",
                "27,12,Tee - Blue,Blue,https://x/27.jpg",
            )
        )
    ),
)
def test_a_feed_s_parent_describes_its_product_wherever_it_stands(rows: tuple[str, ...]) -> None:
    catalog = read(GOOGLE, *rows, "30,,Poster,Black,https://x/30.jpg")
    tee, poster = sorted(catalog.products, key=lambda it: it.product_id)
    assert (tee.product_id, tee.title, tee.color) == ("12", "Tee", "")
    assert (tee.image_url, poster.title) == ("https://x/12.jpg", "Poster")
    assert catalog.skipped == {"variant": 2}


@pytest.mark.parametrize("none", ["0", " 0 ", "-", "N/A", ""])
def test_a_group_or_a_parent_called_0_is_none(none: str) -> None:
    feed = read(GOOGLE, f"1,{none},Pot,,https://x/1.jpg", f"2,{none},Pan,,https://x/2.jpg")
    assert [it.product_id for it in feed.products] == ["1", "2"]
    rows = (f"1,{none},Pot", f"2,{none},Pan", "3,2,Pan - Red")
    table = read_catalog(
        "\n".join(("id,belongs,title", *rows)).encode(), "a.csv", columns={"parent": "belongs"}
    )
    assert [it.product_id for it in table.products] == ["1", "2"]
