"""The pictures of chosen requests: bought where they are not stored, and told as they land."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.bill.caps import check_run_cap
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import Stores, open_ledger
from flux_assets.buying.generation import WorkItem, open_generation
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.summary import RunSummary
from flux_assets.defs.chosen_requests import Made
from flux_assets.defs.events import run_identity
from flux_assets.defs.guards import guard_loss
from flux_assets.defs.known import read_known, read_known_before
from flux_assets.defs.names import Names
from flux_assets.defs.reports import summary_report
from flux_assets.defs.resources import image_api_of
from flux_assets.planning.against_store import plan_against_store
from flux_assets.planning.plan import Plan
from flux_assets.planning.plan_table import TO_BUY
from flux_assets.prompts.requests_table import build_identities
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore, picture_prefix

if TYPE_CHECKING:  # it is loaded only where something is planned
    import pandas as pd

LogOutcomes = Callable[[Iterable[Outcome]], RunSummary]


def obtain(  # noqa: PLR0917 - all that one step has
    context: dg.AssetExecutionContext,
    settings: Settings,
    names: Names,
    stores: Stores,
    made: Made,
    log: LogOutcomes,
) -> RunSummary:
    """Buy what is not stored, take what is, and have each outcome logged as it comes.

    Raises:
        CapExceededError, BoughtBeforeError: nothing was sent.
    """
    run = run_identity(context)
    ledger = open_ledger(settings, stores.shop, run)
    plan = _plan(settings, stores.shop, ledger, made)
    check_run_cap(
        plan.to_buy,
        max_images_per_run=settings.max_images_per_run,
        cost_usd_per_image=settings.cost_usd_per_image,
    )
    _guard_loss((context.instance, settings, names), (stores.shop, ledger), plan)
    work = [
        WorkItem(request, row.object_key, row.status in TO_BUY)
        for request, row in zip(made.requests, plan.rows, strict=True)
    ]
    with open_generation(
        settings,
        stores,
        image_api_of(context, names),
        run,
        to_obtain=plan.to_buy,
        retry_refused=False,
    ) as generation:
        summary = log(generation.carry_out(work))
        summary.credits = generation.credits.span
    context.log.info(summary_report(summary, cost_usd_per_image=settings.cost_usd_per_image))
    return summary


def _plan(settings: Settings, store: ObjectStore, ledger: Ledger, made: Made) -> Plan:
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


def _guard_loss(
    whose: tuple[dg.DagsterInstance, Settings, Names],
    stored: tuple[ObjectStore, Ledger],
    plan: Plan,
) -> None:
    to_buy = plan.rows_that_are(TO_BUY)
    shots = {row.shot for row in to_buy}

    def read_stored() -> "pd.DataFrame":
        return plan.table[plan.table["status"] == "stored"]

    guard_loss(
        whose[1],
        stored,
        to_buy=to_buy,
        known=read_known(
            *whose,
            shots=shots,
            read_stored=read_stored,
            product_ids=[row.product_id for row in to_buy],
        ),
        read_known_before=partial(read_known_before, *whose, shots=shots, read_stored=read_stored),
    )
