"""Runs the refresh job from the shell, in the same Dagster instance that the UI shows."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
from dagster._core.execution.api import execute_run

from flux_assets.bill.open_ledger import RunIdentity
from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.summary import KINDS, RunSummary
from flux_assets.commands.code_location import find_job_origin
from flux_assets.commands.component import component_file
from flux_assets.commands.dagster_home import is_home_made, open_instance
from flux_assets.commands.progress import ProgressWatch
from flux_assets.commands.run_watch import watch_run
from flux_assets.defs.automation import DEAD_RUNS_SENSOR
from flux_assets.defs.events import is_run_dead
from flux_assets.defs.failures import explain_failure
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.manifest import FEW_FAILED_CHECK
from flux_assets.defs.names import Names
from flux_assets.defs.pools import SHOWN_ID
from flux_assets.defs.resources import StoreResource
from flux_assets.defs.run_choices import choices_node
from flux_assets.defs.run_processes import process_tags
from flux_assets.defs.runs import end_dead_runs
from flux_assets.errors import FluxAssetsError
from flux_assets.manifest.shortfalls import NOT_ASKED, read_shortfalls
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.planning.choices import Choices
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore, run_key
from flux_assets.storage.parquet import open_table

_INVOCATION_TAG = "flux_assets/invocation"


class RunFailedError(FluxAssetsError):
    """The run stopped; the text says why and where to look."""

    def __init__(self, run_id: str, step: str, reason: str) -> None:
        super().__init__(
            f"{reason}\n(step {step} of run {run_id}; `flux-assets dev` shows its log)"
        )
        self.run_id = run_id
        self.step = step
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshReport:
    """What a refresh came to; `shortfalls` are as `read_shortfalls` gives them.

    `is_limited` says that only so many pictures were asked for, so that more are to come.
    `before_and_after` are the addresses of one photo and of the picture made from it, if there is
    any. `failure` says why the run failed although it went to its end.
    """

    run_id: str
    store: ObjectStore
    summary: RunSummary
    shortfalls: Sequence[Sequence[str]]
    pictures_by_shot: Mapping[str, int]
    is_limited: bool
    before_and_after: tuple[str, str] | None = None
    failure: str = ""

    @property
    def missing(self) -> Sequence[Sequence[str]]:
        """The shortfalls, but for those that were left for later with a limit."""
        if not self.is_limited or self.summary.left_over_cap:  # which is nobody's wish
            return self.shortfalls
        return [row for row in self.shortfalls if row[3] != NOT_ASKED]

    @property
    def left(self) -> int:
        """How many pictures were left for later."""
        return len(self.shortfalls) - len(self.missing)

    @property
    def exit_code(self) -> int:
        """0: complete; 2: finished, but pictures are missing; 1: failed."""
        if self.failure:
            return 1
        return 2 if self.missing else 0

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets refresh --json` prints."""
        return {
            **{str(kind): self.summary.counts[kind] for kind in KINDS},
            "calls": self.summary.calls,
            "possibly_paid_twice": self.summary.possibly_paid_twice,
            "left_over_cap": self.summary.left_over_cap,
            "missing": len(self.shortfalls),
            "left": self.left,
            "notes": self.summary.notes,
            "failure": self.failure,
            "run_id": self.run_id,
        }


def get_refresh_job(component: str | None) -> dg.JobDefinition:
    """The job of a component's file, else of the environment, for other processes to find."""
    if component is None:
        from flux_assets.definitions import defs

        return defs.resolve_job_def(Names(shop=load_settings(os.environ).shop).job)
    from flux_assets.defs.component_files import read_component

    read = read_component(Path(component))
    return read.build_shop().resolve_job_def(read.names.job)


def run_refresh(
    settings: Settings,
    names: Names,
    choices: Choices,
    *,
    tell: Callable[[str], None],
    is_told_to_end: Callable[[], bool],
    progress: ProgressWatch,
) -> RefreshReport:
    """Run the whole job.

    Args:
        settings: of this environment.
        names: of its shop.
        choices: what is asked of this run.
        tell: called with a sentence for people: runs that were found dead, and for whom it waits.
        is_told_to_end: whether a signal has come that ends it.
        progress: what is told now and then, from another thread, of how far the run is.

    Raises:
        RunFailedError: the run stopped.
        DagsterHomeError: Dagster's database failed; what is paid is kept.
    """
    config = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(choices).items()
        if value is not None
    }
    run_config = {
        "ops": {choices_node(names): {"config": config}},
        "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
    }
    tags = {_INVOCATION_TAG: uuid4().hex}
    with open_instance() as instance:
        for ended in end_dead_runs(instance, names):
            tell(f"Run {ended.run_id[:SHOWN_ID]}: {ended.reason}")
        with (
            watch_run(
                instance,
                names,
                tags,
                progress=progress,
                tell=tell,
                is_told_to_end=is_told_to_end,
                stop=partial(_stop, settings),
            ),
            _execute(instance, names, run_config, tags | process_tags()) as result,
        ):
            return _report(settings, choices, result)


def _stop(settings: Settings, run_id: str) -> None:
    with suppress(FluxAssetsError):  # the signal itself ends the run, but where it is lost
        RunStop(StoreResource(settings).open().shop, run_id).tell_shards("it was told to end")


def _execute(
    instance: dg.DagsterInstance,
    names: Names,
    run_config: Mapping[str, Any],
    tags: Mapping[str, str],
) -> dg.JobExecutionResult:
    """As `dg.execute_job`, whose runs belong to no code location, so that the UI hides them."""
    path = component_file()
    job = dg.build_reconstructable_job(
        __name__, get_refresh_job.__name__, (str(path) if path else None,), {}
    )
    data = job.repository.get_definition().repository_load_data
    job = job.with_repository_load_data(data)
    run = instance.create_run_for_job(
        job.get_definition(),
        run_config=run_config,
        tags=tags,
        job_code_origin=job.get_python_origin(),
        repository_load_data=data,
        remote_job_origin=find_job_origin(instance, names.job, names.name(DEAD_RUNS_SENSOR)),
    )
    return execute_run(job, run, instance)


def _report(settings: Settings, choices: Choices, result: dg.JobExecutionResult) -> RefreshReport:
    if result.success:
        return _read_report(settings, choices, result.run_id)
    failed = _explain_failure(result)
    if FEW_FAILED_CHECK in failed.step:  # after the manifest, so that there is all to report
        return _read_report(settings, choices, result.run_id, failure=failed.reason)
    raise failed


@contextmanager
def open_run_identity(step: str) -> Iterator[RunIdentity]:
    """An identity for work outside of runs, which knows which runs have ended.

    Where Dagster has no home yet, none is known, and none is made.
    """
    name = f"{step}-{uuid4().hex}"  # no run's: its folder in the store is its own
    if not is_home_made():
        yield RunIdentity(run_id=name, step=step, is_run_dead=lambda _: False)
        return
    with open_instance() as instance, put_off_full_collections():
        yield RunIdentity(run_id=name, step=step, is_run_dead=partial(is_run_dead, instance))


def _read_report(
    settings: Settings, choices: Choices, run_id: str, *, failure: str = ""
) -> RefreshReport:
    store = StoreResource(settings).open().shop
    summary = json.loads(store.get(run_key(run_id, "refreshed_images.json")).data)
    before_and_after = ("source_uri", "object_uri")
    manifest = open_table(store, MANIFEST_KEY).read(("shot", "shot_mode", *before_and_after))
    edits = manifest[manifest["shot_mode"] == "edit"].head(1)
    return RefreshReport(
        run_id=run_id,
        store=store,
        summary=RunSummary.merge([summary]),
        shortfalls=read_shortfalls(store),
        pictures_by_shot=dict(manifest["shot"].value_counts(sort=False)),
        is_limited=choices.limit is not None,
        before_and_after=next(read_rows(edits, before_and_after), None),
        failure=failure,
    )


def _explain_failure(result: dg.JobExecutionResult) -> RunFailedError:
    failures = result.filter_events(lambda event: event.is_step_failure)
    if not failures:
        ends = [event.message for event in result.all_events if event.is_failure]
        return RunFailedError(result.run_id, "none", (ends or ["the run failed"])[-1] or "")
    return RunFailedError(result.run_id, failures[0].step_key or "", explain_failure(failures[0]))
