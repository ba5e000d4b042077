"""What brings decisions out by itself, without a refresh; off until somebody switches it on."""

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.defs.resources import StoreResource
from flux_assets.defs.runs import describe_run, find_publishing
from flux_assets.errors import SettingsError, StoreError
from flux_assets.publishing.decisions_version import read_decisions_version
from flux_assets.settings import Settings

_SENSOR_SECONDS = 60


def build_decision_sensor(settings: Settings, names: Names) -> dg.SensorDefinition:
    """Publishes once after decisions that no run of its own has seen; spends nothing.

    A tick lists the objects that hold decisions, and reads none. What is decided while a run is
    under way waits for its end, and comes out together.
    """

    @dg.sensor(
        name=names.name("decision_sensor"),
        job_name=names.publish_job,
        minimum_interval_seconds=_SENSOR_SECONDS,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Publishes when somebody approved or rejected a picture. Spends nothing.",
    )
    def decision_sensor(
        context: dg.SensorEvaluationContext,
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            store = StoreResource(settings).open_part(settings.shop)
            version = read_decisions_version(store)
        except (SettingsError, StoreError) as error:
            return dg.SkipReason(str(error))
        if not version:
            return dg.SkipReason("nobody decided anything yet")
        if version == context.cursor:
            return dg.SkipReason("no decision since the last run")
        under_way = find_publishing(context.instance, names)
        if under_way:
            return dg.SkipReason(describe_run(under_way))
        # The key keeps a tick that was cut off before its cursor was noted from a second run.
        request = dg.RunRequest(run_key=f"{names.publish_job}:{version}")
        return dg.SensorResult(run_requests=[request], cursor=version)

    return decision_sensor
