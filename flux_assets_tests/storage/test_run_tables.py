"""A run's tables, of which only the last ones are kept, with other runs in between."""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore, run_key, table_key
from flux_assets.storage.run_tables import get_run_table, put_run_table
from flux_assets_tests.fixtures.hooked_store import HookedStore

NAME = "image_plan.parquet"
KEY = table_key(NAME)
KIND = "application/vnd.apache.parquet"
LARGE = bytes(9 * 2**20)  # which S3 takes in parts


class Crash(BaseException):
    """The process ends here."""


def put(store: ObjectStore, data: bytes, run_id: str, *, others_run: bool = True) -> None:
    put_run_table(
        store, NAME, data, run_id=run_id, content_type=KIND, others_run=lambda: others_run
    )


def get(store: ObjectStore, run_id: str) -> bytes:
    return get_run_table(store, NAME, run_id=run_id)


def sizes(store: ObjectStore, prefix: str = "runs/") -> Iterable[int]:
    return (info.size_bytes for info in store.list(prefix))


@pytest.mark.parametrize("data", [b"PAR1 small", LARGE], ids=["small", "large"])
def test_a_table_is_kept_once_and_found_by_its_run_and_by_others(
    any_store: ObjectStore, data: bytes
) -> None:
    put(any_store, data, "run-1")
    assert get(any_store, "run-1") == get(any_store, "run-2") == data
    body = any_store.get(KEY)
    assert (body.data, body.content_type) == (data, KIND)
    assert max(sizes(any_store)) < 100


def test_a_table_that_is_the_last_one_already_is_not_written_again(any_store: ObjectStore) -> None:
    put(any_store, b"PAR1 a", "run-1")
    before = any_store.head(KEY)
    put(any_store, b"PAR1 a", "run-2")
    assert any_store.head(KEY) == before
    assert get(any_store, "run-2") == b"PAR1 a"


def test_a_run_goes_on_with_its_own_table_whatever_others_put_in_its_place(
    any_store: ObjectStore,
) -> None:
    """Also one that it had not to write, and although others put it back in between."""
    put(any_store, b"PAR1 a", "run-0")
    put(any_store, b"PAR1 a", "run-1")
    put(any_store, b"PAR1 b", "run-2")
    put(any_store, b"PAR1 c", "run-3")
    assert [get(any_store, f"run-{it}") for it in range(4)] == [
        *(b"PAR1 a", b"PAR1 a", b"PAR1 b", b"PAR1 c"),
    ]
    put(any_store, b"PAR1 a", "run-4")
    assert [get(any_store, f"run-{it}")[-1:] for it in range(5)] == [b"a", b"a", b"b", b"c", b"a"]
    assert get(any_store, "run-5") == b"PAR1 a"


def test_nothing_is_kept_of_a_table_that_is_replaced_while_no_other_run_is_under_way(
    any_store: ObjectStore,
) -> None:
    put(any_store, LARGE, "run-1")
    put(any_store, b"PAR1 b", "run-2", others_run=False)
    assert max(sizes(any_store)) < 100


@pytest.mark.parametrize("by", ["a run that thinks itself alone", "an older release", "a person"])
def test_a_run_whose_table_was_replaced_stops_and_never_goes_on_with_another_one(
    any_store: ObjectStore, by: str
) -> None:
    put(any_store, b"PAR1 a", "run-1")
    if by == "a run that thinks itself alone":
        put(any_store, b"PAR1 b", "run-2", others_run=False)
    else:
        any_store.put(KEY, b"PAR1 b", content_type=KIND)
    with pytest.raises(StoreError, match="another run has replaced the table") as caught:
        get(any_store, "run-1")
    assert caught.value.uri == any_store.uri_for(KEY)
    assert get(any_store, "run-2") == b"PAR1 b"


def test_a_table_of_another_program_with_the_same_bytes_is_the_runs(any_store: ObjectStore) -> None:
    """Such as a copy of the store that lost its metadata."""
    put(any_store, b"PAR1 a", "run-1")
    any_store.put(KEY, b"PAR1 a", content_type=KIND)
    assert get(any_store, "run-1") == b"PAR1 a"


def test_what_an_older_release_left_is_still_its_runs(any_store: ObjectStore) -> None:
    """It wrote each table twice, and says nothing of the last one."""
    for key in (run_key("old", NAME), KEY):
        any_store.put(key, b"PAR1 a", content_type=KIND)
    assert get(any_store, "old") == get(any_store, "next") == b"PAR1 a"
    put(any_store, b"PAR1 b", "run-1")
    assert [get(any_store, it) for it in ("old", "run-1", "next")] == [
        *(b"PAR1 a", b"PAR1 b", b"PAR1 b"),
    ]


def test_a_table_that_nobody_wrote_is_named(any_store: ObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError, match=NAME):
        get(any_store, "run-1")


@pytest.mark.parametrize("point", range(1, 8))
@pytest.mark.parametrize("is_done", [False, True])
def test_a_step_that_died_anywhere_is_run_again(
    tmp_path: Path, point: int, *, is_done: bool
) -> None:
    """And the table of the run beside it is never lost by it."""
    store = HookedStore(DirectoryStore(tmp_path))
    put(store, b"PAR1 a", "run-1")
    steps = iter(range(1, 100))

    def die(_operation: str, _key: str) -> None:
        if next(steps) == point:
            raise Crash

    setattr(store, "after" if is_done else "before", die)
    try:
        put(store, b"PAR1 b", "run-2")
    except Crash:
        pass
    else:
        assert point > 4
    store.before = store.after = lambda _operation, _key: None

    assert get(store, "run-1") == b"PAR1 a"
    put(store, b"PAR1 b", "run-2")
    assert [get(store, "run-1"), get(store, "run-2")] == [b"PAR1 a", b"PAR1 b"]


@pytest.mark.parametrize("operation", ["head", "get", "put"])
@pytest.mark.parametrize("other", [b"PAR1 b", b"PAR1 c"])
def test_another_run_that_comes_in_between_loses_no_table(
    tmp_path: Path, operation: str, other: bytes
) -> None:
    """Before each thing that the second one asks of the store, the third one comes whole."""
    store = HookedStore(DirectoryStore(tmp_path))
    put(store, b"PAR1 a", "run-1")

    def come(asked: str, key: str) -> None:
        if asked == operation and (operation != "put" or key == KEY):
            store.before = lambda _operation, _key: None
            put(store, other, "run-3")

    store.before = come
    put(store, b"PAR1 b", "run-2")
    assert [get(store, f"run-{it}") for it in (1, 2, 3)] == [b"PAR1 a", b"PAR1 b", other]


def test_a_damaged_note_is_named(any_store: ObjectStore) -> None:
    put(any_store, b"PAR1 a", "run-1")
    any_store.put(run_key("run-1", f"{NAME}.json"), json.dumps([]).encode(), content_type="")
    with pytest.raises(StoreError, match="note of a table"):
        get(any_store, "run-1")
