"""What each row's product is called by the catalog of now, so that it is found by its name."""

from typing import TYPE_CHECKING, NamedTuple

from flux_assets.storage.frames import look_up
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types


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


def build_names(rows: "pa.Table", names: "pd.DataFrame") -> "dict[str, pa.Array]":
    """The columns of `ProductName`: of now, else as these rows had them.

    Args:
        rows: of a manifest, with the columns of NAMED.
        names: of now, with the same columns.
    """
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    texts = {name: rows[name].cast(pa.large_string()).combine_chunks() for name in NAMED}
    return {
        name: pc.coalesce(look_up(texts["product_id"], names, "product_id", name), texts[name])
        for name in ProductName._fields
    }


def find_renamed(manifest: StoredTable, names: "pd.DataFrame | None") -> "np.ndarray":
    """Which of its rows say another name than `build_names` gives; none without names of now.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: it is damaged.
    """
    import numpy as np

    if names is None:
        return np.zeros(manifest.count_rows(), bool)
    parts = manifest.read_some(NAMED, _ROWS_AT_ONCE)
    return np.concatenate([np.array([], bool), *(_find_renamed(part, names) for part in parts)])


def _find_renamed(rows: "pa.Table", names: "pd.DataFrame") -> "np.ndarray":
    import pyarrow.compute as pc

    title, category = (
        pc.not_equal(cells, rows[name].cast(cells.type).combine_chunks())
        for name, cells in build_names(rows, names).items()
    )
    differs = pc.fill_null(pc.or_(title, category), fill_value=True)
    found: np.ndarray = differs.to_numpy(zero_copy_only=False)
    return found
