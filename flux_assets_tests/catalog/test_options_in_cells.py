"""What stands around the values of a colour, a material or another option is none of them."""

import pytest

from flux_assets.catalog import Product, read_catalog
from flux_assets.catalog.lists import join_values, split_list
from flux_assets.catalog.nothing import says_nothing

SHOPIFY = "Handle,Title,Option1 Name,Option1 Value,Variant Price"


def quote(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def read_one(header: str, *cells: str) -> Product:
    data = f"{header}\n{','.join(map(quote, cells))}\n".encode()
    (product,) = read_catalog(data, "export.csv").products
    return product


SURCHARGES = (
    *("(+5.00 €)", "(+$5.00)", "[+5 EUR]", "(+ 5,00 EUR)", "(5 €)", "+$20", "+ 20 €", "(-5.00 $)"),
    *("(+99 zł)", "(+1,250.00 USD)"),
)


@pytest.mark.parametrize("surcharge", SURCHARGES)
def test_a_surcharge_is_no_colour_material_or_option(surcharge: str) -> None:
    for value in (f"Gold {surcharge}", f"Gold{surcharge}"):
        plain = read_one("sku,title,color,material,finish", "A", "Ring", value, value, value)
        found = (plain.color, plain.material, plain.columns["finish"])
        assert found == ("Gold", "Gold", "Gold")
        assert read_one(SHOPIFY, "a", "Ring", "Color", value, "9").color == "Gold"
        assert read_one(SHOPIFY, "a", "Ring", "Chain", value, "9").columns["chain"] == "Gold"


@pytest.mark.parametrize("value", ["Red (matte)", "Gold (585)", "Grey (2 tones)", "Lens +2.5"])
def test_what_is_of_an_option_stays(value: str) -> None:
    assert read_one(SHOPIFY, "a", "Ring", "Chain", value, "9").columns["chain"] == value


@pytest.mark.parametrize(
    "sign",
    ["|", ";", ", ", "\n", "\t", "\u2028", " / ", " • ", "•", " · ", "::", "^", "~", " ~ ", "、"],
)
def test_values_are_parted_by_any_sign(sign: str) -> None:
    assert split_list(f"Wool{sign}Steel") == ["Wool", "Steel"]
    assert read_one("sku,title,color", "A", "Hat", f"Red{sign}Blue").color == ""


@pytest.mark.parametrize("value", ["Red/Blue", "Black & White", "~80% wool", "Col·lapse", "1,5 mm"])
def test_one_value_is_no_list(value: str) -> None:
    assert split_list(value) == [value]


@pytest.mark.parametrize(
    "cell",
    [
        'a:2:{i:0;s:4:"Wood";i:1;s:5:"Steel";}',
        "{Wood,Steel}",
        '{"Wood","Steel"}',
        '["Wood", "Steel"]',
        "['Wood', 'Steel']",
    ],
)
def test_a_list_as_programs_store_it_reads_as_words(cell: str) -> None:
    assert join_values(cell) == "Wood, Steel"
    product = read_one("sku,title,color,material,category", "A", "Hat", cell, cell, cell)
    assert (product.color, product.material) == ("", "Wood, Steel")
    assert product.category == "Wood > Steel"


@pytest.mark.parametrize("cell", ["a:0:{}", "{}", "[]"])
def test_an_empty_list_says_nothing(cell: str) -> None:
    product = read_one("sku,title,color,material,category", "A", "Hat", cell, cell, cell)
    assert (product.color, product.material, product.category) == ("", "", "")


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("color", "Color: Red"),
        ("Farbe", "Farbe: Red"),
        ("color", "Colour : Red"),
        ("couleur", "Coloris: Red"),
    ],
)
def test_a_column_s_name_in_its_cell_is_no_colour(column: str, cell: str) -> None:
    assert read_one(f"sku,title,{column}", "A", "Hat", cell).color == "Red"


def test_a_material_without_its_label() -> None:
    product = read_one("sku,title,material,color", "A", "Hat", "Material: Wool|Silk", "Wool: Red")
    assert (product.material, product.color) == ("Wool, Silk", "Wool: Red")


@pytest.mark.parametrize(
    ("cell", "color"), [("Red{#FF0000}", "Red"), ("Red {#1A2B3C}", "Red"), ("{#FF0000}", "red")]
)
def test_a_code_in_braces_leaves_none(cell: str, color: str) -> None:
    assert read_one("sku,title,color", "A", "Hat", cell).color == color


@pytest.mark.parametrize(
    "cell",
    [
        "-- Bitte wählen --",
        "--- Please Select ---",
        "*none*",
        "== N/A ==",
        "– keine Angabe –",
        "_null_",
    ],
)
def test_signs_around_a_word_for_nothing_say_nothing_either(cell: str) -> None:
    assert says_nothing(cell)
    assert read_one("sku,title,color", "A", "Hat", cell).color == ""
