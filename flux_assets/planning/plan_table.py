"""The rows of a plan, and the table that they are."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from flux_assets.errors import ObjectNotFoundError
from flux_assets.storage.frames import build_frame, hash_columns, read_rows
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable, open_table
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_merge import write_table
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd


PlanStatus = Literal[
    "new", "changed", "stored", "accepted", "refused", "failed", "held", "lost", "missing"
]
PLAN_KEY = table_key("image_plan.parquet")
"""The plan of the last refresh."""

_NOTE = "columns_sha256"
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


def refresh_plan_table(store: ObjectStore, plan: "pd.DataFrame", *, in_parts: bool) -> StoredTable:
    """A plan's table, still to be put under its key: whole, or in parts, which are put at once.

    The last table in parts is left as it lies, if it says just the same.

    Args:
        store: the shop's; has the last table.
        plan: with the columns of `PlanRow`.
        in_parts: whether it is to be kept so.

    Raises:
        StoreError: the store cannot be read or written.
    """
    if not in_parts:
        return write_table(plan, None)
    sha256 = hash_columns(plan.items())
    try:
        last = open_table(store, PLAN_KEY)
        is_same = last.is_in_parts and last.read_notes().get(_NOTE) == sha256
        if is_same and last.is_whole():
            return last
    except (ObjectNotFoundError, *NO_TABLE):
        pass  # what is not there, or damaged, is written anew
    return write_table(plan, TableFolder(store, PLAN_KEY), {_NOTE: sha256})


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


def cut_plan(plan: "pd.DataFrame") -> Iterator["pd.DataFrame"]:
    """The same of a plan that is in memory."""
    for start in range(0, len(plan), _ROWS_AT_ONCE):
        yield plan.iloc[start : start + _ROWS_AT_ONCE]


def read_stored(table: StoredTable) -> "pd.DataFrame":
    """Product and shot of the rows of a plan's table that have their picture."""
    return table.read(("product_id", "shot"), where=("status", {"stored"}))
