from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.errors import StoreError
from flux_assets.storage.change_object import ChangeConflictError, change_object, replace_object
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectBody, ObjectInfo
from flux_assets_tests.fixtures.hooked_store import HookedStore

KEY = "tables/count"


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def count_one(found: ObjectBody | None) -> bytes:
    return b"%d" % (int(found.data) + 1 if found else 1)


def change(store: HookedStore, *, tries: int = 10) -> bytes:
    return change_object(store, KEY, count_one, content_type="text/plain", tries=tries).data


def others_write(store: HookedStore, numbers: Iterator[int]) -> None:
    """Have somebody else change the object right before each of our writes, while they last."""

    def before(operation: str, _key: str) -> None:
        number = next(numbers, None) if operation == "put" else None
        if number is not None:
            store._inner.put(KEY, b"%d" % number, content_type="text/plain")

    store.before = before


def test_what_is_not_there_is_made_and_then_changed(store: HookedStore) -> None:
    assert (change(store), change(store), store.get(KEY).data) == (b"1", b"2", b"2")


def test_another_writers_change_is_built_upon_and_not_lost(store: HookedStore) -> None:
    others_write(store, iter([10, 20]))
    assert change(store) == b"21" == store.get(KEY).data


def test_what_is_decided_to_stay_is_not_written(store: HookedStore) -> None:
    change(store)
    written: list[str] = []
    store.before = lambda operation, _key: written.append(operation)
    kept = change_object(store, KEY, lambda _: None, content_type="text/plain")
    assert (kept.data, kept.is_written, written) == (b"1", False, ["get"])


def test_after_so_many_tries_it_is_an_error_that_names_the_object(store: HookedStore) -> None:
    others_write(store, iter(range(100)))
    with pytest.raises(ChangeConflictError, match="tables/count: other writers always came first"):
        change(store, tries=3)
    assert store.get(KEY).data == b"2"


def test_an_error_of_the_store_is_not_tried_again(store: HookedStore) -> None:
    asked: list[str] = []

    def before(operation: str, key: str) -> None:
        asked.append(operation)
        if operation == "put":
            raise StoreError(key, "write", "the disk is full")

    store.before = before
    with pytest.raises(StoreError, match="the disk is full"):
        change(store)
    assert asked == ["get", "put"]


def replace(store: HookedStore, number: int, *, tries: int = 10) -> bool:
    """Write a number over one that is lower, as the object's metadata says."""

    def decide(found: ObjectInfo | None) -> list[bytes] | None:
        is_lower = found is None or int(found.metadata.get("number", "0")) < number
        return [b"number ", b"%d" % number] if is_lower else None

    said = {"number": str(number)}
    return replace_object(store, KEY, decide, content_type="text/plain", metadata=said, tries=tries)


def test_what_is_replaced_is_written_in_parts_and_never_read(store: HookedStore) -> None:
    operations: list[str] = []
    store.before = lambda operation, _key: operations.append(operation)
    assert [replace(store, 1), replace(store, 2), replace(store, 2)] == [True, True, False]
    assert operations == ["head", "put", "head", "put", "head"]
    assert store.get(KEY).data == b"number 2"
    assert store.get(KEY).metadata == {"number": "2"}


def test_a_replacement_looks_anew_where_another_writer_came_first(store: HookedStore) -> None:
    others_write(store, iter([10]))
    assert replace(store, 7)
    assert store.get(KEY).data == b"number 7"


def test_a_replacement_too_ends_after_so_many_tries(store: HookedStore) -> None:
    others_write(store, iter(range(100)))
    with pytest.raises(ChangeConflictError, match="tables/count: other writers always came first"):
        replace(store, 7, tries=3)
    assert store.get(KEY).data == b"2"
