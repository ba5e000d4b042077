"""What starts a refresh by itself; off until somebody switches it on, as it spends money."""

import dagster as dg

from flux_assets.defs.partitions import JOB_NAME, shop_name
from flux_assets.errors import SourceError
from flux_assets.prompts.inputs import read_inputs_version
from flux_assets.settings import Settings
from flux_assets.storage.sources import shown_uri

_SENSOR_SECONDS = 60
_UNDER_WAY = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


def build_catalog_sensor(settings: Settings) -> dg.SensorDefinition:
    """Refreshes when the export or the overrides file changes.

    Not when the shots file does: new words may buy the whole catalog again, which somebody is to
    see in a plan first.
    """
    shown = " or ".join(shown_uri(uri) for uri in (settings.catalog, settings.overrides) if uri)

    @dg.sensor(
        name=shop_name(settings.shop, "catalog_sensor"),
        job_name=shop_name(settings.shop, JOB_NAME),
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
        under_way = find_refresh(context.instance, settings.shop)
        if under_way:
            return dg.SkipReason(f"run {under_way} is refreshing this shop already")
        # Without a run key: Dagster would never again run for a version that has returned.
        return dg.SensorResult(run_requests=[dg.RunRequest()], cursor=version)

    return catalog_sensor


def build_nightly_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """Refreshes at a fixed time."""

    @dg.schedule(
        name=shop_name(settings.shop, "nightly_refresh"),
        job_name=shop_name(settings.shop, JOB_NAME),
        cron_schedule=settings.refresh_cron,
        execution_timezone=settings.timezone,
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="Refreshes every night. Spends money when it is on.",
    )
    def nightly_refresh(
        context: dg.ScheduleEvaluationContext,
    ) -> dg.RunRequest | dg.SkipReason:
        under_way = find_refresh(context.instance, settings.shop)
        if under_way:
            return dg.SkipReason(f"run {under_way} is refreshing this shop already")
        return dg.RunRequest()

    return nightly_refresh


def find_refresh(instance: dg.DagsterInstance, shop: str | None) -> str | None:
    """The id of a refresh of this shop that is queued or under way, if any."""
    filters = dg.RunsFilter(job_name=shop_name(shop, JOB_NAME), statuses=list(_UNDER_WAY))
    runs = instance.get_runs(filters=filters, limit=1)
    return runs[0].run_id if runs else None
