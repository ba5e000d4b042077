"""`images/<shot>`: one asset per shot, one partition per product, for people and backfills."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import dagster as dg

from flux_assets.bill.caps import check_run_cap
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import Stores, open_ledger
from flux_assets.buying.generation import WorkItem, open_generation
from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.catalog.product import Product
from flux_assets.defs.beta import without_beta_warnings
from flux_assets.defs.events import (
    build_observation,
    log_outcomes,
    run_identity,
)
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.guards import guard_loss
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.defs.partitions import products_partitions
from flux_assets.defs.pools import API_POOL
from flux_assets.defs.reports import shortfalls_table, summary_report
from flux_assets.defs.resources import IMAGE_API, STORE, image_api_of, open_stores
from flux_assets.defs.unwanted import build_unwanted
from flux_assets.errors import PromptError, ShotsFileError
from flux_assets.image_api.open_api import ApiAccess
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.product_names import ProductName
from flux_assets.planning.against_store import plan_against_store
from flux_assets.planning.choices import Choices
from flux_assets.planning.plan import Plan
from flux_assets.planning.plan_table import TO_BUY
from flux_assets.planning.reasons import list_reasons
from flux_assets.prompts.catalog_reading import find_products
from flux_assets.prompts.former_ids import FormerIds, find_former_ids
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.requests import Skipped
from flux_assets.prompts.requests_table import build_identities
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore, picture_prefix
from flux_assets.storage.sources import shown_uri

GROUP = "images"
OWNERS = ["team:catalog"]


@without_beta_warnings()
def build_shot_pictures(settings: Settings, names: Names, shot_name: str) -> dg.AssetsDefinition:
    """The asset `images/<shot>`."""

    @dg.asset(
        key=names.key("images", shot_name),
        deps=[names.key("refreshed_images")],
        partitions_def=products_partitions(names),
        backfill_policy=dg.BackfillPolicy.multi_run(settings.shard_size),
        output_required=False,
        io_manager_key=names.steps,
        required_resource_keys={names.resource(STORE), names.resource(IMAGE_API)},
        group_name=GROUP,
        owners=OWNERS,
        kinds={"flux", "s3"} if settings.store.startswith("s3://") else {"flux"},
        pool=names.name(API_POOL),
        description=(
            f"The {shot_name} picture of each product. A run buys what is not stored yet and "
            "logs every partition it was asked for."
        ),
    )
    def shot_pictures(context: dg.AssetExecutionContext) -> Iterator[dg.Output[None]]:
        keys = context.partition_keys
        stores = open_stores(context, names)
        ledger = open_ledger(settings, stores.shop, run_identity(context))
        made = _build_requests(settings, shot_name, keys, store=stores.shop, ledger=ledger)
        for it in made.skipped:
            who = (it.product_id, it.shot)
            context.log_event(build_unwanted(*who, it.reason, mode=settings.mode, names=names))
        summary = _obtain(context, settings, names, stores, image_api_of(context, names), made)
        shortfalls = [*made.shortfalls, *summary.shortfalls]
        for shortfall in shortfalls:
            context.log_event(build_observation(shortfall, names=names))
        if shortfalls:
            first = shortfalls[0]
            raise dg.Failure(
                f"{len(shortfalls)} of {len(keys)} products have no {shot_name} picture; "
                f"the first is {first.product_id}: {first.reason}",
                metadata={"products": dg.MetadataValue.md(shortfalls_table(shortfalls))},
                allow_retries=False,
            )
        yield from ()

    return shot_pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What some products ask for, why others ask for nothing, their former ids and names.

    Of the skipped ones no picture is wanted.
    """

    requests: Sequence[ImageRequest]
    skipped: Sequence[Skipped]
    shortfalls: Sequence[Shortfall]
    former_ids: FormerIds
    products: Mapping[str, ProductName]


@put_off_full_collections()
def _build_requests(
    settings: Settings,
    shot_name: str,
    product_ids: Sequence[str],
    *,
    store: ObjectStore,
    ledger: Ledger,
) -> _Made:
    """What is made of the chosen products now; to skip one that is asked for alone is a failure."""
    unmade = partial(Shortfall, shot=shot_name, fingerprint="", kind="failed")
    shots = load_shots(settings)
    shot = next((shot for shot in shots.shots if shot.name == shot_name), None)
    if shot is None:
        raise ShotsFileError(shots.name, f"shot {shot_name!r} is gone; reload the code location")
    chosen, absent = _choose_products(settings, shots, store, product_ids)
    shortfalls = [unmade(product_id=it, reason=reason) for it, reason in absent.items()]
    requests: list[ImageRequest] = []
    skipped: list[Skipped] = []
    overrides = load_overrides(settings)
    for result in render_requests(
        settings, store, ledger, products=chosen, shots=[shot], overrides=overrides
    ):
        if isinstance(result, PromptError):
            shortfalls.append(unmade(product_id=result.product_id, reason=str(result)))
        elif isinstance(result, Skipped):
            skipped.append(result)
            if len(product_ids) == 1:
                reason = f"skipped ({result.reason}): {result.message}"
                shortfalls.append(unmade(product_id=result.product_id, reason=reason))
        else:
            requests.append(result)
    return _Made(
        requests=requests,
        skipped=skipped,
        shortfalls=shortfalls,
        former_ids=find_former_ids(chosen),
        products={it.product_id: ProductName(it.title, it.category) for it in chosen},
    )


def _choose_products(
    settings: Settings, shots: ShotsFile, store: ObjectStore, product_ids: Sequence[str]
) -> tuple[list[Product], Mapping[str, str]]:
    """The chosen products, and why some are none; the export is read again only for these.

    A backfill is many runs of few products each, and the whole export takes longer than they do.
    """
    products = find_products(settings, store, shots, product_ids)
    if products.keys() >= set(product_ids):
        return [products[product_id] for product_id in product_ids], {}
    catalog = load_catalog(settings, shots)
    products = {product.product_id: product for product in catalog.products}
    absent = [product_id for product_id in product_ids if product_id not in products]
    choices = Choices(product_ids=absent)
    told = {item.product_id: item.message for item in list_reasons(catalog, (), (), choices)}
    gone = f"not in {shown_uri(settings.catalog)} any more"
    return (
        [products[product_id] for product_id in product_ids if product_id in products],
        {product_id: told.get(product_id, gone) for product_id in absent},
    )


def _obtain(  # noqa: PLR0917 - all that one step has
    context: dg.AssetExecutionContext,
    settings: Settings,
    names: Names,
    stores: Stores,
    api: ApiAccess,
    made: _Made,
) -> RunSummary:
    """Buy what is not stored, take what is, and log each picture as it lands."""
    run = run_identity(context)
    ledger = open_ledger(settings, stores.shop, run)
    plan = _plan(settings, stores.shop, ledger, made)
    check_run_cap(
        plan.to_buy,
        max_images_per_run=settings.max_images_per_run,
        cost_usd_per_image=settings.cost_usd_per_image,
    )
    to_buy = plan.rows_that_are(TO_BUY)
    known = KnownPictures.read(
        context.instance,
        names,
        {row.shot for row in to_buy},
        product_ids=[row.product_id for row in to_buy],
    )
    guard_loss(context.instance, settings, names, (stores.shop, ledger), to_buy=to_buy, known=known)
    work = [
        WorkItem(request, row.object_key, row.status in TO_BUY)
        for request, row in zip(made.requests, plan.rows, strict=True)
    ]
    with open_generation(
        settings, stores, api, run, to_obtain=plan.to_buy, retry_refused=False
    ) as generation:
        outcomes = generation.carry_out(work)
        summary = log_outcomes(
            context,
            outcomes,
            settings=settings,
            names=names,
            store=stores.shop,
            products=made.products,
        )
        summary.credits = generation.credits.span
    context.log.info(summary_report(summary, cost_usd_per_image=settings.cost_usd_per_image))
    return summary


def _plan(settings: Settings, store: ObjectStore, ledger: Ledger, made: _Made) -> Plan:
    """These requests against the store, of which no more is listed than their own folders."""
    requests, former_ids = made.requests, made.former_ids
    return plan_against_store(
        settings,
        store,
        ledger,
        build_identities(requests),
        former_ids=former_ids,
        doubts={item.fingerprint: item.doubt for item in requests if item.doubt},
        prefixes=[
            picture_prefix(item.shot, product_id)
            for item in requests
            for product_id in (item.product_id, *former_ids.get(item.product_id, ()))
        ],
    )
