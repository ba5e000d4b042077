"""Lines that a spreadsheet of another country took for one cell, and put in quotes."""

import pytest

from flux_assets.catalog import read_catalog

LINES = ("sku,title,description", "1,Mug,A mug.", '2,"Cup, big","A ""cup"", of clay."')


def wrap(line: str) -> str:
    return '"' + line.replace('"', '""') + '"'


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("wraps", ["all", "quoted", "rows"])
def test_a_line_in_quotes_is_its_cells(wraps: str, end: str) -> None:
    wrapped = [
        wrap(line) if wraps == "all" or '"' in line or (wraps == "rows" and number) else line
        for number, line in enumerate(LINES)
    ]
    catalog = read_catalog(end.join(wrapped).encode(), "export.csv")
    found = [(it.product_id, it.title, it.description, it.line) for it in catalog.products]
    assert found == [("1", "Mug", "A mug.", 2), ("2", "Cup, big", 'A "cup", of clay.', 3)]
    assert (catalog.rejected_rows, catalog.delimiter) == ((), ",")


def test_a_short_line_in_quotes_is_none() -> None:
    catalog = read_catalog(b'sku,title,color\n"1,Mug"\n2,Cup,Red\n', "export.csv")
    assert [it.product_id for it in catalog.products] == ["2"]
    assert [(it.line, it.reason) for it in catalog.rejected_rows] == [(2, "no_title")]


def test_a_title_line_with_a_comma_is_no_header() -> None:
    catalog = read_catalog(b'"Products, of 2026"\nsku,title\n1,Mug\n', "export.csv")
    assert [(it.product_id, it.line) for it in catalog.products] == [("1", 3)]
