"""The plan as the settings want it: against their store, and within their caps."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from flux_assets.bill.caps import ProductDrop, check_product_drop, check_run_cap
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.send_rules import SendRules
from flux_assets.catalog.tables import read_former_ids
from flux_assets.image_api.polling import TYPICAL_POLLS
from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.product_names import NAMED
from flux_assets.manifest.stored import open_manifest
from flux_assets.planning.changes import explain_changes
from flux_assets.planning.choices import Choices, RunCap
from flux_assets.planning.plan import NO_DOUBTS, NO_FORMER_IDS, Plan, PlanLimits, build_plan
from flux_assets.prompts.requests_table import read_doubted, read_requests, select_identities
from flux_assets.settings import Settings
from flux_assets.storage.frames import pack, text_column
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.stored_pictures import AskedPictures, list_pictures

if TYPE_CHECKING:
    import pandas as pd

PLANNED = (*NAMED, "former_ids")
"""What a plan takes from the table of products."""


def plan_against_store(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    requests: "pd.DataFrame",
    *,
    products: "pd.DataFrame | None" = None,
    former_ids: Mapping[str, tuple[str, ...]] = NO_FORMER_IDS,
    doubts: Mapping[str, str] = NO_DOUBTS,
    prefixes: Iterable[str] | None = None,
) -> Plan:
    """The plan of these requests, from the store's listing and the ledger of what is absent.

    Args:
        settings: for the rules and limits.
        store: the shop's.
        ledger: of the same store.
        requests: every one to plan, as for `build_plan`.
        products: likewise.
        former_ids: of the products that have any.
        doubts: why requests may not be bought now, by fingerprint.
        prefixes: where their pictures are, if that is less than the whole store.
    """
    rules = SendRules.of(settings)
    asked = AskedPictures(
        product_ids=text_column(requests, "product_id"),
        shots=text_column(requests, "shot"),
        fingerprints=text_column(requests, "fingerprint"),
        not_alone={former_id for ids in former_ids.values() for former_id in ids},
    )
    return build_plan(
        requests,
        pictures=list_pictures(store, prefixes, asked=asked),
        read_entries=ledger.read_many,
        limits=PlanLimits(
            cost_usd_per_image=settings.cost_usd_per_image,
            requests_per_minute=settings.requests_per_minute,
            max_in_flight=settings.max_in_flight,
            max_images_per_run=settings.max_images_per_run,
            daily_image_limit=settings.daily_image_limit,
            requests_per_picture=1 + TYPICAL_POLLS if settings.delivery == "async" else 1,
        ),
        standing_of=lambda entry: ledger.standing_of(entry, rules),
        products=products,
        former_ids=former_ids,
        doubts=doubts,
    )


def plan_all(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    requests: StoredTable,
    products: "pd.DataFrame",
) -> Plan:
    """The plan of a whole table of requests, with why each changed one would be bought again.

    Args:
        settings: as for `plan_against_store`.
        store: likewise.
        ledger: likewise.
        requests: the table of all.
        products: of the same catalog, with the columns of PLANNED.
    """
    plan = plan_against_store(
        settings,
        store,
        ledger,
        pack(select_identities(requests.read(RequestIdentity._fields))),
        products=products,
        former_ids=read_former_ids(products),
        doubts={it.identity.fingerprint: it.doubt for it in read_doubted(requests)},
    )
    changed = {row.fingerprint for row in plan.rows_that_are({"changed"})}
    if not changed:
        return plan
    rows = requests.read(where=("fingerprint", changed))
    return explain_changes(plan, read_requests(rows), open_manifest(store))


def run_cap(settings: Settings, choices: Choices) -> RunCap:
    """How many pictures a run with these choices may buy; they can only lower the cap."""
    wanted = choices.max_images
    cap = settings.max_images_per_run
    return RunCap(
        max_images=cap if wanted is None else min(cap, wanted), over_cap=settings.over_cap
    )


def check_run(
    settings: Settings,
    choices: Choices,
    *,
    drop: ProductDrop,
    to_buy: int,
) -> None:
    """Refuse, before its first call, a run over a shrunken catalog or over the cap.

    Args:
        settings: with both limits.
        choices: which may accept the drop, and lower the cap.
        drop: how many products the catalog lost.
        to_buy: as chosen.

    Raises:
        ProductDropError, CapExceededError: nothing may be sent.
    """
    if not choices.accept_drop:
        check_product_drop(drop, max_percent=settings.max_product_drop_percent)
    check_run_cap(
        to_buy,
        max_images_per_run=run_cap(settings, choices).max_images,
        cost_usd_per_image=settings.cost_usd_per_image,
    )
