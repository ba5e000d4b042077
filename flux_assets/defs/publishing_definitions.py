"""Everything of one shop that publishes, put together; nothing of it where publishing is off."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.defs.names import Names
from flux_assets.defs.public_check import build_public_check
from flux_assets.defs.publishing import build_renditions, build_renditions_check
from flux_assets.defs.publishing_feeds import build_product_feeds
from flux_assets.defs.publishing_gallery import build_gallery
from flux_assets.defs.publishing_sensor import build_decision_sensor
from flux_assets.publishing.channel_names import find_channel_names
from flux_assets.settings import Settings

if TYPE_CHECKING:  # Dagster exports no name of it
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingDefinitions:
    """The assets, in the order in which a refresh makes them, and what belongs to them.

    `checks` are those apart from their assets. `problem` is what keeps the channels file from being
    used; the assets stand there all the same, and fail with it.
    """

    assets: Sequence[dg.AssetsDefinition] = ()
    checks: Sequence[dg.AssetChecksDefinition] = ()
    jobs: "Sequence[UnresolvedAssetJobDefinition]" = ()
    sensors: Sequence[dg.SensorDefinition] = ()
    problem: str = ""


def build_publishing(
    settings: Settings, names: Names, executor: dg.ExecutorDefinition
) -> PublishingDefinitions:
    """What publishes, by the channels file that the settings name."""
    channels = find_channel_names(settings)
    if channels is None:
        return PublishingDefinitions()
    feeds = build_product_feeds(settings, names, channels.names)
    gallery = build_gallery(settings, names)
    publish_job = dg.define_asset_job(
        names.publish_job,
        selection=dg.AssetSelection.assets(feeds, gallery),
        executor_def=executor,
        description=(
            "Makes each channel's next edition of the pictures, rules and decisions as they are, "
            "and the gallery. Buys nothing, renders nothing."
        ),
    )
    return PublishingDefinitions(
        assets=[build_renditions(settings, names), feeds, gallery],
        checks=[build_renditions_check(names), build_public_check(settings, names)],
        jobs=[publish_job],
        sensors=[build_decision_sensor(settings, names)],
        problem=channels.problem,
    )
