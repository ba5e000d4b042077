"""Tables of several groups of rows, of which only some are unpacked."""

import pandas as pd
import pytest

from flux_assets import parquet
from flux_assets.parquet import NO_TABLE, StoredTable, write_parquet

TABLE = pd.DataFrame({"fingerprint": ["a", "b", "c", "a", "e"], "seed": [1, 2, 3, 4, 5]})


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> StoredTable:
    monkeypatch.setattr(parquet, "_ROWS_A_GROUP", 2)
    return StoredTable(write_parquet(TABLE))


def test_all_groups_come_back_in_their_order(stored: StoredTable) -> None:
    pd.testing.assert_frame_equal(stored.read(), TABLE)
    assert stored.column_names() == ("fingerprint", "seed")


@pytest.mark.parametrize(
    ("wanted", "seeds"),
    [("a", [1, 4]), ("bcx", [2, 3]), ("e", [5]), ("x", []), ("", [])],
)
def test_the_wanted_rows_of_every_group_are_found(
    stored: StoredTable, wanted: str, seeds: list[int]
) -> None:
    rows = stored.read(("seed",), where=("fingerprint", set(wanted)))
    assert rows.to_dict("list") == {"seed": seeds}
    assert rows.dtypes.to_dict() == TABLE[["seed"]].dtypes.to_dict()


def test_a_column_that_is_not_there_is_no_empty_one(stored: StoredTable) -> None:
    with pytest.raises(NO_TABLE):
        stored.read(("seed", "steps"))
    with pytest.raises(NO_TABLE):
        stored.read(where=("steps", {"a"}))
