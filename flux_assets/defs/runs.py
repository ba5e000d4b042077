"""A shop's runs that are under way, and the end of those whose processes are proven dead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import dagster as dg
from dagster import DagsterRunStatus
from dagster._core.execution.stats import StepEventStatus

from flux_assets.bill.process_identity import Life
from flux_assets.defs.names import JOB_NAME, PUBLISH_JOB_NAME, Names
from flux_assets.defs.pools import SHOWN_ID, Slot, free_slot, read_pool
from flux_assets.defs.run_processes import (
    RunProcess,
    judge_processes,
    read_processes,
)
from flux_assets.errors import FluxAssetsError

UNDER_WAY = (
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
)


class RunEndError(FluxAssetsError):
    """A run cannot be ended as it was asked for."""

    def __init__(self, run_id: str, problem: str) -> None:
        super().__init__(f"{run_id!r} {problem}; `flux-assets runs` lists them")
        self.run_id = run_id
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RunUnderWay:
    """One run that has not ended, as Dagster and the processes that work for it show it.

    Attributes:
        run: as Dagster has it.
        since: when it started, or was made where it did not start yet.
        processes: of the run and of its steps that have not ended.
        steps: that are in progress.
    """

    run: dg.DagsterRun
    since: datetime
    processes: Sequence[RunProcess]
    steps: Sequence[str]

    @property
    def life(self) -> Life:
        """What is proven of its processes, all together."""
        return judge_processes(self.processes)

    @property
    def is_queued(self) -> bool:
        """Whether it waits in Dagster's queue, and is no process yet."""
        return self.run.status == DagsterRunStatus.QUEUED

    @property
    def name(self) -> str:
        """What it makes: the job, or the assets that were chosen."""
        keys = self.run.asset_selection or ()
        chosen = ", ".join(sorted(key.to_user_string() for key in keys))
        return chosen if self.run.job_name.startswith("__") and chosen else self.run.job_name

    @property
    def is_refresh(self) -> bool:
        """Whether it is a run of the refresh job, of whichever shop."""
        return self.run.job_name.endswith(JOB_NAME)

    @property
    def is_publishing(self) -> bool:
        """Whether it is a run of the job that publishes, of whichever shop."""
        return self.run.job_name.endswith(PUBLISH_JOB_NAME)

    @property
    def shown_processes(self) -> str:
        """Its processes in words, each once."""
        return ", ".join(dict.fromkeys(map(str, self.processes))) or "its process is not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedRun:
    """A run that was reported as failed, or one that held a slot after its end, and why."""

    run_id: str
    reason: str


def is_of_shop(run: dg.DagsterRun, names: Names) -> bool:
    """Whether a run is one of this shop's: of its jobs, or of some of its assets."""
    if run.job_name in {names.job, names.publish_job}:
        return True
    return any(names.is_ours(key) for key in run.asset_selection or ())


def find_runs(instance: dg.DagsterInstance, names: Names) -> list[RunUnderWay]:
    """The shop's runs that are queued or under way, oldest first."""
    filters = dg.RunsFilter(statuses=list(UNDER_WAY))
    records = instance.get_run_records(filters, ascending=True)
    return [_look_at(instance, it) for it in records if is_of_shop(it.dagster_run, names)]


def find_refresh(instance: dg.DagsterInstance, names: Names) -> RunUnderWay | None:
    """The refresh of this shop that is queued or under way, if any; the dead are ended before."""
    end_dead_runs(instance, names)
    filters = dg.RunsFilter(job_name=names.job, statuses=list(UNDER_WAY))
    records = instance.get_run_records(filters, limit=1)
    return _look_at(instance, records[0]) if records else None


def find_publishing(instance: dg.DagsterInstance, names: Names) -> RunUnderWay | None:
    """The shop's run that publishes, or will at its end, if any; the dead are ended before."""
    end_dead_runs(instance, names)
    jobs, feeds = {names.job, names.publish_job}, names.key("product_feeds")
    for it in find_runs(instance, names):
        if it.run.job_name in jobs or feeds in (it.run.asset_selection or ()):
            return it
    return None


def describe_run(it: RunUnderWay) -> str:
    """What a run makes, since when, and what to do where it may be dead."""
    what = "is refreshing this shop already" if it.is_refresh else f"makes {it.name}"
    if it.is_publishing:
        what = "is publishing this shop already"
    told = f"run {it.run.run_id} {what}, since {it.since:%F %T} UTC"
    if it.is_queued:
        return (
            f"{told}; it is in Dagster's queue, which needs `dagster-daemon` or `flux-assets dev`"
        )
    if it.life != "unknown":
        return told
    return (
        f"{told}; {it.shown_processes}, and whether it lives cannot be seen from here. If you know "
        f"that it is dead: `flux-assets runs --end {it.run.run_id[:SHOWN_ID]}`"
    )


def end_dead_runs(instance: dg.DagsterInstance, names: Names) -> list[EndedRun]:
    """Report the shop's runs as failed whose processes are all proven dead; free what they held.

    Safe beside others that do the same. Slots are freed as well that a run holds which Dagster
    knows to have ended, once the process is dead that held them.
    """
    ended = {
        it.run.run_id: end_run(instance, it, why=_gone(it))
        for it in find_runs(instance, names)
        if it.life == "dead"
    }
    freed = {slot.run_id: _freed(slot) for slot in _free_dead_slots(instance, names)}
    reasons = freed | {run_id: reason for run_id, reason in ended.items() if reason}
    return [EndedRun(run_id=run_id, reason=reason) for run_id, reason in reasons.items()]


def end_by_hand(instance: dg.DagsterInstance, names: Names, run_id: str) -> EndedRun:
    """Report a run as failed of which a person knows that it is dead, and free what it held.

    Args:
        instance: that it is in.
        names: of the shop whose it is.
        run_id: the beginning of its id, which no other run under way has.

    Raises:
        RunEndError: there is no such run, or it is seen to live.
    """
    pool = read_pool(instance, names)
    by_id = {it.run.run_id: it for it in find_runs(instance, names)}
    held = {slot.run_id for slot in (*pool.slots, *pool.waiting)}
    matches = [known for known in sorted({*by_id, *held}) if known.startswith(run_id)]
    if len(matches) != 1 or not run_id:
        raise RunEndError(run_id, f"is the beginning of {len(matches)} runs that are under way")
    [known] = matches
    it = by_id.get(known)
    if it is not None and it.life == "alive":
        raise RunEndError(run_id, f"lives: {it.shown_processes}. End it first, as with `kill`")
    why = "Somebody who knows that it is dead has ended the run, with `flux-assets runs --end`."
    if it is not None:
        end_run(instance, it, why=why)
    instance.event_log_storage.free_concurrency_slots_for_run(known)
    return EndedRun(run_id=known, reason=why)


def end_run(instance: dg.DagsterInstance, it: RunUnderWay, *, why: str) -> str:
    """Report a run as failed, or as canceled where that was asked for.

    Returns:
        `why`; empty where it had come to its end by itself meanwhile.
    """
    run = instance.get_run_by_id(it.run.run_id)
    if run is None or run.is_finished:
        return ""
    if run.status in {DagsterRunStatus.CANCELING, DagsterRunStatus.QUEUED}:
        instance.report_run_canceled(run, message=why)
    else:
        instance.report_run_failed(run, message=why)
    return why


def judge_slot(instance: dg.DagsterInstance, slot: Slot) -> Life:
    """Whether whoever holds a slot, or waits for one, is proven dead."""
    run = instance.get_run_by_id(slot.run_id)
    if run is None:
        return "unknown"
    if run.status == DagsterRunStatus.SUCCESS:
        return "dead"
    processes = read_processes(instance, run)
    own = [each for each in processes if each.step == slot.step]
    runs_own = [each for each in processes if not each.step]
    is_over = judge_processes(runs_own) == "dead"
    # A worker's process outlives its steps, and only the run itself would have freed this one's.
    if (run.is_finished or is_over) and slot.step in _read_steps(instance, run.run_id).ended:
        return "dead"
    if run.is_finished:
        return judge_processes(own or runs_own)
    # While the run itself lives, it frees what its steps held, or has them done again. A step that
    # holds a slot, and has not said who it is, may be about to.
    if not is_over or not (own or slot.is_waiting):
        return "unknown"
    return judge_processes(own or runs_own)


def _free_dead_slots(instance: dg.DagsterInstance, names: Names) -> Iterator[Slot]:
    pool = read_pool(instance, names)
    for slot in (*pool.slots, *pool.waiting):
        if judge_slot(instance, slot) == "dead":
            free_slot(instance, slot)
            yield slot


def _gone(it: RunUnderWay) -> str:
    return (
        f"The run is over: {it.shown_processes} is gone (killed, or out of memory). What it paid "
        "for is kept; the next refresh goes on from there."
    )


def _freed(slot: Slot) -> str:
    what = "waited for" if slot.is_waiting else "held"
    return f"The slot that its step {slot.step} {what} is free again: that process is gone."


def _look_at(instance: dg.DagsterInstance, record: dg.RunRecord) -> RunUnderWay:
    run = record.dagster_run
    since = record.create_timestamp
    if record.start_time is not None:
        since = datetime.fromtimestamp(record.start_time, UTC)
    if run.status == DagsterRunStatus.QUEUED:
        return RunUnderWay(run=run, since=since, processes=(), steps=())
    steps = _read_steps(instance, run.run_id)
    return RunUnderWay(
        run=run,
        since=since,
        processes=[it for it in read_processes(instance, run) if it.step not in steps.ended],
        steps=sorted(steps.under_way),
    )


class _Steps(NamedTuple):
    under_way: set[str]
    ended: set[str]


def _read_steps(instance: dg.DagsterInstance, run_id: str) -> _Steps:
    stats = instance.get_run_step_stats(run_id)
    under_way = {it.step_key for it in stats if it.status == StepEventStatus.IN_PROGRESS}
    return _Steps(under_way, {it.step_key for it in stats if it.status is not None} - under_way)
