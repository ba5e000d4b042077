"""One file of each shop's form: what is a product, a variant, a draft, and its colour."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flux_assets.catalog import Catalog, OneSetPer, read_catalog

# `heureka` and `yandex` are the rows that an XML feed's items become.
FOLDER = Path(__file__).parents[1] / "fixtures" / "shop_exports"


@dataclass(frozen=True, kw_only=True)
class Export:
    """What must come out of a file: titles and more by id, and the rows that are skipped."""

    dialect: str
    titles: Mapping[str, str]
    colors: Mapping[str, str] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    materials: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)


def read(name: str, one_set_per: OneSetPer = "product") -> Catalog:
    data = (FOLDER / f"{name}.csv").read_bytes()
    catalog = read_catalog(data, f"{name}.csv", one_set_per=one_set_per)
    skipped = sum(catalog.skipped.values())
    lines = {product.line for product in catalog.products}
    assert catalog.rows == len(lines) + len(catalog.rejected_rows) + skipped
    return catalog


EXPORTS = {
    "wix": Export(
        dialect="wix",
        titles={"p_1": "Linen Shirt", "p_2": "Mug"},
        colors={"p_1": "", "p_2": "Green"},
        skipped={"variant": 2, "unpublished": 1},
    ),
    "wix_v3": Export(
        dialect="wix",
        titles={"tee": "Tee"},
        colors={"tee": "Rot"},
        skipped={"variant": 1, "additional_image": 1, "unpublished": 1},
        images={"tee": "https://img.example/t.jpg"},
    ),
    "bigcommerce": Export(
        dialect="bigcommerce",
        titles={"77": "Oak Stool"},
        colors={"77": ""},
        skipped={"variant": 2, "additional_image": 1, "no_product": 1, "unpublished": 2},
        images={"77": "https://img.example/os.jpg"},
    ),
    "bigcommerce_v2": Export(
        dialect="bigcommerce_v2",
        titles={"12": "Rain Coat"},
        colors={"12": "Olive"},
        skipped={"variant": 2, "no_product": 1, "unpublished": 1},
    ),
    "squarespace": Export(
        dialect="squarespace",
        titles={"5f1": "Tall Vase"},
        colors={"5f1": "Sand"},
        skipped={"variant": 1, "unpublished": 2},
    ),
    "shopify_2026": Export(
        dialect="shopify",
        titles={"scarf": "Scarf", "hat": "Hat", "tie": "Tie"},
        colors={"scarf": "navy", "hat": "", "tie": "Red"},
        skipped={"variant": 1, "unpublished": 1},
        materials={"scarf": "wool", "tie": "silk"},
    ),
    "magento_with_fields_enclosure": Export(
        dialect="magento",
        titles={"T": "Tee", "C": "Cap"},
        colors={"T": "", "C": "Red"},
        skipped={"not_visible": 1, "unpublished": 1},
        materials={"T": "Cotton, Linen", "C": "Wool"},
        categories={"T": "Tees", "C": "Caps"},
    ),
    "prestashop_grid": Export(
        dialect="prestashop",
        titles={"1": "Hummingbird Mug"},
        skipped={"unpublished": 1},
        images={"1": "https://img.example/1.jpg"},
        categories={"1": "Mugs"},
    ),
    "prestashop_grid_in_french": Export(
        dialect="prestashop",
        titles={"1": "Tasse"},
        skipped={"unpublished": 1},
        categories={"1": "Tasses"},
    ),
    "etsy": Export(
        dialect="etsy",
        titles={"BOWL": "Clay Bowl", "CUP": "Clay Cup"},
        colors={"BOWL": "", "CUP": "Sand"},
        images={"CUP": "https://img.example/c.jpg"},
        materials={"CUP": "Stoneware"},
    ),
    "ebay": Export(
        dialect="ebay",
        titles={"EB-1": "Wool Jumper", "EB-2": "Scarf"},
        colors={"EB-1": "", "EB-2": "Red"},
        skipped={"variant": 2, "unpublished": 1},
        materials={"EB-1": "Wool", "EB-2": "Silk"},
    ),
    "amazon": Export(
        dialect="amazon",
        titles={"AP": "Oxford Shirt", "AM": "Mug"},
        colors={"AP": "White", "AM": "Red"},
        skipped={"variant": 2, "unpublished": 1},
        materials={"AP": "Cotton", "AM": "Clay"},
    ),
    "amazon_2024": Export(
        dialect="amazon",
        titles={"NP": "Leinenhemd"},
        colors={"NP": ""},
        skipped={"variant": 2},
        images={"NP": "https://img.example/l.jpg"},
    ),
    "meta": Export(
        dialect="meta",
        titles={"G": "Oak Tray L", "3": "Board"},
        colors={"G": "Oak", "3": "Ash"},
        skipped={"unpublished": 2},
    ),
    "medusa_v1": Export(
        dialect="medusa",
        titles={"p1": "Cap"},
        colors={"p1": "Fir"},
        skipped={"variant": 1, "unpublished": 1},
        images={"p1": "https://img.example/c.jpg"},
    ),
    "shopware": Export(
        dialect="shopware",
        titles={"a1": "Teppich"},
        colors={"a1": "Grau"},
        skipped={"variant": 2, "unpublished": 1},
    ),
    "shopware5": Export(
        dialect="shopware5",
        titles={"SW100": "Teppich", "SW200": "Becher", "SW300": "Kissen"},
        colors={"SW100": "grau", "SW200": "", "SW300": ""},
        skipped={"variant": 2, "unpublished": 1},
        images={"SW100": "https://img.example/t.jpg"},
        categories={"SW100": ""},
    ),
    "akeneo_models": Export(
        dialect="akeneo",
        titles={"ak-1": "Tee, red", "ak-3": "Mütze"},
        colors={"ak-1": "red", "ak-3": "blue"},
        skipped={"variant": 1, "unpublished": 1},
    ),
    "pimcore": Export(
        dialect="pimcore",
        titles={"2": "Oak Bench"},
        colors={"2": "Natural"},
        skipped={"variant": 1, "no_product": 1, "unpublished": 1},
    ),
    "opencart": Export(
        dialect="opencart",
        titles={"28": "Phone"},
        skipped={"unpublished": 1},
        images={"28": "catalog/p.jpg"},
        categories={"28": ""},
    ),
    "ecwid": Export(
        dialect="ecwid",
        titles={"501": "Felt Bag"},
        colors={"501": "Grey"},
        skipped={"variant": 1, "no_product": 1, "unpublished": 1},
    ),
    "square": Export(
        dialect="square",
        titles={"TK1": "Beeswax Candle"},
        colors={"TK1": "Honey"},
        skipped={"variant": 1, "unpublished": 2},
    ),
    "lightspeed": Export(
        dialect="lightspeed",
        titles={"sock": "Wool Sock"},
        colors={"sock": "Rust"},
        skipped={"variant": 1, "unpublished": 1},
    ),
    "lightspeed_ecom": Export(
        dialect="lightspeed_ecom",
        titles={"9": "Bag"},
        colors={"9": "Tan"},
        skipped={"variant": 1, "unpublished": 1},
    ),
    "idealo": Export(
        dialect="idealo",
        titles={"I1": "Garderobe"},
        colors={"I1": "Natur"},
        images={"I1": "https://img.example/g.jpg"},
        materials={"I1": "Eiche"},
        categories={"I1": "Möbel > Flur"},
    ),
    "heureka_items_as_rows": Export(
        dialect="heureka",
        titles={"G1": "Tričko", "H3": "Čepice"},
        colors={"G1": "červená", "H3": "modrá"},
        skipped={"variant": 1},
    ),
    "yandex_offers_as_rows": Export(
        dialect="yandex",
        titles={"10": "Шарф"},
        colors={"10": "синий"},
        skipped={"variant": 1},
    ),
    "shoptet": Export(
        dialect="shoptet",
        titles={
            "61246/S": "Tričko s límečkem",
            "649": "Dřevěný podnos",
            "1564": "Skleněná váza",
            "700/M": "Čepice",
        },
        colors={"61246/S": "červená", "1564": "modrá", "700/M": "zelená"},
        skipped={"variant": 1, "unpublished": 3},
        images={"61246/S": "https://img.example/t.jpg"},
    ),
    "nody": Export(
        dialect="shoptet",
        titles={"C-1": "Hrnek", "C-3": "Talíř"},
        skipped={"variant": 1, "unpublished": 1},
        images={"C-1": "https://img.example/h.jpg"},
        categories={"C-1": "Kuchyně"},
    ),
    "upgates": Export(
        dialect="upgates",
        titles={"P1": "Zástěra", "P2": "Hrnek"},
        colors={"P1": "šedá", "P2": "žlutá"},
        skipped={"variant": 2, "unpublished": 1},
        images={"P1": "https://img.example/z.jpg"},
    ),
    "epages": Export(
        dialect="epages",
        titles={"A-1": "Leinenhemd", "A-2": "Mug"},
        skipped={"variant": 2, "unpublished": 1},
        images={"A-1": "hemd.jpg", "A-2": "becher.jpg"},
    ),
    "jtl": Export(
        dialect="jtl",
        titles={"A100": "Leinenhemd", "A200": "Becher", "A301": "Schürze, blau"},
        colors={"A100": "Weiß", "A200": "", "A301": "Blau"},
        skipped={"variant": 3, "unpublished": 1},
        images={"A100": "https://img.example/l.jpg"},
        categories={"A200": "Küche"},
    ),
    "jtl_with_value_names": Export(
        dialect="jtl",
        titles={"0001": "Wollsocken", "0002-b-s": "Mütze, blau"},
        colors={"0001": "rot", "0002-b-s": ""},
        skipped={"variant": 3},
    ),
    "oxid": Export(
        dialect="oxid",
        titles={"x1": "Kleid", "x2": "Tasse"},
        colors={"x1": "Rot", "x2": ""},
        skipped={"variant": 2, "unpublished": 1},
        images={"x1": "kleid.jpg"},
    ),
    "xtcommerce": Export(
        dialect="xtcommerce",
        titles={"1": "Linen shirt", "4": "Mug"},
        colors={"1": "Rot"},
        skipped={"variant": 2, "unpublished": 1},
        images={"1": "hemd.jpg"},
    ),
    "gambio": Export(
        dialect="gambio",
        titles={"1": "Linen shirt", "2": "Becher"},
        skipped={"unpublished": 1},
        images={"2": "becher.jpg"},
        categories={"1": "Hemden"},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_a_shop_s_export_is_read_as_the_shop_means_it(name: str) -> None:
    export = EXPORTS[name]
    catalog = read(name)
    assert catalog.dialect == export.dialect
    assert catalog.rejected_rows == ()
    products = {product.product_id: product for product in catalog.products}
    assert {it: product.title for it, product in products.items()} == export.titles
    assert {it: products[it].color for it in export.colors} == export.colors
    assert catalog.skipped == export.skipped
    assert {it: products[it].material for it in export.materials} == export.materials
    assert {it: products[it].category for it in export.categories} == export.categories
    assert {it: products[it].image_url for it in export.images} == export.images


@pytest.mark.parametrize("one_set_per", ["color", "row"])
@pytest.mark.parametrize("name", EXPORTS)
def test_nothing_but_products_and_variants_starts_a_set(name: str, one_set_per: OneSetPer) -> None:
    export = EXPORTS[name]
    catalog = read(name, one_set_per)
    assert catalog.rejected_rows == ()
    titles = {product.title for product in catalog.products}
    assert not any("[" in title or "Old" in title for title in titles)
    assert catalog.skipped.get("no_product", 0) == export.skipped.get("no_product", 0)
    assert len(catalog.products) >= len(export.titles)
