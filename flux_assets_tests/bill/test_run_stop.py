import json
from pathlib import Path

import pytest

from flux_assets.bill.run_stop import RunStop
from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import run_key
from flux_assets_tests.fixtures.hooked_store import HookedStore

STOP_KEY = run_key("run-1", "stop.json")


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def test_a_run_may_go_on_until_it_is_stopped(store: HookedStore) -> None:
    stop = RunStop(store, "run-1")
    assert stop.reason() == ""
    assert not stop.event.is_set()


def test_a_stop_reaches_the_runs_other_processes_and_no_other_run(store: HookedStore) -> None:
    here, there, other_run = (RunStop(store, run) for run in ("run-1", "run-1", "run-2"))

    here.trip("the key is not accepted")

    assert here.event.is_set()
    assert there.reason() == "the key is not accepted"
    assert there.event.is_set()
    assert other_run.reason() == ""


def test_whoever_watches_a_run_from_outside_stops_it_where_it_is_at_work(
    store: HookedStore,
) -> None:
    at_work = RunStop(store, "run-1")
    RunStop(store, "run-1").tell_shards("it was told to end")
    assert at_work.reason() == "it was told to end"


def test_the_first_reason_stays(store: HookedStore) -> None:
    stop = RunStop(store, "run-1")
    stop.trip("the first")
    stop.trip("the second")
    RunStop(store, "run-1").trip("the third")

    assert stop.reason() == "the first"
    assert json.loads(store.get(STOP_KEY).data) == {"reason": "the first"}


def test_a_halt_stops_this_process_only(store: HookedStore) -> None:
    here, there = RunStop(store, "run-1"), RunStop(store, "run-1")
    here.halt("interrupted")
    assert here.reason() == "interrupted"
    assert there.reason() == ""


def test_a_store_that_cannot_be_asked_is_no_leave_to_send(store: HookedStore) -> None:
    def before(_operation: str, key: str) -> None:
        raise StoreError(key, "read", "no connection")

    store.before = before
    with pytest.raises(StoreError, match="no connection"):
        RunStop(store, "run-1").reason()


@pytest.mark.parametrize("error", [StoreError, ConditionFailedError])
def test_a_stop_holds_here_even_if_the_store_cannot_be_told(
    store: HookedStore, error: type[StoreError]
) -> None:
    def before(operation: str, key: str) -> None:
        if operation == "put":
            raise error(key, "write", "injected")

    store.before = before
    stop = RunStop(store, "run-1")
    stop.trip("the key is not accepted")
    assert stop.reason() == "the key is not accepted"


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"why": "x"}'])
def test_a_stop_that_cannot_be_read_lets_nothing_be_sent(store: HookedStore, data: bytes) -> None:
    store.put("runs/run-1/stop.json", data, content_type="application/json")
    stop = RunStop(store, "run-1")
    with pytest.raises(StoreError, match=r"stop\.json: it is no reason .*start another one"):
        stop.reason()
