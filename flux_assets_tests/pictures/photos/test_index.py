"""What is remembered of photos' addresses, in every kind of store."""

import datetime as dt
import logging

import pytest

from flux_assets.pictures.photos import index as photos_index
from flux_assets.pictures.photos.index import (
    PHOTOS_KEY,
    RememberedPhoto,
    format_time,
    read_index,
    update_index,
)
from flux_assets.storage.object_store import ObjectStore

EARLY, LATE = "2026-11-03T08:00:00Z", "2026-11-03T09:00:00Z"


def remembered(address: str, checked_at: str = EARLY, etag: str = '"v1"') -> RememberedPhoto:
    return RememberedPhoto(
        address_sha256=address,
        uri=f"https://shop.example/{address}.jpg",
        photo_sha256="c" * 64,
        extension="jpg",
        etag=etag,
        last_modified="",
        checked_at=checked_at,
    )


def test_what_was_written_is_read(any_store: ObjectStore) -> None:
    assert read_index(any_store) == {}
    rows = {address: remembered(address) for address in ("a", "b")}
    update_index(any_store, rows)
    assert read_index(any_store) == rows


def test_each_update_adds_to_what_is_there(any_store: ObjectStore) -> None:
    update_index(any_store, {"a": remembered("a")})
    update_index(any_store, {"b": remembered("b"), "a": remembered("a", LATE, '"v2"')})
    found = read_index(any_store)
    assert (sorted(found), found["a"].etag) == (["a", "b"], '"v2"')


def test_what_was_checked_later_is_not_overwritten(any_store: ObjectStore) -> None:
    update_index(any_store, {"a": remembered("a", LATE, '"v2"')})
    update_index(any_store, {"a": remembered("a", EARLY, '"v1"')})
    assert read_index(any_store)["a"].etag == '"v2"'


class Overtaken:
    """A store in which another run writes before each of the first puts."""

    def __init__(self, store: ObjectStore, times: int) -> None:
        self.store = store
        self.times = times

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def put(self, *args: object, **options: object) -> object:
        if self.times:
            self.times -= 1
            update_index(self.store, {f"other{self.times}": remembered(f"other{self.times}")})
        return self.store.put(*args, **options)  # type: ignore[arg-type]


def test_two_runs_that_write_at_once_keep_both_their_rows(any_store: ObjectStore) -> None:
    store: ObjectStore = Overtaken(any_store, times=2)  # type: ignore[assignment]
    update_index(store, {"a": remembered("a")})
    assert sorted(read_index(any_store)) == ["a", "other0", "other1"]


def test_a_run_that_never_comes_first_goes_on_without(
    any_store: ObjectStore, caplog: pytest.LogCaptureFixture
) -> None:
    store: ObjectStore = Overtaken(any_store, times=100)  # type: ignore[assignment]
    update_index(store, {"a": remembered("a")})
    assert "1 photos are asked for again" in caplog.text
    assert "a" not in read_index(any_store)


@pytest.mark.parametrize("data", [b"", b"no table", b"PAR1" + bytes(100) + b"PAR1"])
def test_a_damaged_table_is_warned_of_and_written_anew(
    any_store: ObjectStore, caplog: pytest.LogCaptureFixture, data: bytes
) -> None:
    any_store.put(PHOTOS_KEY, data, content_type="application/vnd.apache.parquet")
    with caplog.at_level(logging.WARNING):
        assert read_index(any_store) == {}
    assert "is damaged" in caplog.text
    update_index(any_store, {"a": remembered("a")})
    assert list(read_index(any_store)) == ["a"]


def test_the_addresses_checked_longest_ago_are_forgotten_first(
    any_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photos_index, "MAX_REMEMBERED", 2)
    update_index(any_store, {"a": remembered("a"), "b": remembered("b", LATE)})
    update_index(any_store, {"c": remembered("c", LATE)})
    assert sorted(read_index(any_store)) == ["b", "c"]


def test_times_sort_as_text() -> None:
    zone = dt.UTC
    times = [dt.datetime(2026, 9, 30, 23, tzinfo=zone), dt.datetime(2026, 10, 1, tzinfo=zone)]
    assert [format_time(time) for time in times] == sorted(format_time(time) for time in times)
