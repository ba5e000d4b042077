"""Somebody's own code location, downstream of flux_assets in the same Dagster instance."""

import os

import dagster as dg

from flux_assets.manifest.stored import read_manifest
from flux_assets.storage.open_store import open_store

CAMPAIGN_PRODUCT = "00123"
STORE = os.environ.get("FLUX_ASSETS_STORE", ".flux_assets/store")
# Said again here, since a dependency on one partition is lost without it across code locations.
hero = dg.AssetSpec(
    ["images", "hero"], partitions_def=dg.DynamicPartitionsDefinition(name="products")
)


@dg.asset(
    deps=[dg.AssetKey("image_manifest")],
    automation_condition=dg.AutomationCondition.eager(),
)
def picture_counts() -> dg.MaterializeResult:  # type: ignore[type-arg] # dagster compares with the bare class
    """Count the current pictures of each shot, whenever the manifest is written."""
    manifest = read_manifest(open_store(STORE))
    if manifest is None:
        raise dg.Failure("there is no manifest yet; run refresh_catalog_images first")
    current = manifest[~manifest["stale"]]
    counts = current["shot"].value_counts()
    return dg.MaterializeResult(metadata={str(shot): int(count) for shot, count in counts.items()})


@dg.asset(
    deps=[
        dg.AssetDep(
            hero, partition_mapping=dg.SpecificPartitionsPartitionMapping([CAMPAIGN_PRODUCT])
        )
    ],
    automation_condition=dg.AutomationCondition.eager(),
)
def campaign_picture(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg] # dagster compares with the bare class
    """Take one product's hero picture, whenever that partition is made anew."""
    wanted = dg.AssetRecordsFilter(asset_key=hero.key, asset_partitions=[CAMPAIGN_PRODUCT])
    [record] = context.instance.fetch_materializations(wanted, limit=1).records
    event = record.asset_materialization
    if event is None or event.metadata["outcome"].value == "skipped":  # no picture is wanted
        raise dg.Failure(f"{CAMPAIGN_PRODUCT} has no hero picture")
    return dg.MaterializeResult(metadata={"object_uri": event.metadata["object_uri"]})


defs = dg.Definitions(
    assets=[hero, picture_counts, campaign_picture],
    sensors=[
        dg.AutomationConditionSensorDefinition(
            "follow_the_pictures", target="*", default_status=dg.DefaultSensorStatus.RUNNING
        )
    ],
)
