"""An export read into a table has the products, and the account, of one read into objects."""

from dataclasses import replace
from pathlib import Path
from typing import get_args

import pandas as pd
import pytest

from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.known_families import ROWS_SHA256
from flux_assets.catalog.product import OneSetPer
from flux_assets.catalog.read import read_catalog, read_new_products
from flux_assets.catalog.tables import build_products_table
from flux_assets.storage.frames import build_frame

SHOP_EXPORTS = Path(__file__).parents[1] / "fixtures" / "shop_exports"
VARIANTS_FIRST = b"""id,title,description,item_group_id,color
7,Chair red,A chair,chair,red
8,Chair blue,A chair,chair,blue
5,Lamp,A lamp,,
6,,A lamp,,
5,Lamp,A lamp,,
chair,Chair,A chair,,
9,Desk,A desk,desk,grey
"""
EXPORTS = {
    "variants first": VARIANTS_FIRST,
    **{path.name: path.read_bytes() for path in sorted(SHOP_EXPORTS.iterdir())},
}


@pytest.mark.parametrize("finds_left_out", [False, True])
@pytest.mark.parametrize("one_set_per", get_args(OneSetPer))
@pytest.mark.parametrize("name", EXPORTS)
def test_a_table_of_products_is_as_the_products(
    name: str, one_set_per: OneSetPer, *, finds_left_out: bool
) -> None:
    data = EXPORTS[name]
    catalog = read_catalog(data, name, one_set_per=one_set_per)
    account, read = read_new_products(
        data,
        name,
        known=build_frame([], ("product_id", ROWS_SHA256), numbers=()),
        finds_left_out=finds_left_out,
        one_set_per=one_set_per,
        columns={},
        include_unpublished=False,
        encoding="",
        sheet="",
        rules=TextRules(),
    )
    left_out = catalog.left_out if finds_left_out else {}
    assert account == replace(catalog, products=(), left_out=left_out)
    assert catalog.products
    table = read.built.drop(columns=ROWS_SHA256).iloc[read.places].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, build_products_table(catalog.products))
