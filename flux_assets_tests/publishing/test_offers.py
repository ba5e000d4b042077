"""A channel knows offers by the export's own ids, and only those get pictures that show them."""

import json
from pathlib import Path
from typing import get_args

import pytest

from flux_assets.catalog import OneSetPer, read_catalog
from flux_assets.catalog.offers import read_offers
from flux_assets.publishing.channels import Feed
from flux_assets.publishing.channels_schema import FeedFormat
from flux_assets.publishing.offers import ChannelOffers, build_offers

GOOGLE = """id\ttitle\tlink\timage_link\titem_group_id\tcolor\tsize
tee-r-s\tTee\thttps://x.invalid/1\thttps://x.invalid/1.jpg\ttee\tred\tS
tee-r-m\tTee\thttps://x.invalid/1\thttps://x.invalid/1.jpg\ttee\tRed\tM
tee-b-s\tTee\thttps://x.invalid/1\thttps://x.invalid/2.jpg\ttee\tblue\tS
tee-any\tTee\thttps://x.invalid/1\thttps://x.invalid/1.jpg\ttee\t\tS
=1+1\tMug\thttps://x.invalid/2\thttps://x.invalid/3.jpg\t\t\t
00123\tCup\thttps://x.invalid/3\thttps://x.invalid/4.jpg\t\twhite\t
"""
SHOPIFY = """Handle,Title,Body (HTML),Vendor,Option1 Name,Option1 Value,Variant SKU,Image Src
tee,"The <b>""big""</b> tee, =new",x,ACME,Color,Red,T-R,https://x.invalid/1.jpg
tee,,,,,Blue,T-B,https://x.invalid/2.jpg
tee,,,,,,,https://x.invalid/3.jpg
mug,"  Mug  ",x,ACME,Title,Default Title,M-1,https://x.invalid/4.jpg
"""
WOOCOMMERCE = """ID,Type,SKU,Name,Published,Parent,Attribute 1 name,Attribute 1 value(s)
10,variable,TEE,Tee,1,,Color,"Red, Blue"
11,variation,TEE-R,Tee - Red,1,TEE,Color,Red
12,variation,TEE-B,Tee - Blue,1,TEE,Color,Blue
13,simple,MUG,Mug,1,,,
"""


def offers_of(
    text: str,
    feed_format: FeedFormat = "google_tsv",
    *,
    offer_id: str = "",
    one_set_per: OneSetPer = "product",
) -> ChannelOffers:
    rows = read_offers(text.encode(), "export.txt", one_set_per=one_set_per)
    return build_offers(rows, {"it": Feed(format=feed_format, offer_id=offer_id)})["it"]


def ids(found: ChannelOffers) -> dict[str, list[str]]:
    return {name: [it.offer_id for it in offers] for name, offers in found.by_product.items()}


def left_out(found: ChannelOffers) -> list[tuple[str, str]]:
    return [(it.offer_id, it.reason) for it in found.left_out]


def test_google_knows_rows_by_their_id_below_our_group() -> None:
    found = offers_of(GOOGLE)
    assert ids(found) == {
        "tee": ["tee-r-s", "tee-r-m", "tee-any"],
        "=1+1": ["=1+1"],
        "00123": ["00123"],
    }


def test_an_offer_of_another_colour_gets_no_picture_and_is_named() -> None:
    (it,) = offers_of(GOOGLE).left_out
    assert (it.product_id, it.line, it.offer_id, it.reason) == ("tee", 4, "tee-b-s", "other_color")
    assert "its colour is 'blue', and 'red' is pictured" in it.problem
    assert "one_set_per: color" in it.problem


def test_with_pictures_of_each_colour_each_offer_gets_its_own() -> None:
    found = offers_of(GOOGLE, one_set_per="color")
    assert ids(found)["tee~red"] == ["tee-r-s", "tee-r-m"]
    assert ids(found)["tee~blue"] == ["tee-b-s"]
    assert left_out(found) == []


def test_with_pictures_of_each_row_each_offer_gets_its_own() -> None:
    found = offers_of(GOOGLE, one_set_per="row")
    assert ids(found)["tee-b-s"] == ["tee-b-s"]
    assert len(found.by_product) == 6


def test_shopify_knows_products_by_handle_with_the_titles_cell_as_it_stands() -> None:
    found = offers_of(SHOPIFY, "shopify_csv")
    assert ids(found) == {"tee": ["tee"], "mug": ["mug"]}
    assert found.by_product["tee"][0].title == 'The <b>"big"</b> tee, =new'
    assert found.by_product["mug"][0].title == "  Mug  "
    assert left_out(found) == []


def test_a_template_names_channels_ids_that_the_export_writes_elsewhere() -> None:
    found = offers_of(SHOPIFY, offer_id="{{ variant_sku }}")
    assert ids(found) == {"tee": ["T-R"], "mug": ["M-1"]}
    assert left_out(found) == [("T-B", "other_color")]
    found = offers_of(GOOGLE, offer_id="shop_{{ id }}")
    assert "shop_tee-r-s" in ids(found)["tee"]


def test_a_template_that_names_no_column_is_told_for_each_row() -> None:
    found = offers_of(GOOGLE, offer_id="{{ variant_sku }}")
    assert (ids(found), len(found.left_out)) == ({}, 6)
    assert "variant_sku" in found.left_out[0].problem


def test_where_nobody_knows_which_colour_is_pictured_no_coloured_row_gets_it() -> None:
    found = offers_of(WOOCOMMERCE)
    assert set(left_out(found)) == {("TEE-R", "unknown_color"), ("TEE-B", "unknown_color")}
    assert ids(found)["MUG"] == ["MUG"]
    of_colors = offers_of(WOOCOMMERCE, one_set_per="color")
    assert sorted(ids(of_colors).values()) == [["MUG"], ["TEE-B"], ["TEE-R"]]


def test_an_id_of_several_products_is_nobodys() -> None:
    text = "Handle,Title,Body (HTML),Variant SKU,Image Src\na,A,x,S-1,\nb,B,x,S-1,\nc,C,x,S-2,\n"
    found = offers_of(text, "jsonl")
    assert ids(found) == {"c": ["S-2"]}
    assert left_out(found) == [("S-1", "several_products")]


@pytest.mark.parametrize("one_set_per", ["product", "color", "row"])
@pytest.mark.parametrize("text", [GOOGLE, SHOPIFY, WOOCOMMERCE])
def test_offers_are_of_the_very_products_that_the_catalog_has(
    text: str, one_set_per: OneSetPer
) -> None:
    catalog = read_catalog(text.encode(), "export.txt", one_set_per=one_set_per)
    rows = read_offers(text.encode(), "export.txt", one_set_per=one_set_per)
    assert {it.product.product_id for it in rows} <= {it.product_id for it in catalog.products}


def test_ids_keep_the_letters_that_the_export_wrote() -> None:
    decomposed = "gro\u0308\u00dfe"
    text = (
        f'id\ttitle\timage_link\n{decomposed}\tMug\thttps://x.invalid/1.jpg\n"=""0042"""\tCup\t\n'
    )
    assert [*ids(offers_of(text)).values()] == [[decomposed], ["0042"]]


def variants(*ids: str) -> str:
    rows = [
        {"id": it, "item_group_id": "g", "title": "Mug", "image_link": "https://x.invalid/1.jpg"}
        for it in ids
    ]
    return json.dumps(rows)


@pytest.mark.parametrize("feed_format", get_args(FeedFormat))
def test_an_id_that_no_file_can_have_is_left_out_with_its_line_and_the_others_are_written(
    feed_format: FeedFormat,
) -> None:
    found = offers_of(variants("1", "2\ud800", "3"), feed_format, offer_id="{{ id }}")
    assert ids(found) == {"g": ["1", "3"]}
    (left,) = found.left_out
    assert (left.reason, left.offer_id, left.line) == ("unusable_id", "2\ufffd", 1)
    assert r"'2\ud800' has half a character" in left.problem


@pytest.mark.parametrize("sign", ["\x01", "\x1f", "\ufffe", "\x00"])
def test_an_id_that_no_xml_can_have_is_left_out_of_xml_alone(sign: str) -> None:
    text = variants("1", f"a{sign}b")
    found = offers_of(text, "google_xml")
    assert (ids(found), left_out(found)) == ({"g": ["1"]}, [(f"a{sign}b", "unusable_id")])
    assert left_out(offers_of(text, "google_tsv")) == []


def test_half_a_character_in_a_title_is_replaced() -> None:
    text = json.dumps({"products": [{"id": 1, "handle": "mug", "title": "Mug \ud83d!"}]})
    (offers,) = offers_of(text, "shopify_csv", offer_id="{{ handle }}").by_product.values()
    assert [it.title for it in offers] == ["Mug \ufffd!"]


EXPORTS = sorted((Path(__file__).parents[1] / "fixtures" / "shop_exports").iterdir())


@pytest.mark.parametrize("path", EXPORTS, ids=lambda path: path.name)
def test_each_product_of_any_shops_export_has_offers_or_is_named(path: Path) -> None:
    catalog = read_catalog(path.read_bytes(), path.name)
    feeds = {"google": Feed(format="google_tsv"), "shopify": Feed(format="shopify_csv")}
    for found in build_offers(read_offers(path.read_bytes(), path.name), feeds).values():
        named = {it.product_id for it in found.left_out} | set(found.by_product)
        assert named == {it.product_id for it in catalog.products}
