"""The tables between assets: rows of text and numbers, as data frames."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from flux_assets.planning.plan import Plan, PlanRow
from flux_assets.storage.frames import build_frame, read_rows

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


def build_plan_table(plan: Plan) -> "pd.DataFrame":
    """One row per request: its identity and standing."""
    return build_frame(plan.rows, PlanRow._fields, numbers=())


def read_plan_rows(table: "pd.DataFrame") -> Iterator[PlanRow]:
    """The rows of a table that `build_plan_table` built, in its order."""
    return map(PlanRow._make, read_rows(table, PlanRow._fields))
