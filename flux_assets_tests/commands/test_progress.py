import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.commands.people import people
from flux_assets.commands.progress import Pace, ProgressWatch, RunProgress, show_progress
from flux_assets.commands.run_watch import watch_run
from flux_assets.defs.bucket_events import COST_USD, LANDED
from flux_assets.defs.events import TO_OBTAIN
from flux_assets.defs.names import Names
from flux_assets.settings import Settings
from flux_assets_tests.fixtures.command_line import make_workplace

SAMPLE = Settings()


class Minutes:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def build_progress(landed: int, total: int | None = 100) -> RunProgress:
    return RunProgress(landed=landed, total=total, cost_usd=0.07 * landed)


def test_rate_cost_and_time_left_are_told_once_something_has_landed() -> None:
    clock = Minutes()
    pace = Pace(clock=clock)
    assert pace.describe(build_progress(0), is_sample=False) == "0.00 USD"
    clock.seconds = 30
    told = pace.describe(build_progress(20), is_sample=False)
    assert told == "40 a minute, 1.40 USD, 2:00 left"


def test_the_rate_is_that_of_the_last_minute() -> None:
    clock = Minutes()
    pace = Pace(clock=clock)
    for minute, landed in enumerate((0, 60, 66, 72)):
        clock.seconds = 60 * minute
        told = pace.describe(build_progress(landed), is_sample=True)
    assert told == "6 a minute, 0 USD (sample), 4:40 left"


def test_what_has_stopped_landing_has_no_time_left_to_tell() -> None:
    clock = Minutes()
    pace = Pace(clock=clock)
    for minute in range(4):
        clock.seconds = 60 * minute
        told = pace.describe(build_progress(10), is_sample=False)
    assert told == "0.70 USD"


def test_off_a_terminal_a_line_is_told_a_minute_from_the_plan_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = io.StringIO()
    monkeypatch.setattr(people, "_file", told)
    with show_progress(SAMPLE) as watch:
        assert watch.seconds == 60
        watch.show(build_progress(0, total=None))
        watch.show(build_progress(12, total=75))
    assert told.getvalue() == "12 of 75 pictures, 0 USD (sample)\n"


@dg.op(out={"effortless": dg.Out()})
def plan_shards() -> Iterator[dg.Output[int]]:
    yield dg.Output(1, output_name="effortless", metadata={TO_OBTAIN: 3})


@dg.op
def generate_shard(context: dg.OpExecutionContext, shard: int) -> None:
    for outcome in ("reused", "generated", "recovered", "generated"):
        context.log_event(
            dg.AssetMaterialization(
                f"hero-{shard}",
                partition=outcome,
                metadata={"outcome": outcome, "cost_usd_estimate": 0.07},
            )
        )


@dg.job
def refresh() -> None:
    generate_shard(plan_shards())


@dg.op
def generate_buckets(context: dg.OpExecutionContext, shard: int) -> None:
    """As of a shop by buckets: what has landed is observed, and a bucket has no outcome."""
    for landed in (2, 1):
        context.log_event(
            dg.AssetObservation(
                f"refreshed-{shard}",
                metadata={LANDED: landed, COST_USD: 0.07 * (landed - 1) + 0.035},
            )
        )
    context.log_event(dg.AssetMaterialization("hero", partition="00", metadata={"pictures": 3}))


@dg.job
def refresh_buckets() -> None:
    generate_buckets(plan_shards())


@pytest.mark.parametrize("job", [refresh, refresh_buckets], ids=["product", "bucket"])
def test_the_total_is_the_run_s_own_and_the_cost_that_of_what_was_bought(
    job: dg.JobDefinition,
) -> None:
    """A picture that is only reported again, or fetched, is not bought."""
    seen: list[RunProgress] = []
    is_seen = threading.Event()

    def show(progress: RunProgress) -> None:
        seen.append(progress)
        is_seen.set()

    with dg.DagsterInstance.ephemeral() as instance:
        tags = {"invocation": "this one"}
        assert job.execute_in_process(instance=instance, tags=tags).success
        watch = ProgressWatch(0, show)
        with watch_run(
            instance,
            Names(),
            tags,
            progress=watch,
            tell=print,
            is_told_to_end=lambda: False,
            stop=print,
        ):
            assert is_seen.wait(60)
    assert (seen[0].landed, seen[0].total) == (3, 3)
    assert seen[0].cost_usd == pytest.approx(0.14)


def test_a_run_that_was_told_to_end_is_stopped_once_even_if_it_loses_the_signal() -> None:
    stopped: list[str] = []
    told: list[str] = []
    is_told = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        is_told.set()

    with dg.DagsterInstance.ephemeral() as instance:
        tags = {"invocation": "this one"}
        done = refresh.execute_in_process(instance=instance, tags=tags)
        with watch_run(
            instance,
            Names(),
            tags,
            progress=ProgressWatch(0, lambda _: None),
            tell=tell,
            is_told_to_end=lambda: True,
            stop=stopped.append,
        ):
            assert is_told.wait(60)
    assert stopped == [done.run_id]
    assert told == ["Ending: calls under way are awaited, so that what they cost is kept."]


REFRESH_THAT_LOSES_ITS_SIGNAL = """
import os
from flux_assets.commands.launch import run_refresh
from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.progress import ProgressWatch
from flux_assets.defs.names import Names
from flux_assets.planning.choices import Choices
from flux_assets.settings import load_settings
prepare_dagster_home()
run_refresh(
    load_settings(os.environ), Names(), Choices(),
    tell=print, is_told_to_end=lambda: True, progress=ProgressWatch(60, print),
)
"""


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_a_run_that_lost_its_signal_buys_no_more(tmp_path: Path, executor: str) -> None:
    workplace = make_workplace(tmp_path)
    done = subprocess.run(  # noqa: S603 - this interpreter and our own text
        [sys.executable, "-W", "ignore", "-c", REFRESH_THAT_LOSES_ITS_SIGNAL],
        cwd=workplace.folder,
        env=workplace.environ({"FLUX_ASSETS_EXECUTOR": executor}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "RunFailedError: it was told to end" in done.stderr
    assert workplace.pictures() == []
