from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

import alembic.util
import dagster as dg
import pytest

OpenPooled = Callable[[int], AbstractContextManager[dg.DagsterInstance]]


@pytest.fixture(scope="session", autouse=True)
def migrations_loaded_once() -> Iterator[None]:
    """Each new database of Dagster's has all its migrations loaded anew, and none of them run."""
    files = alembic.util
    load_anew, load_once = files.load_python_file, cache(files.load_python_file)

    def load(folder: Any, name: Any) -> Any:  # noqa: ANN401 - alembic's own
        is_run = name == "env.py"
        return (load_anew if is_run else load_once)(folder, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "load_python_file", load)
        yield


@pytest.fixture(scope="session", autouse=True)
def nothing_in_memory_is_migrated() -> Iterator[None]:
    """Each instance in memory has its tables marked for migrations, which takes most of its making.

    They are made as they are to be, and gone with the test.
    """
    with pytest.MonkeyPatch.context() as patch:
        for tables in ("event_log", "runs"):
            place = f"dagster._core.storage.{tables}.in_memory.stamp_alembic_rev"
            patch.setattr(place, lambda *_: None, raising=False)
        yield


@pytest.fixture
def open_pooled(home: Path) -> OpenPooled:
    """Opens an instance on disk whose pools have so many slots each."""

    def open_pooled(slots: int) -> AbstractContextManager[dg.DagsterInstance]:
        pools = {"concurrency": {"pools": {"granularity": "op", "default_limit": slots}}}
        return dg.instance_for_test(overrides=pools, temp_dir=str(home))

    return open_pooled
