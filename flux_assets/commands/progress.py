"""How far a run is: a bar that moves at a terminal, else a line a minute."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from flux_assets.commands.people import people
from flux_assets.settings import Settings

_STANDARD_ERROR = 2
_BAR_SECONDS = 0.3
_LINE_SECONDS = 60
_PACE_SECONDS = 60
_BAR_WIDTH = 16
"""Leaves room for the rest in 80 columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """Pictures that have landed, of those that the run obtains; None before it has planned.

    `cost_usd` is what those that were bought cost by the settings.
    """

    landed: int
    total: int | None
    cost_usd: float


@dataclass(frozen=True, slots=True)
class ProgressWatch:
    """What is told of the progress, every so many seconds; each time, new events are read."""

    seconds: float
    show: Callable[[RunProgress], None]


@dataclass(slots=True, kw_only=True)
class Pace:
    """How fast pictures land: over the last minute, since one call takes half of it."""

    clock: Callable[[], float] = time.monotonic
    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def describe(self, progress: RunProgress, *, is_sample: bool) -> str:
        """The rate, the cost so far and the time left, as far as they are known."""
        rate = self._note(progress.landed)
        parts = [f"{60 * rate:.0f} a minute"] if rate else []
        parts.append("0 USD (sample)" if is_sample else f"{progress.cost_usd:.2f} USD")
        left = max((progress.total or 0) - progress.landed, 0)
        if rate and left:
            minutes, seconds = divmod(round(left / rate), 60)
            parts.append(f"{minutes}:{seconds:02} left")
        return ", ".join(parts)

    def _note(self, landed: int) -> float:
        """Pictures a second, up to now; 0 where none has landed lately."""
        now = self.clock()
        self._seen.append((now, landed))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _PACE_SECONDS:
            self._seen.popleft()
        then, before = self._seen[0]
        return (landed - before) / (now - then) if now > then else 0


@contextmanager
def show_progress(settings: Settings) -> Iterator[ProgressWatch]:
    """Within the block, what the watch is told is shown."""
    pace = Pace()
    if not people.is_terminal:

        def tell(progress: RunProgress) -> None:
            if progress.total:
                details = pace.describe(progress, is_sample=settings.is_sample)
                people.print(
                    f"{progress.landed} of {progress.total} pictures, {details}", soft_wrap=True
                )

        yield ProgressWatch(_LINE_SECONDS, tell)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=_BAR_WIDTH),
        TimeElapsedColumn(),
        TextColumn("{task.fields[details]}"),
    )
    bar = Progress(*columns, console=people, redirect_stdout=False, redirect_stderr=False)
    with _keep_others_off(), bar:
        task = bar.add_task("Reading the catalog", total=None, details="")

        def move(progress: RunProgress) -> None:
            if progress.total is None:
                return
            total = max(progress.total, progress.landed)
            details = pace.describe(progress, is_sample=settings.is_sample)
            bar.update(
                task,
                description="Writing the tables" if progress.landed == total else "Pictures",
                total=total,
                completed=progress.landed,
                details=f"{progress.landed}/{total}, {details}",
            )

        yield ProgressWatch(_BAR_SECONDS, move)


@contextmanager
def _keep_others_off() -> Iterator[None]:
    """Keep off the terminal what steps write, which Dagster's logs have, and how its helpers end.

    Ctrl-C goes to those, too, and they end with a traceback.
    """
    kept = os.dup(_STANDARD_ERROR)
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), _STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(kept, _STANDARD_ERROR)
        os.close(kept)
