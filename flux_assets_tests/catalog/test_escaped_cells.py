"""What keeps a spreadsheet from reading a formula is part of no cell, whatever the cell is for."""

import pytest

from flux_assets.catalog import Catalog, read_catalog

WOOCOMMERCE = (
    "ID,Type,SKU,Name,Published,Regular price,Parent,Attribute 1 name,Attribute 1 value(s)"
)


def read(*rows: str) -> Catalog:
    return read_catalog("\n".join(rows).encode(), "export.csv")


def escape(text: str) -> str:
    return f'"=""{text}"""'


@pytest.mark.parametrize("published", ["-1", "'-1", escape("-1"), escape("0"), escape("false")])
def test_a_draft_is_none_on_sale_however_its_state_is_escaped(published: str) -> None:
    catalog = read(WOOCOMMERCE, f"1,simple,A,Mug,{published},9,,,", "2,simple,B,Cup,1,9,,,")
    assert [it.product_id for it in catalog.products] == ["B"]
    assert catalog.skipped == {"unpublished": 1}


def test_a_column_that_hides_says_no_as_a_formula_too() -> None:
    rows = (f"{it},Mug,{escape(it)}" for it in ("0", "1"))
    assert [it.product_id for it in read("sku,title,hidden", *rows).products] == ["0"]


def test_a_variant_is_one_where_every_cell_is_a_formula() -> None:
    rows = (
        ("1", "variable", "-C", "Cup", "1", "9", "", "Color", "Red, Blue"),
        ("2", "variation", "-C-R", "Cup - Red", "1", "9", "-C", "Color", "Red"),
    )
    catalog = read(WOOCOMMERCE, *(",".join(map(escape, row)) for row in rows))
    assert [it.product_id for it in catalog.products] == ["-C"]
    assert catalog.skipped == {"variant": 1}


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (escape("Oak"), "Oak"),
        ("'-Oak", "-Oak"),
        ("'@Oak", "@Oak"),
        ("'+Oak", "+Oak"),
        ("'s Oak", "'s Oak"),
        ("'=Oak'", "'=Oak'"),
    ],
)
def test_colours_materials_and_options_are_as_the_shop_has_them(cell: str, text: str) -> None:
    (plain,) = read("sku,title,color,material,finish", f"A,Shelf,{cell},{cell},{cell}").products
    assert (plain.color, plain.material, plain.columns["finish"]) == (text, text, text)
    (of_shop,) = read(WOOCOMMERCE, f"1,simple,A,Shelf,1,9,,Color,{cell}").products
    assert of_shop.color == text


def test_an_id_keeps_what_an_earlier_release_called_it() -> None:
    (product,) = read("sku,title,color", f"{escape('00123')},Shelf,{escape('Oak')}").products
    assert (product.product_id, product.former_ids) == ("00123", ('="00123"',))
