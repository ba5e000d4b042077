"""Which pages of the Dagster UI to open first, and what for."""

import dagster as dg

from flux_assets.commands.code_location import find_job_origin
from flux_assets.defs.automation import DEAD_RUNS_SENSOR
from flux_assets.defs.names import Names
from flux_assets.errors import FluxAssetsError
from flux_assets.prompts.inputs import load_shots
from flux_assets.settings import Settings


def describe_first_pages(
    settings: Settings, names: Names, instance: dg.DagsterInstance, address: str
) -> str:
    """The pages, the pictures' before the job's where there are pictures."""
    origin = find_job_origin(instance, names.job, names.name(DEAD_RUNS_SENSOR))
    location = origin.repository_origin.code_location_origin.location_name
    run = (
        f"{address}/locations/{location}/jobs/{names.job}/playground",
        "the job: Launch Run buys what is new or changed",
    )
    assets = f"{address}/asset-groups", "what follows from what, from the catalog to the manifest"
    shot = _first_shot(settings)
    key = names.key("images", shot)
    pages = [run, assets]
    if shot and instance.has_asset_key(key):
        shown = f"{address}/assets/{'/'.join(key.path)}?view=partitions"
        what = f"each product's {shot} picture, and all that is known of it"
        if settings.partition_by == "bucket":
            what = f"the {shot} pictures, in 256 buckets of products"
        pages.insert(0, (shown, what))
    lines = "\n".join(f"  {page}\n    {why}" for page, why in pages)
    return f"Dagster is up. Open first, in this order; Ctrl-C ends it.\n{lines}"


def _first_shot(settings: Settings) -> str:
    try:
        return load_shots(settings).shots[0].name
    except FluxAssetsError:  # which the UI tells
        return ""
