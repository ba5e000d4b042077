"""What a run that is under way in this process has done so far, and for whom it waits."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterEventType
from sqlalchemy.exc import SQLAlchemyError  # what Dagster's storage raises

from flux_assets.defs.names import Names
from flux_assets.defs.waited_for import describe_wait

_WATCH_SECONDS = 0.3
_TELL_SECONDS = 5
_TELL_OFTEN_FOR = 12
_TELL_LATER_SECONDS = 60
_ENDING_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a run is: pictures that have landed, of those it is to buy; None before the plan."""

    landed: int
    to_buy: int | None


@contextmanager
def watch_run(
    instance: dg.DagsterInstance,
    names: Names,
    tags: Mapping[str, str],
    *,
    on_progress: Callable[[RunProgress], None] | None,
    tell: Callable[[str], None],
    is_told_to_end: Callable[[], bool],
) -> Iterator[None]:
    """Within the block, tell from another thread what becomes of the run with these tags.

    Args:
        instance: that it runs in.
        names: of the shop whose it is.
        tags: that no other run has.
        on_progress: called now and then; for it, every event is read back.
        tell: called every few seconds with a sentence while the run waits for another, and every
            minute once it has been told a dozen times; and once where it takes long to end.
        is_told_to_end: whether a signal has come that ends it.
    """
    done = threading.Event()
    waits = _Waits(instance, names, tell)
    ending = _Ending(is_told_to_end, tell)
    counter = _Counter(instance, names)

    def watch() -> None:
        while not done.wait(_WATCH_SECONDS):
            ending.look()
            if not on_progress and not waits.is_due():
                continue
            try:
                for run in instance.get_runs(dg.RunsFilter(tags=tags), limit=1):
                    waits.look(run.run_id)
                    if on_progress:
                        on_progress(counter.look(run.run_id))
            except SQLAlchemyError:  # the run itself fails of it, if it lasts
                continue

    thread = threading.Thread(target=watch, name="run watch", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class _Ending:
    """Tells once why a run that was told to end does not end yet."""

    def __init__(self, is_told_to_end: Callable[[], bool], tell: Callable[[str], None]) -> None:
        self._is_told_to_end = is_told_to_end
        self._tell = tell
        self._tell_at: float | None = None

    def look(self) -> None:
        if self._tell_at is None and self._is_told_to_end():
            self._tell_at = time.monotonic() + _ENDING_SECONDS
        elif self._tell_at is not None and time.monotonic() >= self._tell_at:
            self._tell_at = math.inf
            self._tell("Ending: the calls under way are awaited, so that what they cost is kept.")


class _Waits:
    """Tells for whom a run waits, often at first."""

    def __init__(
        self, instance: dg.DagsterInstance, names: Names, tell: Callable[[str], None]
    ) -> None:
        self._instance = instance
        self._names = names
        self._tell = tell
        self._told = 0
        self._look_at = time.monotonic() + _TELL_SECONDS

    def is_due(self) -> bool:
        return time.monotonic() >= self._look_at

    def look(self, run_id: str) -> None:
        if not self.is_due():
            return
        told = describe_wait(self._instance, self._names, run_id)
        if told:
            self._tell(told)
            self._told += 1
        is_often = self._told < _TELL_OFTEN_FOR
        pause = _TELL_SECONDS if is_often else _TELL_LATER_SECONDS
        self._look_at = time.monotonic() + pause


class _Counter:
    """Counts a run's materializations from its events, each read once."""

    def __init__(self, instance: dg.DagsterInstance, names: Names) -> None:
        self._instance = instance
        self._plan_key = names.key("image_plan")
        self._cursor: str | None = None
        self._landed = 0
        self._to_buy: int | None = None

    def look(self, run_id: str) -> RunProgress:
        while True:
            page = self._instance.get_records_for_run(
                run_id, cursor=self._cursor, of_type=DagsterEventType.ASSET_MATERIALIZATION
            )
            self._cursor = page.cursor
            for record in page.records:
                event = record.event_log_entry.asset_materialization
                if event is None:
                    continue
                if event.partition is not None:
                    self._landed += 1
                elif event.asset_key == self._plan_key:
                    self._to_buy = int(str(event.metadata["to_buy"].value))
            if not page.has_more:
                return RunProgress(landed=self._landed, to_buy=self._to_buy)
