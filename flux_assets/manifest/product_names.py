"""What each row's product is called by the catalog of now, so that it is found by its name."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.storage.frames import read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd


class ProductName(NamedTuple):
    """A product's title and category, as the catalog has them."""

    title: str
    category: str


def are_names_of_now(manifest: StoredTable, names: Mapping[str, ProductName]) -> bool:
    """Whether all rows of a manifest, of products that have a name here, say just that.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: it is damaged.
    """
    columns = ("product_id", *ProductName._fields)
    rows = read_rows(manifest.read(columns), columns)
    return all(names.get(row[0], row[1:]) == row[1:] for row in rows)


def build_names(
    rows: "pd.DataFrame", names: Mapping[str, ProductName]
) -> "Mapping[str, np.ndarray]":
    """The columns of `ProductName`: of now, else as these rows had them."""
    import numpy as np

    named = [names.get(row[0], row[1:]) for row in read_rows(rows, list(rows.columns))]
    columns = zip(*named, strict=True) if named else [(), ()]
    return {
        name: np.array(column, object)
        for name, column in zip(ProductName._fields, columns, strict=True)
    }
