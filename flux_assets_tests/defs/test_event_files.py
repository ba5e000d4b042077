"""SQLite's files of a run's events, which stay open while many events are logged."""

import threading
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from flux_assets.defs.event_files import event_files_held_open

NO_RUN = ""
"""Where Dagster keeps events that are of no run."""

PICTURE = dg.AssetKey("picture")


def _log_event(instance: dg.DagsterInstance, partition: str | None = None) -> None:
    instance.report_runless_asset_event(
        dg.AssetMaterialization(PICTURE, partition=partition, tags={"dagster/data_version": "1"})
    )


def _count_events(instance: dg.DagsterInstance) -> int:
    return len(instance.fetch_materializations(PICTURE, limit=100).records)


def _fill_the_disk_while_writing(storage: SqliteEventLogStorage) -> None:
    with storage.index_connection() as connection:
        connection.exec_driver_sql("DELETE FROM event_logs")
        raise OSError("the disk is full")


def test_no_event_moves_the_log_into_its_database_while_the_files_are_held_open(
    tmp_path: Path,
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        _log_event(instance)
        assert not list(tmp_path.rglob("*.db-wal"))
        with event_files_held_open(instance, NO_RUN):
            _log_event(instance)
            logs = {path.name for path in tmp_path.rglob("*.db-wal")}
        assert not list(tmp_path.rglob("*.db-wal"))

        assert logs == {"index.db-wal", ".db-wal"}
        assert _count_events(instance) == 2


def test_each_event_is_there_for_others_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        dg.DagsterInstance.local_temp(str(tmp_path)) as web_server,
        event_files_held_open(instance, NO_RUN),
    ):
        for number in range(1, 4):
            _log_event(instance, str(number))
            tags = web_server.event_log_storage.get_latest_tags_by_partition(
                PICTURE,
                dg.DagsterEventType.ASSET_MATERIALIZATION,
                tag_keys=["dagster/data_version"],
            )
            assert set(tags) == {str(n) for n in range(1, number + 1)}
            assert _count_events(web_server) == number


def test_an_event_that_cannot_be_logged_leaves_nothing_behind_and_the_next_is_logged(
    tmp_path: Path,
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqliteEventLogStorage)
        with event_files_held_open(instance, NO_RUN):
            _log_event(instance)
            with pytest.raises(OSError, match="full"):
                _fill_the_disk_while_writing(storage)
            _log_event(instance)
            assert _count_events(instance) == 2


def test_events_of_other_threads_and_runs_are_logged_meanwhile(tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        event_files_held_open(instance, "a-run"),
    ):
        _log_event(instance)
        other = threading.Thread(target=_log_event, args=(instance,))
        other.start()
        other.join()
        _log_event(instance)
        assert _count_events(instance) == 3


def test_another_thread_may_log_while_this_one_is_in_the_middle_of_it(tmp_path: Path) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        storage = instance.event_log_storage
        assert isinstance(storage, SqliteEventLogStorage)
        other = threading.Thread(target=_log_event, args=(instance,))
        with event_files_held_open(instance, NO_RUN):
            with storage.index_connection():
                other.start()
                other.join()
            _log_event(instance)
            assert _count_events(instance) == 2


def test_two_threads_may_hold_the_files_open_and_end_in_any_order(tmp_path: Path) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def log_between(instance: dg.DagsterInstance) -> None:
        with event_files_held_open(instance, NO_RUN):
            _log_event(instance)
            has_begun.set()
            may_end.wait(60)
            _log_event(instance)

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        other = threading.Thread(target=log_between, args=(instance,))
        with event_files_held_open(instance, NO_RUN):
            _log_event(instance)
            other.start()
            assert has_begun.wait(60)
            _log_event(instance)
        _log_event(instance)
        may_end.set()
        other.join()
        assert _count_events(instance) == 5
    assert not list(tmp_path.rglob("*.db-wal"))


def test_events_are_logged_where_a_run_has_no_file_yet(tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        event_files_held_open(instance, "a-run-without-events"),
    ):
        _log_event(instance)
        assert _count_events(instance) == 1
    assert not list(tmp_path.rglob("a-run-without-events.db"))


def test_another_event_storage_is_left_alone() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        event_files_held_open(instance, "a-run"),
    ):
        _log_event(instance)
        assert _count_events(instance) == 1
