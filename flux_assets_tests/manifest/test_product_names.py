"""What products are called, of a plan that has a row of each shot."""

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.manifest.product_names import NAMED, build_names, read_names
from flux_assets.storage.parquet import StoredTable, write_parquet

ROWS = [
    *[("1", "Chair", "Seats")] * 3,
    *[("10", "Lamp", "")] * 2,
    ("2", "Jug", "Kitchen"),
    *[("1", "Chair", "Seats")] * 2,
]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], []])
def test_the_names_are_those_of_all_rows(rows: list[tuple[str, str, str]]) -> None:
    plan = pd.DataFrame(rows, columns=list(NAMED)).astype("str")
    names = read_names(StoredTable(write_parquet(plan.assign(shot="hero"))))
    assert list(names.columns) == list(NAMED)
    assert len(names) == (4 if rows == ROWS else len(rows))
    packed = pa.Table.from_pandas(plan)
    assert build_names(packed, names) == build_names(packed, plan)
