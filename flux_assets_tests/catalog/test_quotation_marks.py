"""Cells that stand in single quotation marks, and apostrophes that are none."""

import pytest

from flux_assets.catalog import Catalog, read_catalog


def read(text: str) -> Catalog:
    return read_catalog(text.encode(), "export.csv")


def found(catalog: Catalog) -> list[tuple[str, str, str, int]]:
    return [(it.product_id, it.title, it.description, it.line) for it in catalog.products]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_file_in_single_quotation_marks_is_its_cells(delimiter: str, end: str) -> None:
    rows = [
        ["'sku'", "'title'", "'description'"],
        ["'1'", f"'Cup{delimiter} big'", "'A potter''s cup.'"],
        ["'2'", "'Mug'", "''"],
    ]
    catalog = read("".join(delimiter.join(row) + end for row in rows))
    cup = ("1", f"Cup{delimiter} big" if delimiter != "\t" else "Cup big", "A potter's cup.", 2)
    assert found(catalog) == [cup, ("2", "Mug", "", 3)]
    assert (catalog.rejected_rows, catalog.delimiter) == ((), delimiter)


def test_a_cell_in_single_quotation_marks_may_have_lines() -> None:
    catalog = read("'sku','title','description'\n'1','Cup','Big,\nof clay'\n'2','Mug','Small'\n")
    assert found(catalog) == [("1", "Cup", "Big, of clay", 2), ("2", "Mug", "Small", 4)]


@pytest.mark.parametrize(
    "text",
    [
        "'sku','title','price'\n1,'Cup, big',10\n2,'Mug',5\n",  # as databases write numbers
        "sku,title,price\n'1','Cup, big','10'\n'2','Mug','5'\n",
        "\n'Products, of 2026'\n'sku','title','price'\n'1','Cup, big','10'\n'2','Mug','5'\n",
    ],
)
def test_not_every_cell_need_stand_in_them(text: str) -> None:
    catalog = read(text)
    assert [(it.product_id, it.title) for it in catalog.products] == [
        ("1", "Cup, big"),
        ("2", "Mug"),
    ]
    assert catalog.rejected_rows == ()


def test_an_apostrophe_behind_a_backslash_is_one() -> None:
    catalog = read("'sku','title'\n'1','Potter\\'s cup'\n'2','Mug'\n")
    assert [it.title for it in catalog.products] == ["Potter's cup", "Mug"]


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("sku,title\n'00125,'Tis the Season\n2,Mug\n", ["'Tis the Season", "Mug"]),
        ("sku,title\n1,'Merry' mug\n2,'n' roll\n", ["'Merry' mug", "'n' roll"]),
        ("sku,title\n1,'Merry'\n2,Mug\n", ["'Merry'", "Mug"]),
        ("'sku','title'\n1,\"Cup, big\"\n2,Mug\n", ["Cup, big", "Mug"]),
        ("'sku','title'\n1,Cup\n2,Mug\n", ["Cup", "Mug"]),
        ("sku,title\n1,\"'Merry', the mug\"\n2,'Mug'\n", ["'Merry', the mug", "'Mug'"]),
    ],
)
def test_an_apostrophe_is_no_quotation_mark(text: str, titles: list[str]) -> None:
    catalog = read(text)
    assert [it.title for it in catalog.products] == titles
    assert catalog.rejected_rows == ()


def test_a_mark_that_is_not_closed_costs_its_row_only() -> None:
    catalog = read("'sku','title'\n'1','Cup\n'2','Mug'\n'3','Jug'\n")
    assert [it.product_id for it in catalog.products] == ["2", "3"]
    (row,) = catalog.rejected_rows
    assert (row.file, row.line, row.reason) == ("export.csv", 2, "malformed_row")
    assert "is not closed as it should be" in row.message
