"""Tables in parts: read as whole ones are, written only where they change, or refused."""

import io
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.errors import StoreError
from flux_assets.storage import parquet_file, table_parts
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.change_object import change_object
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.merge_sources import replace_columns
from flux_assets.storage.object_store import (
    TABLE_PART_KEY,
    TABLE_PARTS_PREFIX,
    ObjectBody,
    ObjectStore,
    table_key,
)
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE
from flux_assets.storage.table_merge import merge_rows, write_table
from flux_assets.storage.table_parts import DamagedPartError, TableFolder
from flux_assets_tests.fixtures.hooked_store import HookedStore

KEY = table_key("image_requests.parquet")
PRODUCTS = [f"P-{number}" for number in range(40)]
IDS = [product_id for product_id in PRODUCTS for _ in range(3)]
TABLE = pd.DataFrame(
    {
        "product_id": IDS,
        "title": [f"Chair {number}" for number in range(len(IDS))],
        "seed": range(len(IDS)),
        "score": [None if number % 5 else number / 7 for number in range(len(IDS))],
        "stale": [number % 2 == 0 for number in range(len(IDS))],
    }
)


def by_bucket(table: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort([bucket_of(it) for it in table["product_id"]], kind="stable")
    return table.iloc[order].reset_index(drop=True)


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


@pytest.fixture
def folder(store: HookedStore) -> TableFolder:
    return TableFolder(store, KEY)


def commit(folder: TableFolder, table: StoredTable) -> StoredTable:
    folder.store.put(folder.key, table.data, content_type="")
    return open_table(folder.store, folder.key)


@pytest.fixture
def stored(folder: TableFolder, monkeypatch: pytest.MonkeyPatch) -> StoredTable:
    monkeypatch.setattr(parquet_file, "ROWS_A_GROUP", 2)
    return commit(folder, write_table(TABLE, folder, {"made_from": "an export: Möbel"}))


class Puts:
    """Which parts are put from now on."""

    def __init__(self, store: HookedStore) -> None:
        self.keys: list[str] = []
        store.before = lambda operation, key: self.keys.append(key) if operation == "put" else None

    def take_buckets(self) -> list[str]:
        taken, self.keys = [key for key in self.keys if key != KEY], []
        assert all(map(TABLE_PART_KEY.fullmatch, taken))
        return sorted(key.rpartition("/")[2][:2] for key in taken)


def test_a_table_in_parts_is_read_as_a_whole_one(any_store: ObjectStore) -> None:
    folder = TableFolder(any_store, KEY)
    stored = commit(folder, write_table(TABLE, folder, {"made_from": "Möbel"}))
    whole = by_bucket(TABLE)
    assert stored.is_in_parts
    assert stored.is_whole()
    pd.testing.assert_frame_equal(stored.read(), whole)
    assert stored.read_notes() == {"made_from": "Möbel"}
    assert stored.read_texts("title") == whole["title"].tolist()
    parts = list(any_store.list_keys(TABLE_PARTS_PREFIX))
    assert len(parts) == len({bucket_of(it) for it in PRODUCTS})
    assert all(map(TABLE_PART_KEY.fullmatch, parts))


def test_columns_rows_and_groups_are_as_those_of_a_whole_one(stored: StoredTable) -> None:
    sorted_table = by_bucket(TABLE)
    whole = StoredTable(write_parquet(sorted_table))
    assert stored.column_names() == whole.column_names()
    assert stored.column_types() == whole.column_types()
    for where in (
        ("product_id", {"P-3", "P-39", "P-none"}),
        ("product_id", set()),
        ("title", {"Chair 7", "Chair 101"}),
        ("title", set()),
    ):
        for names in (None, ("seed",), ("stale", "product_id")):
            expected, found = whole.read(names, where=where), stored.read(names, where=where)
            pd.testing.assert_frame_equal(found, expected)
    assert stored.all_begin("title", "Chair ")
    assert not stored.all_begin("title", "Chair 1")
    groups = [table.to_pandas() for table in stored.read_groups(("seed",))]
    pd.testing.assert_frame_equal(pd.concat(groups, ignore_index=True), sorted_table[["seed"]])
    some = pa.concat_tables(stored.read_some(("title",), 50))
    assert some["title"].to_pylist() == sorted_table["title"].tolist()
    counts = stored.count_groups()
    groups = [stored.read_group(group, ("seed",)).to_pandas() for group in range(len(counts))]
    assert [len(group) for group in groups] == counts
    pd.testing.assert_frame_equal(pd.concat(groups, ignore_index=True), sorted_table[["seed"]])
    with pytest.raises(NO_TABLE):
        stored.read(("seed", "steps"))
    with pytest.raises(NO_TABLE):
        stored.read(where=("steps", {"a"}))


def test_of_a_few_products_only_their_parts_are_fetched(
    store: HookedStore, stored: StoredTable
) -> None:
    fetched: list[str] = []
    store.before = lambda _operation, key: fetched.append(key)
    rows = stored.read(where=("product_id", {"P-3"}))
    assert len(rows) == 3
    assert [key.rpartition("/")[2][:2] for key in fetched] == [bucket_of("P-3")]


def test_a_part_is_fetched_once_while_a_table_is_open(
    store: HookedStore, stored: StoredTable
) -> None:
    parts = sorted(part.key for part in stored.read_index().parts)  # type: ignore[union-attr]
    fetched: list[str] = []
    store.before = lambda _operation, key: fetched.append(key)
    for _ in range(3):
        pd.testing.assert_frame_equal(stored.read(), by_bucket(TABLE))
    assert sorted(fetched) == parts


def test_an_empty_table_in_parts_keeps_its_columns(folder: TableFolder) -> None:
    stored = commit(folder, write_table(TABLE[:0], folder))
    pd.testing.assert_frame_equal(stored.read(), TABLE[:0])
    assert stored.is_in_parts
    assert stored.count_groups() == []
    grown = commit(folder, merge_rows(stored, TABLE, np.arange(len(TABLE)), folder=folder))
    pd.testing.assert_frame_equal(grown.read(), by_bucket(TABLE))


def test_the_index_is_a_table_that_names_the_parts(store: HookedStore, stored: StoredTable) -> None:
    index = pd.read_parquet(io.BytesIO(stored.data))
    assert list(index.columns) == ["bucket", "key", "sha256", "rows", "size_bytes"]
    assert index["rows"].sum() == len(TABLE)
    parts = [pd.read_parquet(io.BytesIO(store.get(key).data)) for key in index["key"]]
    pd.testing.assert_frame_equal(
        pd.concat(parts, ignore_index=True), by_bucket(TABLE), check_dtype=False
    )
    assert index["size_bytes"].tolist() == [store.head(key).size_bytes for key in index["key"]]


def test_nothing_changed_is_the_same_index_and_no_part_is_put_or_fetched(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    done: list[tuple[str, str]] = []
    store.before = lambda operation, key: done.append((operation, key))
    notes = stored.read_notes()
    again = merge_rows(stored, TABLE[:0], np.arange(len(TABLE)), notes=notes, folder=folder)
    assert again.data == stored.data
    assert done == [("get", KEY)]
    assert write_table(TABLE, folder, notes).data == stored.data
    assert "put" not in {operation for operation, _ in done}


def test_only_the_parts_whose_rows_are_others_are_put(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    puts = Puts(store)
    whole = by_bucket(TABLE)
    places = np.arange(len(whole))
    row = whole.index[whole["product_id"] == "P-7"][1]
    added = whole.iloc[[row]].assign(title="A better chair")
    places[row] = len(whole)
    changed = commit(folder, merge_rows(stored, added, places, folder=folder))
    assert puts.take_buckets() == [bucket_of("P-7")]
    pd.testing.assert_frame_equal(
        changed.read(),
        pd.concat([whole, added], ignore_index=True).iloc[places].reset_index(drop=True),
    )
    gone = np.flatnonzero(whole["product_id"] != "P-9")
    commit(folder, merge_rows(changed, TABLE[:0], gone, folder=folder))
    alone = sum(bucket_of(it) == bucket_of("P-9") for it in PRODUCTS) == 1
    assert puts.take_buckets() == ([] if alone else [bucket_of("P-9")])


def test_only_the_parts_with_other_values_are_put(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    puts = Puts(store)
    whole = by_bucket(TABLE)
    stale = whole["stale"].to_numpy().copy()
    row = int(whole.index[whole["product_id"] == "P-7"][0])
    stale[row] = not stale[row]
    differing = stale != whole["stale"].to_numpy()
    places = np.arange(len(whole))
    for given_rows in (differing, None):
        merged = merge_rows(
            stored,
            TABLE[:0],
            places,
            folder=folder,
            complete=replace_columns({"stale": stale}),
            differing=given_rows,
        )
        assert merged.read()["stale"].tolist() == stale.tolist()
        assert puts.take_buckets() == [bucket_of("P-7")]


def test_a_part_that_was_once_another_s_is_put_again(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    """Else it may be pruned, as none that an index names, before the index is written."""
    whole = by_bucket(TABLE)
    changed = whole.assign(title=whole["title"].where(whole["product_id"] != "P-7", "Other"))
    commit(folder, write_table(changed, folder))
    puts = Puts(store)
    assert write_table(TABLE, folder, stored.read_notes()).data == stored.data
    assert puts.take_buckets() == [bucket_of("P-7")]


@pytest.mark.parametrize("is_missing", [False, True], ids=["other bytes", "missing"])
def test_a_damaged_part_is_named_and_mended_by_the_next_writer(
    tmp_path: Path, folder: TableFolder, stored: StoredTable, *, is_missing: bool
) -> None:
    index = stored.read_index()
    assert index
    part = next(it for it in index.parts if it.bucket == bucket_of("P-7"))
    path = tmp_path / "store" / part.key
    assert stored.is_whole(), "what was read before must not hide what is there now"
    data = path.read_bytes()
    if is_missing:
        path.unlink()
    else:
        path.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])
    assert not stored.is_whole()
    opened = open_table(DirectoryStore(tmp_path / "store"), KEY)
    with pytest.raises(DamagedPartError) as caught:
        opened.read(("seed",))
    assert str(path) in str(caught.value)
    assert f"this part of {tmp_path}/store/{KEY}" in str(caught.value)
    assert "refresh" in str(caught.value)
    assert isinstance(caught.value, NO_TABLE), "so that all who mend damaged tables do"
    assert stored.read(where=("product_id", {"P-3"})).shape == (3, 5)
    assert write_table(TABLE, folder, stored.read_notes()).data == stored.data
    assert stored.is_whole()


def test_a_store_that_does_not_answer_is_no_damage(store: HookedStore, stored: StoredTable) -> None:
    def fail(operation: str, key: str) -> None:
        raise StoreError(key, operation, "is gone for lunch")

    store.before = fail
    for read in (stored.read, stored.is_whole):
        with pytest.raises(StoreError, match="lunch") as caught:
            read()
        assert not isinstance(caught.value, NO_TABLE)


def test_an_index_of_a_newer_format_is_refused_with_a_sentence(
    folder: TableFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(table_parts, "_FORMAT", 2)
        stored = commit(folder, write_table(TABLE, folder))
    for touch in (stored.read, stored.is_whole, stored.column_names, folder.read_keys):
        with pytest.raises(StoreError, match="a newer release of flux_assets wrote it; upgrade"):
            touch()
    with pytest.raises(StoreError, match="a newer release"):
        write_table(TABLE, folder)


def test_a_writer_that_ends_before_its_index_leaves_the_last_table(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    class Killed(BaseException):
        pass

    def kill(operation: str, _key: str) -> None:
        if operation == "put" and len(list(store.list_keys(TABLE_PARTS_PREFIX))) > 40:
            raise Killed

    other = TABLE.assign(title="Other")
    store.before = kill
    with pytest.raises(Killed):
        write_table(other, folder)
    store.before = lambda _operation, _key: None
    pd.testing.assert_frame_equal(open_table(store, KEY).read(), by_bucket(TABLE))
    pd.testing.assert_frame_equal(
        commit(folder, write_table(other, folder)).read(), by_bucket(other)
    )
    assert stored.is_whole(), "a run under way may still want it"


def test_of_two_writers_at_once_the_second_builds_on_the_first(
    store: HookedStore, folder: TableFolder, stored: StoredTable
) -> None:
    def replace(product_id: str, found: ObjectBody | None) -> bytes:
        assert found
        last = StoredTable(found.data, folder)
        rows = last.read()
        chosen = (rows["product_id"] == product_id).to_numpy()
        places = np.arange(len(rows))
        added = rows[chosen].assign(title=f"Other {product_id}")
        places[chosen] = len(rows) + np.arange(chosen.sum())
        return merge_rows(last, added, places, folder=folder).data

    others = ["P-8"]

    def decide(found: ObjectBody | None) -> bytes:
        data = replace("P-7", found)
        while others:  # which comes between
            change_object(store, KEY, partial(replace, others.pop()), content_type="")
        return data

    change_object(store, KEY, decide, content_type="")
    titles = open_table(store, KEY).read().groupby("product_id")["title"].first()
    assert titles[["P-7", "P-8"]].tolist() == ["Other P-7", "Other P-8"]
    assert stored.is_whole()


def test_parts_are_the_same_bytes_whatever_they_were_merged_from(
    folder: TableFolder, stored: StoredTable
) -> None:
    whole = StoredTable(write_parquet(TABLE))
    notes = stored.read_notes()
    places = np.arange(len(TABLE))
    assert merge_rows(whole, TABLE[:0], places, notes=notes, folder=folder).data == stored.data
    back = np.argsort(by_bucket(TABLE.reset_index())["index"].to_numpy())
    assert merge_rows(stored, TABLE[:0], back).data == whole.data


def test_a_part_of_other_columns_is_never_taken_over(
    folder: TableFolder, stored: StoredTable
) -> None:
    fewer = TABLE[:0][["product_id", "seed"]]
    merged = merge_rows(stored, fewer, np.arange(len(TABLE)), folder=folder)
    pd.testing.assert_frame_equal(merged.read(), by_bucket(TABLE)[["product_id", "seed"]])
    parts = merged.read_index()
    assert parts
    data = folder.fetch(parts.parts[0])
    assert pq.read_schema(io.BytesIO(data)).names == ["product_id", "seed"]


_ROWS = st.lists(st.tuples(st.sampled_from(PRODUCTS[:6]), st.integers(0, 3)), max_size=12)


def _frame(rows: Iterable[tuple[str, int]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["product_id", "seed"]).astype(
        {"product_id": "str", "seed": "int64"}
    )


@settings(max_examples=40, deadline=None)
@given(first=_ROWS, added=_ROWS, data=st.data())
def test_merging_in_parts_is_merging_whole_and_then_cutting(
    tmp_path_factory: pytest.TempPathFactory,
    first: list[tuple[str, int]],
    added: list[tuple[str, int]],
    data: st.DataObject,
) -> None:
    folder = TableFolder(DirectoryStore(tmp_path_factory.mktemp("parts")), KEY)
    is_whole = data.draw(st.booleans())
    last = write_table(_frame(first), None if is_whole else folder)
    rows = last.read()
    numbers = list(range(len(rows) + len(added)))
    chosen = data.draw(st.permutations(numbers)) if data.draw(st.booleans()) else numbers
    places = np.array(chosen[: data.draw(st.integers(0, len(chosen)))], int)
    before = np.concatenate([rows["seed"].to_numpy(), _frame(added)["seed"].to_numpy()])[places]
    seeds = before + data.draw(
        st.lists(st.sampled_from([0, 0, 1]), min_size=len(before), max_size=len(before)).map(
            lambda it: np.array(it, int)
        )
    )
    complete = replace_columns({"seed": seeds})
    whole = merge_rows(last, _frame(added), places, complete=complete)
    packed = StoredTable(write_parquet(_frame(added)))
    assert merge_rows(last, packed, places, complete=complete).data == whole.data
    others = packed if data.draw(st.booleans()) else _frame(added)
    parts = merge_rows(
        last, others, places, folder=folder, complete=complete, differing=seeds != before
    )
    assert parts.data == write_table(whole.read(), folder).data
    pd.testing.assert_frame_equal(parts.read(), by_bucket(whole.read()))


@pytest.mark.parametrize("step", [67, pytest.param(3, marks=pytest.mark.slow)])
def test_of_an_index_with_another_byte_nothing_else_is_read_than_was_written(
    stored: StoredTable, step: int
) -> None:
    """Its footer has no checksum; without its mark it is another table, of other columns."""
    whole = stored.read()
    for place in range(0, len(stored.data), step):
        other = bytes([stored.data[place] ^ 1])
        data = stored.data[:place] + other + stored.data[place + 1 :]
        table = StoredTable(data, stored.folder)
        try:
            if table.is_whole() and "product_id" in table.column_names():
                pd.testing.assert_frame_equal(table.read(), whole)
        except (StoreError, *NO_TABLE):
            continue
