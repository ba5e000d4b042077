"""SQLite's files of a run's events, held open while many events are logged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from dagster._core.storage.event_log import SqliteEventLogStorage
    from sqlalchemy import Connection

_INDEX = "index"
"""Dagster's name for the file that has the asset events of all runs."""


@contextmanager
def event_files_held_open(instance: dg.DagsterInstance, run_id: str) -> Iterator[None]:
    """Spare this thread's events half of their CPU time; does nothing where SQLite has none.

    Dagster writes each event over new connections of new database engines. So all its statements
    are compiled anew, and SQLite has whoever is the last to close a database move its whole
    write-ahead log into it and delete the log, durably. Here one connection to each file serves
    all of this thread's events, and leaves that to the end. Each event is still a transaction of
    its own, on the disk when it is logged; other threads' events go Dagster's way.
    """
    from dagster._core.storage.event_log import SqliteEventLogStorage

    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        yield
        return
    with ExitStack() as stack:
        files = _OpenFiles(storage, run_id, stack)
        replaced = {
            "run_connection": files.run_connection,
            "index_connection": files.index_connection,
            "has_table": cache(storage.has_table),
        }
        vars(storage).update(replaced)
        try:
            yield
        finally:
            for name in replaced:
                vars(storage).pop(name, None)  # another thread's block may have ended before


class _OpenFiles:
    """Stands in for the storage's own connections, in the thread that made it."""

    def __init__(self, storage: "SqliteEventLogStorage", run_id: str, stack: ExitStack) -> None:
        self._storage = storage
        self._class = type(storage)  # whose methods no other thread's block replaces
        self._run_id = run_id
        self._stack = stack
        self._thread = threading.get_ident()
        self._connections: dict[str, Connection] = {}

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager["Connection"]:
        def connect() -> Any:  # noqa: ANN401 - as Dagster has it
            return self._class.run_connection(self._storage, run_id)

        return self._keep_open(self._run_id, connect) if run_id == self._run_id else connect()

    def index_connection(self) -> AbstractContextManager["Connection"]:
        return self._keep_open(_INDEX, lambda: self._class.index_connection(self._storage))

    @contextmanager
    def _keep_open(
        self, name: str, connect: Callable[[], AbstractContextManager["Connection"]]
    ) -> Iterator["Connection"]:
        if threading.get_ident() != self._thread:
            with connect() as connection:
                yield connection
            return
        if name not in self._connections:
            with connect() as connection:
                engine = connection.engine
            self._connections[name] = self._stack.enter_context(engine.connect())
        with self._connections[name].begin():
            yield self._connections[name]
