"""Tables of several groups of rows, of which only some are unpacked."""

import hashlib
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flux_assets.storage import parquet_file
from flux_assets.storage.merge_sources import replace_columns
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_merge import merge_rows

TABLE = pd.DataFrame({"fingerprint": ["a", "b", "c", "a", "e"], "seed": [1, 2, 3, 4, 5]})
ADDED = pd.DataFrame({"fingerprint": ["x", "y", "z"], "seed": [7, 8, 9]})


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> StoredTable:
    monkeypatch.setattr(parquet_file, "ROWS_A_GROUP", 2)
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


def test_a_table_without_rows_whose_columns_have_no_type_has_no_such_row() -> None:
    empty = StoredTable(write_parquet(pd.DataFrame([], columns=["fingerprint", "seed"])))
    assert len(empty.read(where=("fingerprint", {"a"}))) == 0


def test_checksums_take_little_more_than_half_of_their_letters() -> None:
    digests = [
        hashlib.sha256(bytes([number % 256, number >> 8])).hexdigest() for number in range(2000)
    ]
    written = write_parquet(pd.DataFrame({"sha256": digests}))
    merged = merge_rows(
        StoredTable(written), pd.DataFrame({"sha256": digests[:1]}), np.arange(2000)
    )
    assert len(written) < 0.6 * 64 * len(digests)
    assert len(merged.data) < 0.6 * 64 * len(digests)


def test_a_column_that_is_not_there_is_no_empty_one(stored: StoredTable) -> None:
    with pytest.raises(NO_TABLE):
        stored.read(("seed", "steps"))
    with pytest.raises(NO_TABLE):
        stored.read(where=("steps", {"a"}))


def _merge(stored: StoredTable, places: list[int], added: pd.DataFrame = ADDED) -> pd.DataFrame:
    return merge_rows(stored, added, np.array(places, int)).read()


@pytest.mark.parametrize(
    "places",
    [
        [0, 1, 2, 3, 4],
        [0, 5, 2, 3, 4],
        [5, 0, 1, 2, 3, 4, 7, 6],
        [4, 2, 0],
        [7, 6, 5],
        [1, 1, 5, 1],
        [],
    ],
    ids=str,
)
def test_a_merged_table_has_the_rows_of_both_in_the_order_asked_for(
    stored: StoredTable, places: list[int]
) -> None:
    both = pd.concat([TABLE, ADDED], ignore_index=True)
    expected = both.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(_merge(stored, places), expected)


def test_any_order_of_many_groups_can_be_had(stored: StoredTable) -> None:
    places = list(range(8)) * 5
    random.Random(1).shuffle(places)  # noqa: S311 - no secret
    both = pd.concat([TABLE, ADDED], ignore_index=True)
    expected = both.iloc[places].reset_index(drop=True)
    pd.testing.assert_frame_equal(_merge(stored, places), expected)


def test_rows_that_are_added_packed_are_merged_as_unpacked_ones(stored: StoredTable) -> None:
    places = np.array([5, 0, 7, 3, 6])
    packed = StoredTable(write_parquet(ADDED))
    assert len(packed.count_groups()) == 2
    merged = merge_rows(stored, packed, places, notes={"made_from": "both"})
    assert merged.data == merge_rows(stored, ADDED, places, notes={"made_from": "both"}).data


def test_a_merged_table_can_be_merged_again(stored: StoredTable) -> None:
    once = merge_rows(stored, ADDED, np.array([0, 5, 3]))
    twice = merge_rows(once, ADDED[:0], np.array([2, 1]))
    assert twice.read().to_dict("list") == {"fingerprint": ["a", "x"], "seed": [4, 7]}


def test_values_given_for_a_whole_table_replace_those_of_its_rows(stored: StoredTable) -> None:
    places = np.array([0, 1, 5, 4])
    seeds = {"seed": np.array([10, 11, 12, 13])}
    merged = merge_rows(stored, ADDED, places, complete=replace_columns(seeds)).read()
    assert merged["fingerprint"].tolist() == ["a", "b", "x", "e"]
    assert merged["seed"].tolist() == [10, 11, 12, 13]


def test_the_added_rows_give_the_columns_and_their_types(stored: StoredTable) -> None:
    added = ADDED.astype({"seed": "float64"})[["seed", "fingerprint"]]
    merged = _merge(stored, [4, 6], added)
    assert list(merged.columns) == ["seed", "fingerprint"]
    assert merged.dtypes.to_dict() == added.dtypes.to_dict()
    assert merged["seed"].tolist() == [5.0, 8.0]


def test_a_table_that_lacks_a_column_or_has_another_type_cannot_be_merged(
    stored: StoredTable,
) -> None:
    for added in (ADDED.assign(steps=1), ADDED.assign(fingerprint=0)):
        with pytest.raises(NO_TABLE):
            _merge(stored, [0], added)


def test_the_same_rows_are_the_same_bytes_whatever_they_were_merged_from(
    stored: StoredTable,
) -> None:
    whole = merge_rows(stored, ADDED, np.array([0, 1, 2, 3, 4, 5, 6, 7]))
    fewer = merge_rows(whole, ADDED[:0], np.array([7, 1, 4, 6, 3]))
    again = merge_rows(fewer, whole.read(), np.array([5, 1, 7, 4, 2, 10, 3, 0]))
    assert again.data == whole.data


def test_a_table_of_which_one_byte_has_changed_is_not_read() -> None:
    data = write_parquet(pd.DataFrame({"title": ["Chair", "Lamp"], "line": [2, 3]}))
    assert StoredTable(data).is_whole()
    damaged = StoredTable(data.replace(b"Lamp", b"Limp", 1))
    assert damaged.data != data
    assert not damaged.is_whole()
    with pytest.raises(NO_TABLE):
        damaged.read(("title",))
    assert damaged.read(("line",))["line"].tolist() == [2, 3]


def test_notes_stand_beside_the_rows_and_change_none(tmp_path: Path) -> None:
    table = pd.DataFrame({"title": ["Chair", "Lamp"]})
    noted = StoredTable(write_parquet(table, {"made_from": "an export: Möbel"}))
    assert noted.read_notes() == {"made_from": "an export: Möbel"}
    assert StoredTable(write_parquet(table)).read_notes() == {}
    (tmp_path / "table.parquet").write_bytes(noted.data)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "table.parquet"), table)
    merged = merge_rows(noted, table[:0], np.array([1]), notes={"made_from": "another"})
    assert merged.read_notes() == {"made_from": "another"}
    assert merged.read()["title"].tolist() == ["Lamp"]
