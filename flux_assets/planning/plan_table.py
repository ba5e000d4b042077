"""The rows of a plan, and the table that they are."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from flux_assets.storage.frames import build_frame, read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


PlanStatus = Literal[
    "new", "changed", "stored", "accepted", "refused", "failed", "held", "lost", "missing"
]
_ROWS_AT_ONCE = 100_000
STATUSES: tuple[PlanStatus, ...] = get_args(PlanStatus)
TO_BUY: frozenset[PlanStatus] = frozenset({"new", "changed"})


class PlanRow(NamedTuple):
    """One request's standing; `object_key` is there exactly where the picture is stored.

    `reason` says why it stands so; of a changed one, which fields changed.
    """

    product_id: str
    shot: str
    fingerprint: str
    status: PlanStatus
    object_key: str = ""
    reason: str = ""
    category: str = ""
    title: str = ""


def build_plan_table(rows: Iterable[PlanRow]) -> "pd.DataFrame":
    """One row per request: its identity and standing."""
    return build_frame(rows, PlanRow._fields, numbers=())


def read_plan_rows(table: "pd.DataFrame") -> Iterator[PlanRow]:
    """The rows of a plan's table, in its order."""
    names = [name for name in PlanRow._fields if name in table]  # an older release's has fewer
    return (PlanRow(*row) for row in read_rows(table, names))


def read_plan_parts(table: StoredTable) -> Iterator["pd.DataFrame"]:
    """A plan's whole table, so many rows at a time."""
    columns = table.column_names()  # an older release's has fewer
    names = [name for name in PlanRow._fields if name in columns]
    for part in table.read_some(names, _ROWS_AT_ONCE):
        yield part.to_pandas()


def read_stored(table: StoredTable) -> "pd.DataFrame":
    """Product and shot of the rows of a plan's table that have their picture."""
    return table.read(("product_id", "shot"), where=("status", {"stored"}))
