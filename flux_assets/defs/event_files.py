"""SQLite's files of a run's events, held open while many events are logged."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import dagster as dg

_INDEX = "index"
"""Dagster's name for the file that has the asset events of all runs."""


@contextmanager
def event_files_held_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Spare each event a third of its CPU time; does nothing where events are not in SQLite.

    Dagster writes each event over new connections. SQLite has whoever is the last to close a
    database move its whole write-ahead log into it and delete the log, durably. A connection that
    stays open, without any transaction, leaves that to the end. Every event is on the disk all
    the same when it is logged.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage  # noqa: PLC0415 - loads SQLAlchemy

    with ExitStack() as stack:
        storage = instance.event_log_storage
        if isinstance(storage, SqliteEventLogStorage):
            for name in (run_id, _INDEX):
                uri = f"{Path(storage.path_for_shard(name)).absolute().as_uri()}?mode=rw"
                with suppress(sqlite3.Error):  # events are logged without it as well
                    connection = stack.enter_context(closing(sqlite3.connect(uri, uri=True)))
                    connection.execute("PRAGMA schema_version").fetchall()  # opens the file
        yield
