"""Which columns are proposed for an export."""

import pytest

from flux_assets.catalog import read_catalog
from flux_assets.catalog.proposal import propose_columns
from flux_assets.errors import CatalogError


def test_what_is_recognised_is_named_and_nothing_is_guessed() -> None:
    data = b"Handle,Title,Vendor,Body (HTML),Variant SKU,Option1 Name,Option1 Value,Published\n"
    found = propose_columns(data + b"mug,Mug,Acme,Nice,1,Title,Default,true\n", "export.csv")
    assert found.dialect == "Shopify"
    assert found.guessed == {}
    assert found.recognised == {
        "product_id": "Handle",
        "title": "Title",
        "brand": "Vendor",
        "description": "Body (HTML)",
        "published": "Published",
    }


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        (
            "Kennung;Was es ist;Bild\nA1;Stuhl aus Holz;www.x.de/1\nA2;Tisch aus Holz;www.x.de/2\n",
            {"product_id": "Kennung", "title": "Was es ist"},
        ),
        (
            "Lager,Ref,Was,Ort\n3,1001,Roter Stuhl,Halle Nord\n3,1002,Blauer Stuhl,Halle Nord\n",
            {"product_id": "Ref", "title": "Was"},
        ),
        ("sku,Was\n1,Roter Stuhl\n2,Tisch\n", {"title": "Was"}),
        ("Ref,title\n1,Roter Stuhl\n2,Tisch\n", {"product_id": "Ref"}),
    ],
)
def test_what_is_not_recognised_is_guessed_so_that_the_export_can_be_read(
    text: str, guessed: dict[str, str]
) -> None:
    found = propose_columns(text.encode(), "export.csv")
    assert {field: found.guessed.get(field) for field in guessed} == guessed
    assert not found.guessed.keys() & found.recognised.keys()
    catalog = read_catalog(text.encode(), "export.csv", columns=found.guessed)
    assert len(catalog.products) == 2


@pytest.mark.parametrize("text", ["a,b\n1,2\n1,3\n", "Ort,Zahl\nHalle Nord,1\nHalle Nord,1\n"])
def test_where_nothing_could_be_an_id_or_a_title_it_is_told(text: str) -> None:
    with pytest.raises(CatalogError, match="no column for the product's"):
        propose_columns(text.encode(), "export.csv")
