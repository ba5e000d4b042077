"""One shop's definitions, put together from its settings, nothing else."""

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
from flux_assets.defs.io_manager import StoreIOManager
from flux_assets.defs.manifest import build_few_requests_failed, build_image_manifest
from flux_assets.defs.partitions import JOB_NAME, shop_name
from flux_assets.defs.refresh import build_refreshed_images
from flux_assets.defs.resources import ImageApiResource, StoreResource
from flux_assets.prompts.inputs import load_shots
from flux_assets.settings import Settings


def build_definitions(settings: Settings) -> dg.Definitions:
    """Everything that the settings and the shots file define."""
    store = StoreResource.of(settings)
    refresh = [
        build_product_catalog(settings),
        build_image_requests(settings),
        build_image_plan(settings),
        build_refreshed_images(settings),
        build_image_manifest(settings),
    ]
    few_requests_failed = build_few_requests_failed(settings)
    checks = {key for asset in (*refresh, few_requests_failed) for key in asset.check_keys}
    executor = build_executor(settings)
    return dg.Definitions(
        assets=[
            *refresh,
            *(build_shot_pictures(settings, shot) for shot in load_shots(settings).shots),
        ],
        asset_checks=[few_requests_failed],
        jobs=[
            dg.define_asset_job(
                shop_name(settings.shop, JOB_NAME),
                selection=dg.AssetSelection.assets(*refresh),
                executor_def=executor,
                description="Reads the catalog, buys what is new or changed, writes the manifest.",
            )
        ],
        sensors=[
            build_catalog_sensor(settings),
            build_dead_runs_sensor(settings),
            build_run_failure_alert(settings),
            build_check_failure_alert(settings, checks),
        ],
        schedules=[build_nightly_schedule(settings)],
        executor=executor,
        resources={
            "store": store,
            "image_api": ImageApiResource.of(settings),
            "io_manager": StoreIOManager(store, form="json"),
            "tables": StoreIOManager(store, form="parquet"),
        },
    )
