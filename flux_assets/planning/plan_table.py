"""The tables between assets: rows of text and numbers, as data frames."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flux_assets.manifest.product_names import ProductName
from flux_assets.planning.plan import Plan, PlanRow
from flux_assets.storage.frames import build_frame, read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


def build_plan_table(plan: Plan) -> "pd.DataFrame":
    """One row per request: its identity and standing."""
    return build_frame(plan.rows, PlanRow._fields, numbers=())


def read_plan_rows(table: "pd.DataFrame") -> Iterator[PlanRow]:
    """The rows of a table that `build_plan_table` built, in its order."""
    names = [name for name in PlanRow._fields if name in table]  # an older release's has fewer
    return (PlanRow(*row) for row in read_rows(table, names))


def read_product_names(table: StoredTable) -> Mapping[str, ProductName]:
    """The names of a stored plan's products; an older release's has none."""
    columns = ("product_id", *ProductName._fields)
    if not set(columns) <= set(table.column_names()):
        return {}
    return {row[0]: ProductName(*row[1:]) for row in read_rows(table.read(columns), columns)}
