"""What starts a refresh by itself; off until somebody switches it on, as it spends money."""

from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import dagster as dg
from dagster._utils.schedules import is_valid_cron_schedule

from flux_assets.defs.names import Names
from flux_assets.defs.runs import describe_run, end_dead_runs, find_refresh
from flux_assets.errors import SettingsError, SourceError
from flux_assets.prompts.inputs import read_inputs_version
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.sources import shown_uri

DEAD_RUNS_SENSOR = "dead_runs_sensor"
_SENSOR_SECONDS = 60


def build_catalog_sensor(settings: Settings, names: Names) -> dg.SensorDefinition:
    """Refreshes when the export or the overrides file changes.

    Not when the shots file does: new words may buy the whole catalog again, which somebody is to
    see in a plan first.
    """
    shown = " or ".join(shown_uri(uri) for uri in (settings.catalog, settings.overrides) if uri)

    @dg.sensor(
        name=names.name("catalog_sensor"),
        job_name=names.job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description=f"Refreshes when {shown} changes. Spends money when it is on.",
    )
    def catalog_sensor(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            version = read_inputs_version(settings)
        except SourceError as error:
            return dg.SkipReason(str(error))
        if version == context.cursor:
            return dg.SkipReason(f"no change of {shown}")
        under_way = find_refresh(context.instance, names)
        if under_way:
            return dg.SkipReason(describe_run(under_way))
        # Without a run key: Dagster would never again run for a version that has returned.
        return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=version)

    return catalog_sensor


def build_dead_runs_sensor(names: Names) -> dg.SensorDefinition:
    """Ends runs that are proven dead, so that none waits in Dagster's queue for their slots.

    The only one that is on by itself: it starts nothing and spends nothing.
    """

    @dg.sensor(
        name=names.name(DEAD_RUNS_SENSOR),
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose processes are gone, and frees what they held. Spends nothing.",
    )
    def dead_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        ended = end_dead_runs(context.instance, names)
        for each in ended:
            context.log.warning("run %s: %s", each.run_id, each.reason)
        return dg.SkipReason("; ".join(each.run_id for each in ended) or "no run is dead")

    return dead_runs_sensor


def check_schedule(settings: Settings) -> None:
    """Tell at once what Dagster would refuse only when it loads the schedule.

    Raises:
        SettingsError: the cron expression or the time zone is none.
    """
    if not is_valid_cron_schedule(settings.refresh_cron):
        problem = f"{settings.refresh_cron!r} is no cron expression; `0 3 * * *` is every day at 3"
        raise SettingsError(variable_of("refresh_cron"), problem)
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        near = get_close_matches(settings.timezone, available_timezones(), n=1)
        hint = f"; did you mean {near[0]}?" if near else "; Europe/Berlin or UTC are"
        problem = f"{settings.timezone!r} is no time zone{hint}"
        raise SettingsError(variable_of("timezone"), problem) from error


def build_nightly_schedule(settings: Settings, names: Names) -> dg.ScheduleDefinition:
    """Refreshes at a fixed time.

    Raises:
        SettingsError: there is no such time.
    """
    check_schedule(settings)

    @dg.schedule(
        name=names.name("nightly_refresh"),
        job_name=names.job,
        cron_schedule=settings.refresh_cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Refreshes every night. Spends money when it is on.",
    )
    def nightly_refresh(
        context: dg.ScheduleEvaluationContext,
    ) -> dg.RunRequest | dg.SkipReason:
        under_way = find_refresh(context.instance, names)
        if under_way:
            return dg.SkipReason(describe_run(under_way))
        return dg.RunRequest()

    return nightly_refresh
