"""Puts the parts of the core together, from the settings, for one step of one run."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from flux_assets.account_credits import AccountCredits
from flux_assets.api_access import ApiAccess
from flux_assets.asset_uploads import AssetUploads
from flux_assets.budget import DailyBudget
from flux_assets.generation import generate
from flux_assets.image_request import ImageRequest
from flux_assets.landing import Landing
from flux_assets.ledger import Ledger
from flux_assets.outcome import Outcome
from flux_assets.picture_records import PictureRecords
from flux_assets.purchase import Purchase
from flux_assets.rendering import open_photos
from flux_assets.result_wait import ResultWait
from flux_assets.run_stop import RunStop
from flux_assets.send_rules import SendRules
from flux_assets.sending import Sender
from flux_assets.settings import Settings
from flux_assets.store.object_store import ObjectStore
from flux_assets.store.probe import prove_conditions

LEASE_MARGIN_SECONDS = 120
_BUDGET_BATCH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The shop's part of the store, and the root that all shops share."""

    shop: ObjectStore
    root: ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Which run and step this is, and how to know that another run has ended."""

    run_id: str
    step: str
    is_run_dead: Callable[[str], bool]


class WorkItem(NamedTuple):
    """One request of a step: stored under `object_key`, to be bought, or only to be finished."""

    request: ImageRequest
    object_key: str
    may_buy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Obtains and takes pictures for one step; more threads than calls, to download beside."""

    purchase: Purchase
    stop: RunStop
    credits: AccountCredits
    threads: int

    def carry_out(self, work: Sequence[WorkItem]) -> Iterator[Outcome]:
        """An outcome for each: first what is there, then what is paid, then what is bought."""
        yield from self.reuse((item.request, item.object_key) for item in work if item.object_key)
        left = [item for item in work if not item.object_key]
        yield from self.finish(item.request for item in left if not item.may_buy)
        yield from self.obtain(item.request for item in left if item.may_buy)

    def obtain(self, requests: Iterable[ImageRequest]) -> Iterator[Outcome]:
        """An outcome for each request, buying what the ledger allows."""
        return generate(requests, obtain=self.purchase.obtain, stop=self.stop, threads=self.threads)

    def finish(self, requests: Iterable[ImageRequest]) -> Iterator[Outcome]:
        """An outcome for each request, fetching what is paid already; buys nothing."""
        purchase = replace(self.purchase, may_buy=False)
        return generate(requests, obtain=purchase.obtain, stop=self.stop, threads=self.threads)

    def reuse(self, stored: Iterable[tuple[ImageRequest, str]]) -> Iterator[Outcome]:
        """An outcome for each stored picture, given with its object key; buys nothing."""
        keys: dict[str, str] = {}

        def requests() -> Iterator[ImageRequest]:
            for request, object_key in stored:
                keys[request.fingerprint] = object_key
                yield request

        return generate(
            requests(),
            obtain=lambda request: self.purchase.reuse(request, keys[request.fingerprint]),
            stop=self.stop,
            threads=min(self.threads, 16),
        )


def send_rules(settings: Settings, *, retry_refused: bool) -> SendRules:
    """When something may be sent again, from the settings."""
    return SendRules(
        max_attempts=settings.max_attempts,
        on_unknown_outcome=settings.on_unknown_outcome,
        retry_refused=retry_refused,
    )


def open_ledger(settings: Settings, store: ObjectStore, run: RunIdentity) -> Ledger:
    """The ledger as this run writes it; its lease outlives any one call."""
    return Ledger(
        store,
        run_id=run.run_id,
        step=run.step,
        lease_seconds=settings.call_timeout_seconds + LEASE_MARGIN_SECONDS,
        is_run_dead=run.is_run_dead,
    )


def open_records(
    settings: Settings, store: ObjectStore, ledger: Ledger, *, preview_px: int
) -> PictureRecords:
    """What ties the shop's pictures to their ledger entries."""
    return PictureRecords(
        store=store,
        ledger=ledger,
        mode=settings.mode,
        cost_usd_per_image=settings.cost_usd_per_image,
        preview_px=preview_px,
        read_photo=open_photos(settings, store).read,
    )


@contextmanager
def open_generation(
    settings: Settings,
    stores: Stores,
    api: ApiAccess,
    run: RunIdentity,
    *,
    to_obtain: int,
    retry_refused: bool,
) -> Iterator["Generation"]:
    """Everything that one step needs to obtain pictures; unused reservations return at its end.

    Where the block raises, nothing more is sent, also by threads that outlive it.

    Args:
        settings: of this environment.
        stores: to buy into.
        api: to buy from.
        run: in whose name.
        to_obtain: how many requests may be sent: no more of the day is reserved ahead, which a
            run beside this one would miss.
        retry_refused: whether what the vendor refused is sent again.

    Raises:
        StoreError: the store ignores conditional writes, or cannot be written to; nothing was
            sent.
    """
    prove_conditions(stores.shop, run.run_id)
    ledger = open_ledger(settings, stores.shop, run)
    stop = RunStop(stores.shop, run.run_id)
    budget = _open_budget(settings, stores.root, run, to_obtain=to_obtain)
    account_credits = AccountCredits()
    purchase = Purchase(
        sender=Sender(
            client=api.client,
            pace=api.pace,
            budget=budget,
            stop=stop,
            credits=account_credits,
            store=stores.shop,
            ledger=ledger,
            uploads=_open_uploads(settings, stores.shop, api, stop),
            results=_open_results(settings, api, stop),
            call_timeout_seconds=settings.call_timeout_seconds,
            monotonic=time.monotonic,
            utc_now=lambda: datetime.now(UTC),
        ),
        ledger=ledger,
        landing=Landing(
            client=api.client,
            pace=api.pace,
            records=open_records(settings, stores.shop, ledger, preview_px=settings.preview_px),
            timeout_seconds=settings.call_timeout_seconds,
            monotonic=time.monotonic,
            sleep=time.sleep,
        ),
        rules=send_rules(settings, retry_refused=retry_refused),
    )
    threads = settings.max_in_flight + max(4, settings.max_in_flight // 3)
    with budget:
        try:
            yield Generation(purchase=purchase, stop=stop, credits=account_credits, threads=threads)
        except BaseException:
            stop.halt("the step was interrupted")
            raise


def _open_uploads(
    settings: Settings, store: ObjectStore, api: ApiAccess, stop: RunStop
) -> AssetUploads:
    return AssetUploads(
        client=api.client,
        pace=api.pace,
        stop=stop,
        store=store,
        read_photo=open_photos(settings, store).read,
        timeout_seconds=settings.call_timeout_seconds,
        monotonic=time.monotonic,
        sleep=time.sleep,
        utc_now=lambda: datetime.now(UTC),
    )


def _open_results(settings: Settings, api: ApiAccess, stop: RunStop) -> ResultWait:
    return ResultWait(
        client=api.client,
        pace=api.pace,
        schedule=api.polls,
        stop=stop,
        timeout_seconds=settings.call_timeout_seconds,
        monotonic=time.monotonic,
        sleep=time.sleep,
        utc_now=lambda: datetime.now(UTC),
    )


def _open_budget(
    settings: Settings, root: ObjectStore, run: RunIdentity, *, to_obtain: int
) -> DailyBudget:
    return DailyBudget(
        root,
        daily_limit=settings.daily_image_limit,
        reservation_id=f"{run.run_id} {run.step} {uuid4().hex}",
        batch_size=max(1, min(to_obtain, _BUDGET_BATCH)),
        monotonic=time.monotonic,
    )
