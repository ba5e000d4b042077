"""The pictures of whole buckets, as a backfill of `images/<shot>` asks for them."""

from collections.abc import Iterable, Iterator, Sequence

import dagster as dg

from flux_assets.bill.open_ledger import open_ledger
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.defs.bucket_events import (
    NEW_COLUMNS,
    Buckets,
    count_outcomes,
    log_asked_buckets,
    observe_shortfalls,
)
from flux_assets.defs.chosen_requests import build_requests, choose_by_bucket
from flux_assets.defs.events import run_identity
from flux_assets.defs.names import Names
from flux_assets.defs.obtaining import obtain
from flux_assets.defs.resources import open_stores
from flux_assets.settings import Settings
from flux_assets.storage.frames import build_frame

_PLACE = ("product_id", "shot")


def make_buckets(
    context: dg.AssetExecutionContext, settings: Settings, names: Names, shot_name: str
) -> tuple[int, Sequence[Shortfall]]:
    """Obtain the pictures of all products of the buckets that the run was asked for; log each.

    Returns:
        How many products they have, and what keeps some of them from having a picture.
    """
    stores = open_stores(context, names)
    ledger = open_ledger(settings, stores.shop, run_identity(context))
    choose = choose_by_bucket(set(context.partition_keys))
    made = build_requests(settings, shot_name, choose, store=stores.shop, ledger=ledger)
    rows: list[tuple[str, ...]] = []
    new: list[tuple[str, ...]] = []

    def keep(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            it = outcome.request
            if outcome.lineage is not None:
                rows.append((it.product_id, it.shot, it.fingerprint, outcome.lineage.object_key))
                if outcome.kind != "reused":
                    new.append(rows[-1])
            yield outcome

    def log(outcomes: Iterable[Outcome]) -> RunSummary:
        return count_outcomes(context, keep(outcomes), names)

    summary = obtain(context, settings, names, stores, made, log)
    shortfalls = [*made.shortfalls, *summary.shortfalls]
    wanted = [(it.product_id, it.shot) for it in made.requests]
    wanted += [(it.product_id, it.shot) for it in made.shortfalls]
    buckets = Buckets(
        shots=[shot_name],
        pictures=build_frame(rows, NEW_COLUMNS, numbers=()),
        new=build_frame(new, NEW_COLUMNS, numbers=()),
        wanted=build_frame(wanted, _PLACE, numbers=()),
    )
    log_asked_buckets(context, settings, names, stores.shop, buckets)
    observe_shortfalls(context, names, shortfalls)
    return len(made.products), shortfalls
