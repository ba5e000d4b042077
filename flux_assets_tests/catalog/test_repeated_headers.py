"""A header that stands among the rows, as in exports that were put together, is no product."""

import pytest

from flux_assets.catalog import Catalog, read_catalog

WARNING = "have a header's names in place of an id and a title, and were left out (first: line 3)"


def read(*rows: str, **columns: str | None) -> Catalog:
    catalog = read_catalog("\n".join(rows).encode(), "export.csv", columns=columns)
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped
    return catalog


@pytest.mark.parametrize(
    ("header", "repeated"),
    [
        ("sku,title,color", "sku,title,color"),
        ("sku,title,color", "\ufeffsku,title,color"),
        ("sku,title,color", "SKU, Title ,Color"),
        ("sku,title,color", "Artikelnummer,Bezeichnung,Farbe"),
        ("product_id,product_name,color", "Product ID,Product Name,Colour"),
        ("SKU,Name EN,Name DE", "SKU,Name EN,Name DE"),
        ("Handle,Title,Vendor", "Handle,Title,Vendor"),
        ("id,title,image_link", "id,title,image_link"),
    ],
)
def test_a_header_among_the_rows_is_left_out_and_told(header: str, repeated: str) -> None:
    catalog = read(header, "1,Mug,x", repeated, "2,Cup,y")
    assert [it.product_id for it in catalog.products] == ["1", "2"]
    assert (catalog.skipped, catalog.rejected_rows) == ({"no_product": 1}, ())
    (warning,) = catalog.warnings
    assert warning == f"1 rows {WARNING}"


def test_a_header_that_the_shots_file_maps_is_one_too() -> None:
    columns = {"product_id": "Nr", "title": "Was"}
    catalog = read("Nr,Was", "1,Mug", "Nr,Was", "2,Cup", **columns)
    assert [it.product_id for it in catalog.products] == ["1", "2"]


@pytest.mark.parametrize(
    "row",
    ["handle,Handle", "code,Name tag", "title,Title", "sku,Name Bear", "name,Reference", "1,Name"],
)
def test_a_product_that_is_called_like_a_column_is_none_the_less_one(row: str) -> None:
    catalog = read("sku,title", "A,Mug", row)
    assert [it.product_id for it in catalog.products] == ["A", row.partition(",")[0]]


def test_a_variant_below_a_repeated_header_is_of_the_product_above_it() -> None:
    catalog = read(
        "Item,ID,Name,SKU,Options",
        "Product,1,Mug,M,",
        "Item,ID,Name,SKU,Options",
        "Variant,2,,M-R,Type=Swatch|Name=Color|Value=Red",
    )
    assert [(it.product_id, it.color) for it in catalog.products] == [("1", "Red")]
