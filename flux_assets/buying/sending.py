"""One request's send: its photo given, paced, counted against the day, claimed, and called."""

import logging
import math
from dataclasses import dataclass

from flux_assets.bill.claim_keeper import ClaimKeeper
from flux_assets.bill.daily_limit import DailyBudget
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, LedgerEntry
from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.calling import NOTHING_SENT, Caller, UploadRefusedError
from flux_assets.buying.uploads import AssetUploads, Upload
from flux_assets.clock import Clock
from flux_assets.errors import FluxAssetsError, RateLimitedError
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.shared_rate import SharedRateError
from flux_assets.storage.object_store import ObjectStore

_NOT_SENT_PAUSE_SECONDS = 2.0

MIN_FREE_BYTES = 256 * 2**20
"""Room for every picture and ledger entry that may be under way at once."""

_log = logging.getLogger(__name__)


class NotAttemptedError(FluxAssetsError):
    """Nothing was sent for this request, because the run must send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends one request at a time; shared by all threads of a step.

    Args:
        pace, budget, stop: what limits the use of the API.
        store, ledger: where claims go, and whether there is room for what is paid.
        keeper: renews a claim for as long as it is held.
        uploads: gives the vendor the photos that are edited.
        caller: makes the calls.
        clock: time.
    """

    pace: Pace
    budget: DailyBudget
    stop: RunStop
    store: ObjectStore
    ledger: Ledger
    keeper: ClaimKeeper
    uploads: AssetUploads
    caller: Caller
    clock: Clock

    def send(
        self, request: ImageRequest, previous: LedgerEntry | None
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """Claim and send; go on through what provably made nothing, within one deadline.

        A photo is uploaded before its request is claimed, and once more where the vendor refuses
        a call that names one of an earlier upload: it keeps them for an unknown time.

        Returns:
            The ledger entry as `Caller.call` gives it, and the call or why there is none.

        Raises:
            ClaimLostError: somebody else has the request.
            NotAttemptedError, NotStartedError, DailyLimitError, StoreError: nothing was sent.
            RefusedError, AccountError, DownloadError: nor could its photo be uploaded.
        """
        send = _Send(request=request, previous=previous)
        while True:
            try:
                claim, answer = self._try(send)
            except FluxAssetsError as error:
                if isinstance(error, SharedRateError):
                    self.stop.trip(str(error))
                if send.day:
                    self.budget.give_back(send.day)
                if send.claim is None:
                    raise
                return send.claim, send.problem or error
            if not isinstance(answer, NOTHING_SENT):
                return claim, answer
            if send.problem is None:
                send.give_up_at = self.clock.monotonic() + self.caller.timeout_seconds
            send.problem = answer
            self._pause(answer)

    def _try(self, send: "_Send") -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        if send.claim is None:
            self.budget.check()
        if send.lacks_upload:
            self._count(send)
            self._check_stop()
            refused = send.upload.asset_key if send.upload else ""
            send.upload = self.uploads.obtain(send.request, instead_of=refused)
        # The claim comes after the wait for a place: a lease must not run out in a queue.
        with self.pace.slot(stop=self.stop.event, deadline=send.give_up_at):
            self._check_stop()
            self._count(send)
            # The wait may have outlasted the lease; sent on a lost claim, it is paid twice.
            claimed_at = self.clock.monotonic()
            send.claim = self.ledger.renew(send.claim) if send.claim else self._claim(send)
            self.keeper.hold(send.claim, claimed_at)
            # Who sleeps here, and wakes up late, must renew it: the lease has to outlast the call.
            spare_seconds = self.ledger.lease_seconds - self.caller.timeout_seconds
            send.claim, answer = self.caller.call(
                send.request, send.claim, send.upload, send_by=claimed_at + spare_seconds / 2
            )
        return send.claim, answer

    def _count(self, send: "_Send") -> None:
        """Take the send out of the day's limit, once however often it is tried."""
        send.day = send.day or self.budget.spend()

    def _check_stop(self) -> None:
        free_bytes = self.store.free_bytes()
        if free_bytes is not None and free_bytes < MIN_FREE_BYTES:
            self.stop.trip(
                f"{self.store.uri} has only {free_bytes // 2**20} MiB left, too little to keep "
                "what would be paid for; free some space, then start the run again"
            )
        if reason := self.stop.reason():
            raise NotAttemptedError(reason)

    def _claim(self, send: "_Send") -> LedgerEntry:
        claim = self.ledger.claim(send.request, send.previous)
        before = send.previous.possibly_paid_twice if send.previous else 0
        if claim.possibly_paid_twice > before:
            _log.warning(
                "product %r, shot %s: sent again after an unknown outcome, possibly paid twice",
                send.request.product_id,
                send.request.shot,
            )
        return claim

    def _pause(self, answer: FluxAssetsError) -> None:
        if isinstance(answer, UploadRefusedError):
            return
        seconds = _NOT_SENT_PAUSE_SECONDS
        if isinstance(answer, RateLimitedError):
            seconds = answer.retry_after_seconds
        _log.warning("all calls pause for %g s: %s", seconds, answer)
        self.pace.pause(seconds)


@dataclass(slots=True, kw_only=True)
class _Send:
    """How far one request's send has come.

    `day` is what it counts against; `problem` is why the last try sent nothing.
    """

    request: ImageRequest
    previous: LedgerEntry | None
    day: str = ""
    upload: Upload | None = None
    claim: LedgerEntry | None = None
    problem: FluxAssetsError | None = None
    give_up_at: float = math.inf

    @property
    def lacks_upload(self) -> bool:
        """Whether its photo must be given to the vendor, for the first time or once more."""
        if self.request.mode != "edit":
            return False
        return self.upload is None or isinstance(self.problem, UploadRefusedError)
