"""Which parts of tables may be deleted, and which never are."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.manifest.old_files import delete_files
from flux_assets.manifest.old_parts import PARTS_PROBE_KEY, find_old_parts
from flux_assets.manifest.wanted import PruneError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import TABLE_PARTS_PREFIX, replaced_table_key, table_key
from flux_assets.storage.parquet import open_table
from flux_assets.storage.run_tables import get_run_table, put_run_table
from flux_assets.storage.table_merge import write_table
from flux_assets.storage.table_parts import TableFolder
from flux_assets_tests.fixtures.hooked_store import HookedStore

NAME = "image_plan.parquet"
NOW = timedelta()
OLD = timedelta(days=31)


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def put(store: HookedStore, title: str, run_id: str = "run", *, others_run: bool = False) -> None:
    """Write the table as a run does."""
    rows = pd.DataFrame({"product_id": ["1", "2", "3"], "title": ["same", "same", title]})
    table = write_table(rows, TableFolder(store, table_key(NAME)))
    put_run_table(
        store, NAME, table.data, run_id=run_id, content_type="", others_run=lambda: others_run
    )


def old(store: HookedStore, *, days: float = 0) -> list[str]:
    return [it.key for it in find_old_parts(store, min_age=timedelta(days=days))]


def prune(store: HookedStore, obstacle: str = "") -> list[str]:
    files = find_old_parts(store, min_age=NOW)
    done = delete_files(store, files, probe=PARTS_PROBE_KEY, find_obstacle=lambda: obstacle)
    return [problem for _, problem in done]


def count(store: HookedStore) -> int:
    return len(list(store.list_keys(TABLE_PARTS_PREFIX)))


def test_what_no_table_names_any_more_goes_after_a_month(store: HookedStore) -> None:
    put(store, "a")
    put(store, "b")
    assert count(store) == 4
    assert old(store) == [], "a run that began before may want it"
    store.pass_time(OLD)
    assert len(old(store)) == 1
    assert old(store, days=32) == []
    assert prune(store) == [""]
    assert count(store) == 3
    assert open_table(store, table_key(NAME)).is_whole()
    assert prune(store) == []


def test_what_a_run_s_replaced_table_names_stays(store: HookedStore) -> None:
    put(store, "a", "first")
    put(store, "b", "second", others_run=True)
    store.pass_time(OLD)
    assert old(store) == []
    folder = TableFolder(store, table_key(NAME))
    [key] = store.list_keys("runs/replaced/")
    assert get_run_table(store, NAME, run_id="first") == store.get(key).data
    assert open_table(store, key).is_whole()
    assert folder.read_keys() != open_table(store, key).read_index().keys  # type: ignore[union-attr]


def test_what_is_put_again_meanwhile_stays(store: HookedStore) -> None:
    """A run that comes back to earlier rows puts their parts before its index."""
    put(store, "a")
    put(store, "b")
    store.pass_time(OLD)
    files = find_old_parts(store, min_age=NOW)
    put(store, "a")
    done = delete_files(store, files, probe=PARTS_PROBE_KEY, find_obstacle=str)
    assert [problem for _, problem in done] == [
        "it was put again meanwhile, and is about to be named"
    ]
    assert open_table(store, table_key(NAME)).is_whole()


def test_while_a_run_is_under_way_nothing_goes(store: HookedStore) -> None:
    put(store, "a")
    put(store, "b")
    store.pass_time(OLD)
    assert prune(store, "run 7 makes image_plan") == ["run 7 makes image_plan"]
    assert count(store) == 4


@pytest.mark.parametrize("key", [table_key(NAME), replaced_table_key(NAME, "f" * 64)])
def test_where_a_table_that_may_name_parts_is_damaged_nothing_goes(
    store: HookedStore, key: str
) -> None:
    put(store, "a")
    store.put(key, b"PAR1", content_type="")
    store.pass_time(OLD)
    with pytest.raises(PruneError, match=f"{key}, which may name parts, cannot be read"):
        find_old_parts(store, min_age=NOW)


def test_parts_of_a_table_that_is_whole_again_go(store: HookedStore) -> None:
    put(store, "a")
    whole = write_table(pd.DataFrame({"product_id": ["1"]}), None)
    store.put(table_key(NAME), whole.data, content_type="")
    store.pass_time(OLD)
    assert prune(store) == ["", "", ""]
    assert count(store) == 0
