"""One shop's definitions, put together from its settings, nothing else."""

import logging
from collections.abc import Callable, Sequence

import dagster as dg

from flux_assets.defs.alerts import build_check_failure_alert, build_run_failure_alert
from flux_assets.defs.automation import (
    build_catalog_sensor,
    build_dead_runs_sensor,
    build_nightly_schedule,
)
from flux_assets.defs.catalog import (
    build_image_plan,
    build_image_requests,
    build_product_catalog,
)
from flux_assets.defs.executors import build_executor
from flux_assets.defs.images import build_shot_pictures
from flux_assets.defs.io_manager import io_manager_definition, leave_default
from flux_assets.defs.manifest import build_few_requests_failed, build_image_manifest
from flux_assets.defs.markdown import defuse_markdown
from flux_assets.defs.names import Names
from flux_assets.defs.publishing_definitions import build_publishing
from flux_assets.defs.refresh import build_refreshed_images
from flux_assets.defs.resources import (
    IMAGE_API,
    STORE,
    StoreResource,
    image_api_definition,
    store_definition,
)
from flux_assets.prompts.shot_names import ShotNames, find_shot_names
from flux_assets.settings import Settings

Reshape = Callable[[dg.AssetSpec], dg.AssetSpec]

_log = logging.getLogger(__name__)


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything that the settings and the shots file define, as a code location of its own."""
    names = Names(shop=settings.shop)
    executor = build_executor(settings, names)
    shop = build_shop(settings, names, executor, find_shot_names(settings))
    return dg.Definitions.merge(shop, dg.Definitions(executor=executor))


def build_shop(
    settings: Settings,
    names: Names,
    executor: dg.ExecutorDefinition,
    shots: ShotNames,
    reshape: Reshape = lambda spec: spec,
) -> dg.Definitions:
    """The same, to stand beside others: it decides nothing for what is not its own.

    Where the shots file cannot be used, the assets stand there all the same and say why.

    Args:
        settings: of the shop.
        names: of all that is defined.
        executor: of the refresh job.
        shots: of the shots file.
        reshape: gives each asset other attributes; keys are the names' part.
    """
    refresh = [
        build_product_catalog(settings, names),
        build_image_requests(settings, names),
        build_image_plan(settings, names),
        build_refreshed_images(settings, names),
        build_image_manifest(settings, names),
    ]
    publishing = build_publishing(settings, names, executor)
    checks_apart = [build_few_requests_failed(settings, names), *publishing.checks]
    pictures = [build_shot_pictures(settings, names, shot) for shot in shots.names]
    tables = [*refresh, *publishing.assets]
    for asset in (*tables, *pictures, *checks_apart):
        leave_default(asset, names)
    checks = {key for asset in (*tables, *checks_apart) for key in asset.check_keys}
    assets = _tell(dg.map_asset_specs(reshape, [*refresh, *pictures]), shots.problem)
    published = dg.map_asset_specs(reshape, publishing.assets)
    return dg.Definitions(
        assets=[*assets, *_tell(published, shots.problem or publishing.problem)],
        asset_checks=checks_apart,
        jobs=[
            dg.define_asset_job(
                names.job,
                selection=dg.AssetSelection.assets(*tables),
                executor_def=executor,
                description="Reads the catalog, buys what is new or changed, writes the manifest.",
            ),
            *publishing.jobs,
        ],
        sensors=[
            build_catalog_sensor(settings, names),
            build_dead_runs_sensor(names),
            build_run_failure_alert(settings, names),
            build_check_failure_alert(settings, names, checks),
            *publishing.sensors,
        ],
        schedules=[build_nightly_schedule(settings, names)],
        resources=_build_resources(settings, names),
    )


def _build_resources(settings: Settings, names: Names) -> dict[str, object]:
    store = StoreResource(settings)
    return {
        names.resource(STORE): store_definition(store),
        names.resource(IMAGE_API): image_api_definition(settings),
        names.steps: io_manager_definition(store, names, form="json"),
        names.tables: io_manager_definition(store, names, form="parquet"),
    }


def _tell(assets: Sequence[dg.AssetsDefinition], problem: str) -> Sequence[dg.AssetsDefinition]:
    """Let each asset say what keeps it from being made, if anything does."""
    if not (problem and assets):
        return assets
    shown = ", ".join(spec.key.to_user_string() for asset in assets for spec in asset.specs)
    _log.error("%s; until that is mended, none of these can be made: %s", problem, shown)
    told = f"CANNOT BE MADE NOW: {defuse_markdown(problem)}"
    return dg.map_asset_specs(
        lambda spec: spec.replace_attributes(description=f"{told}\n\n{spec.description}"), assets
    )
