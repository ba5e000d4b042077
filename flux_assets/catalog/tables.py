"""Products and rejected rows as data frames, and back."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from flux_assets.catalog.product import Product, RejectedRow
from flux_assets.storage.frames import build_frame, read_rows

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

_PLAIN = ("columns", "former_ids")
_PRODUCT_FIELDS = tuple(field.name for field in fields(Product) if field.name not in _PLAIN)
PRODUCTS_COLUMNS = (*_PRODUCT_FIELDS, *_PLAIN)


def build_products_table(products: Iterable[Product]) -> "pd.DataFrame":
    """One row per product; `columns` and `former_ids` as JSON."""
    values_of = attrgetter(*_PRODUCT_FIELDS)
    rows = (
        (*values_of(product), json.dumps(product.columns), json.dumps(product.former_ids))
        for product in products
    )
    return build_frame(rows, PRODUCTS_COLUMNS, numbers={"line"})


def read_products(table: "pd.DataFrame") -> Iterator[Product]:
    """The products of a table that `build_products_table` built, in its order."""
    for *values, columns, former_ids in read_rows(table, PRODUCTS_COLUMNS):
        yield Product(
            **dict(zip(_PRODUCT_FIELDS, values, strict=True)),
            columns=json.loads(columns),
            former_ids=tuple(json.loads(former_ids)),
        )


def read_former_ids(table: "pd.DataFrame") -> dict[str, tuple[str, ...]]:
    """The former ids of each product that has any."""
    rows = read_rows(table[table["former_ids"] != "[]"], ("product_id", "former_ids"))
    return {product_id: tuple(json.loads(former_ids)) for product_id, former_ids in rows}


def build_rejected_rows_table(rejected_rows: Iterable[RejectedRow]) -> "pd.DataFrame":
    """One row per rejected row."""
    import pandas as pd

    return pd.DataFrame(
        [asdict(row) for row in rejected_rows],
        columns=[field.name for field in fields(RejectedRow)],
    )
