"""What tells people that something failed; off until somebody switches it on.

Plain sensors, as Dagster's own for failed runs passes over a run whose alert could not be posted.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Literal

import dagster as dg

from flux_assets.defs.alert_webhook import AlertError, build_body, post_alert
from flux_assets.defs.failures import explain_failure
from flux_assets.defs.names import Names
from flux_assets.settings import Settings

_SENSOR_SECONDS = 30
_RUNS_PER_TICK = 100
# Together they stay below the 60 seconds that Dagster gives a tick.
_ALERTS_PER_TICK = 5
_POST_SECONDS = 10
_RunEnd = Literal[
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
]
_RUN_ENDS: tuple[_RunEnd, ...] = (
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Alert:
    """What a person reads, and the same as facts for programs."""

    text: str
    facts: dict[str, object]


_Describe = Callable[[dg.DagsterInstance, dg.DagsterRun, dg.DagsterEvent], _Alert | None]


def build_run_failure_alert(settings: Settings, names: Names) -> dg.SensorDefinition:
    """Tells each failed run of the shop's jobs, and of its pictures, once."""

    def describe(
        instance: dg.DagsterInstance, run: dg.DagsterRun, end: dg.DagsterEvent
    ) -> _Alert | None:
        return _describe_failed_run(instance, names, run, end)

    @dg.sensor(
        name=names.name("alert_run_failure"),
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Tells why a refresh, or a run that makes pictures, failed.",
    )
    def alert_run_failure(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _tell_new(context, settings, (dg.DagsterEventType.RUN_FAILURE,), describe)

    return alert_run_failure


def build_check_failure_alert(
    settings: Settings, names: Names, checks: Collection[dg.AssetCheckKey]
) -> dg.SensorDefinition:
    """Tells the failed checks of each run once, in one alert, when the run has ended."""

    def describe(
        instance: dg.DagsterInstance, run: dg.DagsterRun, _: dg.DagsterEvent
    ) -> _Alert | None:
        return _describe_failed_checks(instance, checks, run)

    @dg.sensor(
        name=names.name("alert_check_failure"),
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Tells which asset checks of an ended run failed, and how severely.",
    )
    def alert_check_failure(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        return _tell_new(context, settings, _RUN_ENDS, describe)

    return alert_check_failure


def _tell_new(
    context: dg.SensorEvaluationContext,
    settings: Settings,
    ends: Sequence[_RunEnd],
    describe: _Describe,
) -> dg.SensorResult:
    """Tell what ended since the last tick, oldest first; the first tick only notes where it is.

    Where the webhook fails, the cursor stays before that alert, and the next tick begins with it.

    Raises:
        AlertError: the first alert could not be posted, so that the tick is a failed one.
    """
    if context.cursor is None:
        reason = "tells what fails from now on"
        return dg.SensorResult(skip_reason=reason, cursor=_newest(context.instance, ends))
    cursor, told = context.cursor, 0
    for record in _read_ends(context.instance, ends, after=int(cursor)):
        alert = _look_at(context.instance, record, describe)
        if alert is not None:
            if told == _ALERTS_PER_TICK:
                break
            context.log.error(alert.text)
            try:
                _post(settings, alert)
            except AlertError as error:
                context.log.error(str(error))  # noqa: TRY400 - whose traceback tells no more
                if not told:
                    raise
                break
            told += 1
        cursor = str(record.storage_id)
    reason = f"told {told} failed runs or checks; the log has them" if told else "nothing failed"
    return dg.SensorResult(skip_reason=reason, cursor=cursor)


def _post(settings: Settings, alert: _Alert) -> None:
    if settings.alert_webhook is not None:
        body = build_body(alert.text, {"shop": settings.shop, **alert.facts})
        post_alert(settings.alert_webhook, body, timeout_seconds=_POST_SECONDS)


def _newest(instance: dg.DagsterInstance, ends: Sequence[_RunEnd]) -> str:
    """The cursor behind all that has ended so far."""
    pages = [instance.fetch_run_status_changes(end, limit=1).records for end in ends]
    return str(max((record.storage_id for page in pages for record in page), default=0))


def _read_ends(
    instance: dg.DagsterInstance, ends: Sequence[_RunEnd], *, after: int
) -> Iterator[dg.EventLogRecord]:
    """The next ends of runs, oldest first.

    Runs, because no event log of every kind gives check evaluations of several runs in order.
    """
    pages = [
        instance.fetch_run_status_changes(
            dg.RunStatusChangeRecordsFilter(event_type=end, after_storage_id=after),
            limit=_RUNS_PER_TICK,
            ascending=True,
        ).records
        for end in ends
    ]
    return islice(merge(*pages, key=lambda record: record.storage_id), _RUNS_PER_TICK)


def _look_at(
    instance: dg.DagsterInstance, record: dg.EventLogRecord, describe: _Describe
) -> _Alert | None:
    entry = record.event_log_entry
    run = instance.get_run_by_id(entry.run_id)
    if run is None or entry.dagster_event is None:  # somebody deleted the run
        return None
    return describe(instance, run, entry.dagster_event)


def _describe_failed_run(
    instance: dg.DagsterInstance, names: Names, run: dg.DagsterRun, end: dg.DagsterEvent
) -> _Alert | None:
    """None for a run of anything but this shop's jobs and pictures."""
    made = sorted(
        key.to_user_string() for key in run.asset_selection or () if names.is_picture(key)
    )
    if run.job_name in {names.job, names.publish_job}:
        made = [run.job_name]
    if not made:
        return None
    page = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
    failures = [record.event_log_entry.dagster_event for record in page.records]
    failure = next((event for event in failures if event is not None), end)
    reason, step = explain_failure(failure), failure.step_key or ""
    where = f" in step {step}" if step else ""
    return _Alert(
        text=(
            f"{', '.join(made)} failed{where}: {reason}\n"
            f"Look at run {run.run_id} in Dagster, under Runs. Once the cause is mended, run it "
            "again: what is paid is not bought again."
        ),
        facts={"alert": "run_failure", "run_id": run.run_id, "step": step, "reason": reason},
    )


def _describe_failed_checks(
    instance: dg.DagsterInstance,
    checks: Collection[dg.AssetCheckKey],
    run: dg.DagsterRun,
) -> _Alert | None:
    """None for a run in which none of these checks failed."""
    page = instance.get_records_for_run(
        run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    )
    events = [record.event_log_entry.dagster_event for record in page.records]
    evaluations = [event.asset_check_evaluation_data for event in events if event is not None]
    failed = [item for item in evaluations if not item.passed and item.asset_check_key in checks]
    if not failed:
        return None
    lines = [
        f"{item.severity.value}: check {item.check_name} of {item.asset_key.to_user_string()} "
        f"failed{f': {item.description}' if item.description else ''}"
        for item in failed
    ]
    lines.append(f"Look at the asset's Checks tab in Dagster; this was run {run.run_id}.")
    return _Alert(
        text="\n".join(lines),
        facts={
            "alert": "check_failure",
            "run_id": run.run_id,
            "checks": [
                {"check": item.check_name, "severity": item.severity.value} for item in failed
            ],
        },
    )
