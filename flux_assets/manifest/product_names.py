"""What each row's product is called by the catalog of now, so that it is found by its name."""

from typing import TYPE_CHECKING, NamedTuple

from flux_assets.storage.frames import look_up, text_column
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


class ProductName(NamedTuple):
    """A product's title and category, as the catalog has them."""

    title: str
    category: str


_ROWS_AT_ONCE = 100_000
NAMED = ("product_id", *ProductName._fields)
"""The columns of a table of names; of a product's rows there, the first is taken."""


def read_names(table: StoredTable) -> "pd.DataFrame":
    """The columns of NAMED of a table that has several rows of a product, one after the other.

    Each product's first is taken, and others only where they stand apart from it.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: it is damaged.
    """
    import pandas as pd

    parts = [table.read(NAMED, where=("product_id", ()))]
    for part in table.read_some(NAMED, 1):
        rows = part.to_pandas()
        parts.append(rows[rows["product_id"] != rows["product_id"].shift()])
    return pd.concat(parts, ignore_index=True)


def build_names(rows: "pd.DataFrame", names: "pd.DataFrame") -> "pd.DataFrame":
    """The columns of `ProductName`: of now, else as these rows had them.

    Args:
        rows: of a manifest, with the columns of NAMED.
        names: of now, with the same columns.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    product_ids = text_column(rows, "product_id")
    found = {
        name: pc.coalesce(look_up(product_ids, names, "product_id", name), text_column(rows, name))
        for name in ProductName._fields
    }
    named: pd.DataFrame = pa.table(found).to_pandas()
    return named


def are_names_of_now(manifest: StoredTable, names: "pd.DataFrame") -> bool:
    """Whether all its rows, of products that have a name now, say just that; as of `build_names`.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: it is damaged.
    """
    parts = manifest.read_some(NAMED, _ROWS_AT_ONCE)
    return all(_are_of_now(part.to_pandas(), names) for part in parts)


def _are_of_now(rows: "pd.DataFrame", names: "pd.DataFrame") -> bool:
    named = build_names(rows, names)
    return named.equals(rows[list(named.columns)])
