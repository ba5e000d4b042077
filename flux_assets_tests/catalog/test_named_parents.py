"""Rows that name their product in a shop's own way are its variants, and no others are."""

import pytest

from flux_assets.catalog import OneSetPer, read_catalog

SHOPTET = "code;pairCode;name;price;productVisibility;variant:Barva;variant:Velikost\n"
JTL = "Artikelnummer;Vaterartikel;Artikelname;Variationsname 1;Variationswert 1;Brutto-VK\n"


def titles(text: str, one_set_per: OneSetPer = "product") -> dict[str, str]:
    catalog = read_catalog(text.encode(), "export.csv", one_set_per=one_set_per)
    assert catalog.rejected_rows == ()
    return {product.product_id: product.title for product in catalog.products}


def test_rows_of_one_pair_code_are_one_product_also_where_others_stand_between() -> None:
    rows = "1/S;P;Tričko;;;;S\n2;;Hrnek;;;;\n1/M;P;Tričko;;;;M\n"
    assert titles(SHOPTET + rows) == {"1/S": "Tričko", "2": "Hrnek"}


@pytest.mark.parametrize("written", ["", " ", "-", "0", "NULL", "N/A"])
def test_products_without_a_pair_code_stay_apart(written: str) -> None:
    rows = f"1;{written};Tričko;;;;\n2;{written};Hrnek;;;;\n"
    assert titles(SHOPTET + rows) == {"1": "Tričko", "2": "Hrnek"}


@pytest.mark.parametrize(
    "rows",
    [
        "1564;;Váza;;;;\n61246/S;1564;Tričko;;;;S\n61246/M;1564;Tričko;;;;M\n",
        "61246/S;1564;Tričko;;;;S\n61246/M;1564;Tričko;;;;M\n1564;;Váza;;;;\n",
    ],
)
def test_a_pair_code_that_is_another_product_s_code_takes_nothing_of_it(rows: str) -> None:
    assert titles(SHOPTET + rows) == {"1564": "Váza", "61246/S": "Tričko"}


def test_a_first_variant_that_is_hidden_leaves_the_product_to_the_next() -> None:
    rows = "1/S;P;Tričko;;hidden;;S\n1/M;P;Tričko;;visible;;M\n"
    assert titles(SHOPTET + rows) == {"1/M": "Tričko"}


def test_each_colour_and_each_row_of_a_pair_code_can_have_its_pictures() -> None:
    rows = "1/S;P;Tričko;;;červená;S\n1/M;P;Tričko;;;červená;M\n1/B;P;Tričko;;;bílá;M\n"
    assert list(titles(SHOPTET + rows, "color")) == ["1/S~červená", "1/S~bílá"]
    assert list(titles(SHOPTET + rows, "row")) == ["1/S", "1/M", "1/B"]


def test_one_code_on_two_rows_without_a_pair_code_is_told() -> None:
    catalog = read_catalog((SHOPTET + "1;;Tričko;;;;\n1;;Hrnek;;;;\n").encode(), "export.csv")
    assert [product.title for product in catalog.products] == ["Tričko"]
    (row,) = catalog.rejected_rows
    assert (row.line, row.column, row.reason, row.product_id) == (3, "code", "duplicate_id", "1")


def test_variants_whose_parent_the_file_lacks_are_one_product() -> None:
    rows = "A1;A0;Hose S;Größe;S;\nA2;A0;Hose M;Größe;M;\nB1;B0;Hut;Farbe;rot;\n"
    assert titles(JTL + rows) == {"A1": "Hose S", "B1": "Hut"}


def test_a_parent_may_stand_below_its_variants() -> None:
    rows = "A1;A0;Hose S;Größe;S;\nA0;;Hose;Größe;;\nA2;A0;Hose M;Größe;M;\n"
    assert titles(JTL + rows) == {"A0": "Hose"}


@pytest.mark.parametrize(("is_one", "is_none"), [("Y", "N"), ("Ja", "Nein"), ("1", "0")])
def test_a_column_that_says_only_which_rows_are_parents_joins_nothing(
    is_one: str, is_none: str
) -> None:
    rows = f"A;{is_one};Hose;;;\nB;{is_one};Hut;;;\nC;{is_none};Tuch;;;\nD;{is_none};Schal;;;\n"
    assert titles(JTL + rows) == {"A": "Hose", "B": "Hut", "C": "Tuch", "D": "Schal"}


def test_a_parent_whose_id_is_a_word_for_yes_keeps_its_variants() -> None:
    rows = "1;;Hose;Größe;;\n1-S;1;Hose S;Größe;S;\n1-M;1;Hose M;Größe;M;\n"
    assert titles(JTL + rows) == {"1": "Hose"}


def test_the_main_variant_s_colour_is_one_of_the_product_s() -> None:
    header = "ordernumber;mainnumber;name;configuratorOptions\n"
    rows = "SW1;SW1;Kissen;Farbe:rot\nSW1.1;SW1;Kissen;Farbe:blau\n"
    assert list(titles(header + rows, "color")) == ["SW1~rot", "SW1~blau"]
    assert list(titles(header + rows, "row")) == ["SW1", "SW1.1"]


def test_options_that_stand_in_one_cell_are_parted_as_their_names_are() -> None:
    header = "OXID;OXPARENTID;OXARTNUM;OXTITLE;OXVARNAME;OXVARSELECT\n"
    rows = "x;;1;Kleid;Größe | Farbe;\nx1;x;1-1;;;S | Rot\nx2;x;1-2;;;M | Rot\n"
    (product,) = read_catalog((header + rows).encode(), "export.csv").products
    assert (product.product_id, product.color, product.columns["größe"]) == ("x", "Rot", "")
    catalog = read_catalog((header + rows).encode(), "export.csv", one_set_per="row")
    assert [product.columns.get("größe") for product in catalog.products[1:]] == ["S", "M"]


def test_more_values_than_names_in_one_cell_say_nothing() -> None:
    header = "OXID;OXPARENTID;OXARTNUM;OXTITLE;OXVARNAME;OXVARSELECT\n"
    rows = "x;;1;Kleid;Farbe;\nx1;x;1-1;;;S | Rot\n"
    (product,) = read_catalog((header + rows).encode(), "export.csv").products
    assert product.color == ""


@pytest.mark.parametrize(
    "header",
    [
        "Cikkszám;Szülő cikkszám;Terméknév",
        "code;parent_sku;name",
        "product-id;master-product-id;display-name",
        "ID;ID rodzica;Nazwa",
        "Kód;Kód nadřazeného produktu;Název",
        "Artikelnummer;Übergeordneter Artikel;Bezeichnung",
        "Référence;Référence du parent;Désignation",
    ],
)
def test_any_export_may_name_a_parent_in_its_words(header: str) -> None:
    rows = "S-1;;Póló\nS-1-1;S-1;Póló S\nS-1-2;S-1;Póló M\nS-2;;Bögre\n"
    assert titles(f"{header}\n{rows}") == {"S-1": "Póló", "S-2": "Bögre"}
