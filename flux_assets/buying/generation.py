"""Puts the parts of the core together, from the settings, for one step of one run."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import NamedTuple
from uuid import uuid4

from flux_assets.bill.asking import AskSchedule
from flux_assets.bill.breaker import Breaker
from flux_assets.bill.claim_keeper import ClaimKeeper
from flux_assets.bill.credits import AccountCredits
from flux_assets.bill.daily_limit import DailyBudget
from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.open_ledger import RunIdentity, Stores, open_ledger
from flux_assets.bill.run_stop import RunStop
from flux_assets.bill.send_rules import SendRules
from flux_assets.buying.calling import Caller
from flux_assets.buying.fetching import Fetching
from flux_assets.buying.landing import Landing
from flux_assets.buying.outcome import Outcome
from flux_assets.buying.passes import generate
from flux_assets.buying.picture_records import PictureRecords, open_records
from flux_assets.buying.purchase import Purchase
from flux_assets.buying.reachability import Reachability
from flux_assets.buying.result_wait import ResultWait
from flux_assets.buying.sending import Sender
from flux_assets.buying.settling import Settlement
from flux_assets.buying.uploads import AssetUploads
from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.image_api.open_api import ApiAccess
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.memory_budget import BYTES_A_PIXEL, MemoryBudget
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.probe import prove_store

_BUDGET_BATCH = 20


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

    def ask_once(self, entry: LedgerEntry) -> str:
        """Fetch what an entry says is paid, if it can be had; else give why not."""
        return self.purchase.settlement.ask_once(entry)

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
    prove_store(stores.shop, run.run_id)
    stop = RunStop(stores.shop, run.run_id)
    budget = _open_budget(settings, stores.root, run, to_obtain=to_obtain)
    account_credits = AccountCredits()
    parts = PurchaseParts(
        store=stores.shop,
        api=api,
        rules=SendRules.of(settings, retry_refused=retry_refused),
        asking=AskSchedule(keeps_asking=timedelta(hours=settings.fetch_paid_hours)),
        records=open_records(
            settings,
            stores.shop,
            open_ledger(settings, stores.shop, run),
            preview_px=settings.preview_px,
        ),
        budget=budget,
        stop=stop,
        account_credits=account_credits,
        call_timeout_seconds=settings.call_timeout_seconds,
        clock=SYSTEM_CLOCK,
    )
    purchase = parts.build()
    threads = settings.max_in_flight + max(4, settings.max_in_flight // 3)
    with budget, purchase.sender.keeper:
        try:
            yield Generation(purchase=purchase, stop=stop, credits=account_credits, threads=threads)
        except BaseException:
            stop.halt("the step was interrupted")
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class PurchaseParts:
    """What the way from a request to its outcome is put together from."""

    store: ObjectStore
    api: ApiAccess
    rules: SendRules
    asking: AskSchedule
    records: PictureRecords
    budget: DailyBudget
    stop: RunStop
    account_credits: AccountCredits
    call_timeout_seconds: float
    clock: Clock

    def build(self) -> Purchase:
        """One purchase for all threads of a step."""
        results = ResultWait(
            client=self.api.client,
            pace=self.api.pace,
            schedule=self.api.polls,
            stop=self.stop,
            timeout_seconds=self.call_timeout_seconds,
            clock=self.clock,
        )
        breaker = Breaker(self.stop)
        return Purchase(
            ledger=self.records.ledger,
            records=self.records,
            sender=self._build_sender(results, breaker),
            settlement=self._build_settlement(results, breaker),
        )

    def _build_sender(self, results: ResultWait, breaker: Breaker) -> Sender:
        uploads = AssetUploads(
            client=self.api.client,
            pace=self.api.pace,
            stop=self.stop,
            breaker=breaker,
            store=self.store,
            likeness=self.records.likeness,
            timeout_seconds=self.call_timeout_seconds,
            clock=self.clock,
        )
        caller = Caller(
            client=self.api.client,
            pace=self.api.pace,
            stop=self.stop,
            breaker=breaker,
            reachability=Reachability(self.stop, self.clock),
            credits=self.account_credits,
            ledger=self.records.ledger,
            results=results,
            timeout_seconds=self.call_timeout_seconds,
            clock=self.clock,
        )
        return Sender(
            pace=self.api.pace,
            budget=self.budget,
            stop=self.stop,
            store=self.store,
            ledger=self.records.ledger,
            keeper=ClaimKeeper(self.records.ledger, clock=self.clock),
            uploads=uploads,
            caller=caller,
            clock=self.clock,
        )

    def _build_settlement(self, results: ResultWait, breaker: Breaker) -> Settlement:
        fetching = Fetching(
            client=self.api.client,
            pace=self.api.pace,
            inspect=self.records.likeness.inspect,
            room=MemoryBudget(self.records.likeness.budget.amount * BYTES_A_PIXEL),
            timeout_seconds=self.call_timeout_seconds,
            clock=self.clock,
        )
        landing = Landing(
            fetching=fetching,
            breaker=breaker,
            asking=self.asking,
            records=self.records,
            timeout_seconds=self.call_timeout_seconds,
        )
        return Settlement(
            ledger=self.records.ledger,
            rules=self.rules,
            landing=landing,
            pace=self.api.pace,
            results=results,
            stop=self.stop,
            breaker=breaker,
            give_up_seconds=self.call_timeout_seconds,
            clock=self.clock,
        )


def _open_budget(
    settings: Settings, root: ObjectStore, run: RunIdentity, *, to_obtain: int
) -> DailyBudget:
    return DailyBudget(
        root,
        daily_limit=settings.daily_image_limit,
        reservation_id=f"{run.run_id} {run.step} {uuid4().hex}",
        batch_size=max(1, min(to_obtain, _BUDGET_BATCH)),
        clock=SYSTEM_CLOCK,
    )
