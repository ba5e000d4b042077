"""What a run that is under way in this process has done so far, and for whom it waits."""

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import dagster as dg
from dagster import DagsterEventType
from sqlalchemy.exc import SQLAlchemyError  # what Dagster's storage raises

from flux_assets.commands.progress import ProgressWatch, RunProgress
from flux_assets.defs.bucket_events import COST_USD, LANDED
from flux_assets.defs.events import TO_OBTAIN
from flux_assets.defs.names import Names
from flux_assets.defs.unwanted import SKIPPED
from flux_assets.defs.waited_for import describe_wait

_TELLING = {
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.STEP_OUTPUT,
}
_WATCH_SECONDS = 0.3
_TELL_SECONDS = 5
_TELL_OFTEN_FOR = 12
_TELL_LATER_SECONDS = 60
_ENDING_SECONDS = 0.3


@contextmanager
def watch_run(
    instance: dg.DagsterInstance,
    names: Names,
    tags: Mapping[str, str],
    *,
    progress: ProgressWatch,
    tell: Callable[[str], None],
    is_told_to_end: Callable[[], bool],
    stop: Callable[[str], None],
) -> Iterator[None]:
    """Within the block, tell from another thread what becomes of the run with these tags.

    Args:
        instance: that it runs in.
        names: of the shop whose it is.
        tags: that no other run has.
        progress: what is told now and then of how far the run is.
        tell: called every few seconds with a sentence while the run waits for another, and every
            minute once it has been told a dozen times; and once where it takes long to end.
        is_told_to_end: whether a signal has come that ends it.
        stop: called with the run's id once it has: where the exception that a signal raises is
            lost on its way, the run must not go on buying.
    """
    done = threading.Event()
    waits = _Waits(instance, names, tell)
    ending = _Ending(is_told_to_end, stop, tell)
    counter = _Counter(instance, progress)

    def watch() -> None:
        while not done.wait(_WATCH_SECONDS):
            ending.look()
            if not (ending.is_due() or counter.is_due() or waits.is_due()):
                continue
            try:
                for run in instance.get_runs(dg.RunsFilter(tags=tags), limit=1):
                    ending.stop(run.run_id)
                    waits.look(run.run_id)
                    counter.look(run.run_id)
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
    """Stops a run that was told to end, and tells once why it does not end yet."""

    def __init__(
        self,
        is_told_to_end: Callable[[], bool],
        stop: Callable[[str], None],
        tell: Callable[[str], None],
    ) -> None:
        self._is_told_to_end = is_told_to_end
        self._stop = stop
        self._tell = tell
        self._tell_at: float | None = None
        self._is_stopped = False

    def is_due(self) -> bool:
        return self._tell_at is not None and not self._is_stopped

    def stop(self, run_id: str) -> None:
        if self.is_due():
            self._stop(run_id)
            self._is_stopped = True

    def look(self) -> None:
        if self._tell_at is None and self._is_told_to_end():
            self._tell_at = time.monotonic() + _ENDING_SECONDS
        elif self._tell_at is not None and time.monotonic() >= self._tell_at:
            self._tell_at = math.inf
            self._tell("Ending: calls under way are awaited, so that what they cost is kept.")


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
    """Tells how far a run is by its events, each read once."""

    def __init__(self, instance: dg.DagsterInstance, progress: ProgressWatch) -> None:
        self._instance = instance
        self._progress = progress
        self._look_at = time.monotonic() + progress.seconds
        self._cursor: str | None = None
        self._landed = 0
        self._total: int | None = None
        self._cost_usd = 0.0

    def is_due(self) -> bool:
        return time.monotonic() >= self._look_at

    def look(self, run_id: str) -> None:
        if not self.is_due():
            return
        self._look_at = time.monotonic() + self._progress.seconds
        has_more = True
        while has_more:
            page = self._instance.get_records_for_run(run_id, cursor=self._cursor, of_type=_TELLING)
            self._cursor = page.cursor
            has_more = page.has_more
            for record in page.records:
                self._count(record.event_log_entry)
        self._progress.show(
            RunProgress(landed=self._landed, total=self._total, cost_usd=self._cost_usd)
        )

    def _count(self, entry: dg.EventLogEntry) -> None:
        event, observed = entry.asset_materialization, entry.asset_observation
        if event is not None and "outcome" in event.metadata:
            outcome = event.metadata["outcome"].value
            self._landed += outcome not in {"reused", SKIPPED}
            if outcome == "generated":
                self._cost_usd += float(str(event.metadata[COST_USD].value))
        elif observed is not None and LANDED in observed.metadata:
            self._landed += int(str(observed.metadata[LANDED].value))
            self._cost_usd += float(str(observed.metadata[COST_USD].value))
        elif entry.dagster_event and entry.dagster_event.is_successful_output:
            metadata = entry.dagster_event.step_output_data.metadata
            if TO_OBTAIN in metadata:
                self._total = int(str(metadata[TO_OBTAIN].value))
