"""`images/<shot>`: one asset per shot, by products or buckets, for people and backfills."""

from collections.abc import Iterator, Sequence
from functools import partial

import dagster as dg

from flux_assets.bill.open_ledger import open_ledger
from flux_assets.buying.summary import Shortfall
from flux_assets.defs.beta import without_beta_warnings
from flux_assets.defs.chosen_requests import build_requests, build_skipped, choose_by_id
from flux_assets.defs.events import build_observation, log_outcomes, run_identity
from flux_assets.defs.image_buckets import make_buckets
from flux_assets.defs.names import Names
from flux_assets.defs.obtaining import obtain
from flux_assets.defs.partitions import backfill_policy, picture_partitions
from flux_assets.defs.pools import API_POOL
from flux_assets.defs.reports import shortfalls_table
from flux_assets.defs.resources import IMAGE_API, STORE, open_stores
from flux_assets.defs.unwanted import build_unwanted
from flux_assets.settings import Settings

GROUP = "images"
OWNERS = ["team:catalog"]


@without_beta_warnings()
def build_shot_pictures(settings: Settings, names: Names, shot_name: str) -> dg.AssetsDefinition:
    """The asset `images/<shot>`."""
    is_by_bucket = settings.partition_by == "bucket"
    make = make_buckets if is_by_bucket else _make_products
    whose = "the products of each bucket" if is_by_bucket else "each product"

    @dg.asset(
        key=names.key("images", shot_name),
        deps=[names.key("refreshed_images")],
        partitions_def=picture_partitions(settings, names),
        backfill_policy=backfill_policy(settings),
        output_required=False,
        io_manager_key=names.steps,
        required_resource_keys={names.resource(STORE), names.resource(IMAGE_API)},
        group_name=GROUP,
        owners=OWNERS,
        kinds={"flux", "s3"} if settings.store.startswith("s3://") else {"flux"},
        pool=names.name(API_POOL),
        description=(
            f"The {shot_name} picture of {whose}. A run buys what is not stored yet and "
            "logs every partition it was asked for."
        ),
    )
    def shot_pictures(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
        count, shortfalls = make(context, settings, names, shot_name)
        if shortfalls:
            first = shortfalls[0]
            raise dg.Failure(
                f"{len(shortfalls)} of {count} products have no {shot_name} picture; "
                f"the first is {first.product_id}: {first.reason}",
                metadata={"products": dg.MetadataValue.md(shortfalls_table(shortfalls))},
                allow_retries=False,
            )
        yield from ()

    return shot_pictures


def _make_products(
    context: dg.AssetExecutionContext, settings: Settings, names: Names, shot_name: str
) -> tuple[int, Sequence[Shortfall]]:
    """Obtain the picture of each product that the run was asked for, and log it as it lands.

    Returns:
        Of how many products, and what keeps others of them from having one; to skip one that is
        asked for alone is a failure.
    """
    keys = context.partition_keys
    stores = open_stores(context, names)
    ledger = open_ledger(settings, stores.shop, run_identity(context))
    made = build_requests(settings, shot_name, choose_by_id(keys), store=stores.shop, ledger=ledger)
    for it in made.skipped:
        who = (it.product_id, it.shot)
        context.log_event(build_unwanted(*who, it.reason, mode=settings.mode, names=names))
    log = partial(
        log_outcomes,
        context,
        settings=settings,
        names=names,
        store=stores.shop,
        products=made.products,
    )
    summary = obtain(context, settings, names, stores, made, log)
    shortfalls = [*made.shortfalls, *summary.shortfalls]
    if len(keys) == 1:
        shortfalls += map(build_skipped, made.skipped)
    for shortfall in shortfalls:
        context.log_event(build_observation(shortfall, names=names))
    return len(keys), shortfalls
