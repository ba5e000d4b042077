"""Which processes work for a run, as its log says, and whether they are proven to be gone."""

import json
import os
from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass

import dagster as dg
from dagster import DagsterEventType
from dagster._core.events import EngineEventData

from flux_assets.bill.process_identity import Life, ProcessIdentity, find_life, this_process

PROCESS_TAG = "flux_assets/process"
"""Whose process a run is, as a tag of runs whose process is there before they are."""
_PROCESS = "process"
_announced: set[tuple[int, str, str]] = set()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProcess:
    """One process of a run; `step` is empty for the one that runs the run itself."""

    step: str
    process: ProcessIdentity

    @property
    def life(self) -> Life:
        """Proven to be gone, seen to live here, or where nothing can be seen from here."""
        return find_life(self.process)

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.host}"

    @property
    def host(self) -> str:
        """The host's name, without what tells containers of one host apart."""
        return self.process.host.partition(" ")[0] or "an unknown host"


def judge_processes(processes: Collection[RunProcess]) -> Life:
    """The life of what all of these do together: dead where there are some, and all are dead."""
    lives = {each.life for each in processes}
    if "alive" in lives:
        return "alive"
    return "dead" if lives == {"dead"} else "unknown"


def process_tags() -> dict[str, str]:
    """The tags of a run that this very process is going to run."""
    return {PROCESS_TAG: json.dumps(asdict(this_process()))}


def announce_process(instance: dg.DagsterInstance, run: dg.DagsterRun, *, step: str = "") -> None:
    """Log, once, that this process works on a step of a run, or runs the run itself.

    Who comes after a run was ended must find that out here, before it does anything: it is
    ended where all processes that are known by then are dead.

    Raises:
        Failure: the run has ended already.
    """
    key = (os.getpid(), run.run_id, step)
    if key in _announced:
        return
    log_process(instance, run, RunProcess(step=step, process=this_process()))
    found = instance.get_run_by_id(run.run_id)
    if found is not None and found.is_finished:
        message = (
            f"run {run.run_id} has ended already ({found.status.value}), so that this step does "
            "nothing; start another run"
        )
        raise dg.Failure(message, allow_retries=False)
    _announced.add(key)


def log_process(instance: dg.DagsterInstance, run: dg.DagsterRun, worker: RunProcess) -> None:
    """Log which process works on a step of a run, or runs the run itself."""
    instance.report_engine_event(
        f"{worker} works on step {worker.step}." if worker.step else f"{worker} runs this run.",
        run,
        EngineEventData({_PROCESS: dg.MetadataValue.json(asdict(worker.process))}),
        step_key=worker.step or None,
    )


def read_processes(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[RunProcess]:
    """Every process that is known to have worked for a run."""
    found = [_of_tag(run.tags[PROCESS_TAG])] if _has_own_tag(run) else []
    return list(dict.fromkeys([*found, *_read_announced(instance, run.run_id)]))


def _has_own_tag(run: dg.DagsterRun) -> bool:
    """Whether the tag is the run's own: one that repeats another run has got that one's tags."""
    return PROCESS_TAG in run.tags and run.parent_run_id is None


def _of_tag(text: str) -> RunProcess:
    return RunProcess(step="", process=ProcessIdentity(**json.loads(text)))


def _read_announced(instance: dg.DagsterInstance, run_id: str) -> Iterator[RunProcess]:
    for entry in instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT):
        event = entry.dagster_event
        if event is None or not isinstance(event.event_specific_data, EngineEventData):
            continue
        value = event.engine_event_data.metadata.get(_PROCESS)
        if isinstance(value, dg.JsonMetadataValue) and isinstance(value.data, dict):
            yield RunProcess(step=event.step_key or "", process=ProcessIdentity(**value.data))
