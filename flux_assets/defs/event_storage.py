"""Dagster's SQLite storage whose event files stay open while a step logs; for `dagster.yaml`."""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection

from flux_assets.defs.tried_dagster import is_tried

_INDEX = "index"
_EVENT_FOLDER = ("history", "runs")
"""Where Dagster's own storage has its events, below its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OpenFiles:
    """A run's file and the index of all runs, each opened by its first transaction."""

    run_id: str
    connections: dict[str, Connection] = field(default_factory=dict)

    @contextmanager
    def transaction(
        self, shard: str, dagsters_own: AbstractContextManager[Connection]
    ) -> Iterator[Connection]:
        """One transaction over the file's one connection; Dagster's own makes a missing file."""
        if shard not in self.connections:
            with dagsters_own as first:
                engine = first.engine
            self.connections[shard] = engine.connect()
        with self.connections[shard].begin():
            yield self.connections[shard]

    def close(self) -> None:
        for connection in self.connections.values():
            connection.close()


class StepEventLogStorage(SqliteEventLogStorage):
    """Spares a step's events half of their CPU time.

    Dagster writes each event over new connections of new database engines. So all its statements
    are compiled anew, and SQLite has whoever is the last to close a database move its whole
    write-ahead log into it and delete the log, durably. Here one connection to each file serves
    all events that a thread logs for one run's steps, until it logs another or the instance is
    disposed of. Each event is still a transaction of its own, on the disk when it is logged. What
    logs no step's event, as the web server and the daemon, opens and closes as Dagster does.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # By process too: a forked child must neither use nor close its parent's connections.
        self._open_files: dict[tuple[int, int], _OpenFiles] = {}
        self._tables: set[str] = set()
        super().__init__(base_dir, inst_data)

    def store_event(self, event: Any) -> None:  # noqa: ANN401 - Dagster's EventLogEntry
        """Log one event, over this thread's open files where it is a step's."""
        files = self._files_of_this_thread()
        run_id = event.run_id if event.step_key else None
        if files and files.run_id != run_id:
            self._open_files.pop(_this_thread()).close()
        if run_id:
            self._open_files.setdefault(_this_thread(), _OpenFiles(run_id=run_id))
        super().store_event(event)

    def run_connection(self, run_id: str | None = None) -> Any:  # noqa: ANN401 - as Dagster has it
        """A transaction on a run's file."""
        dagsters_own = super().run_connection(run_id)
        files = self._files_of_this_thread()
        if files and files.run_id == run_id:
            return files.transaction(run_id, dagsters_own)
        return dagsters_own

    def index_connection(self) -> AbstractContextManager[Connection]:
        """A transaction on the file that has the asset events of all runs."""
        dagsters_own = super().index_connection()
        files = self._files_of_this_thread()
        return files.transaction(_INDEX, dagsters_own) if files else dagsters_own

    def has_table(self, table_name: str) -> bool:
        """Whether there is such a table, asked for until there is: none ever goes."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        """Delete all events, and the runs' files with them."""
        self._close_files()
        super().wipe()

    def dispose(self) -> None:
        """Close what this process has open."""
        self._close_files()
        super().dispose()

    def _files_of_this_thread(self) -> _OpenFiles | None:
        return self._open_files.get(_this_thread())

    def _close_files(self) -> None:
        for process_and_thread in list(self._open_files):
            if process_and_thread[0] == os.getpid():
                self._open_files.pop(process_and_thread).close()


class StepSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage, its files where they always are, with `StepEventLogStorage`.

    With a Dagster that is not tried yet it is Dagster's own storage and nothing more.

    In `dagster.yaml`: `storage: {custom: {module: flux_assets.defs.event_storage,
    class: StepSqliteStorage, config: {base_dir: ...}}}`, the folder being that of
    `storage: {sqlite: {base_dir: ...}}`.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        if is_tried():
            folder = Path(base_dir, *_EVENT_FOLDER)
            self._event_log_storage = StepEventLogStorage(str(folder))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]
    ) -> Self:
        """Open it, as `dagster.yaml` says."""
        return cls.from_local(inst_data=inst_data, **config_value)


def storage_config(base_dir: str) -> dict[str, Any]:
    """What `storage` of a `dagster.yaml` is, to have this in a folder."""
    return {
        "custom": {
            "module": StepSqliteStorage.__module__,
            "class": StepSqliteStorage.__name__,
            "config": {"base_dir": base_dir},
        }
    }


def _this_thread() -> tuple[int, int]:
    return os.getpid(), threading.get_ident()
