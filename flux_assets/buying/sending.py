"""One send: claimed in the ledger, paced, counted against the day, and heard to the end."""

import logging
import math
from dataclasses import dataclass

from flux_assets.bill.credits import AccountCredits
from flux_assets.bill.daily_limit import DailyBudget
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.result_wait import ResultWait
from flux_assets.buying.uploads import AssetUploads, Upload
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    FluxAssetsError,
    GenerationFailedError,
    NotSentError,
    RateLimitedError,
    RefusedError,
    StoreError,
    UnknownOutcomeError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.error_replies import speaks_of_moderation
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.protocol import Reply
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.shared_rate import SharedRateError
from flux_assets.storage.object_store import ObjectStore

_NOT_SENT_PAUSE_SECONDS = 2.0

MIN_FREE_BYTES = 256 * 2**20
"""Room for every picture and ledger entry that may be under way at once."""


class UploadRefusedError(FluxAssetsError):
    """The vendor refused a call that named a photo of an earlier upload; nothing was made."""


NOTHING_SENT = (NotSentError, RateLimitedError, UploadRefusedError)
"""Answers after which the very same call is safe."""

_log = logging.getLogger(__name__)


class NotAttemptedError(FluxAssetsError):
    """Nothing was sent for this request, because the run must send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Sends one request at a time; shared by all threads of a step.

    Args:
        client, pace, budget, stop: the API, and what limits its use.
        credits: takes note of what the account has left.
        store, ledger: where claims go, and whether there is room for what is paid.
        uploads: gives the vendor the photos that are edited.
        results: waits for what an asynchronous call makes.
        call_timeout_seconds: for one call, and for all tries of a call that sent nothing.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    budget: DailyBudget
    stop: RunStop
    credits: AccountCredits
    store: ObjectStore
    ledger: Ledger
    uploads: AssetUploads
    results: ResultWait
    call_timeout_seconds: float
    clock: Clock

    def send(
        self, request: ImageRequest, previous: LedgerEntry | None
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """Claim and send; go on through what provably made nothing, within one deadline.

        A photo is uploaded before its request is claimed, and once more where the vendor refuses
        a call that names one of an earlier upload: it keeps them for an unknown time.
        An asynchronous call keeps its place in flight until its result is there, and its entry is
        the accepted one; where that could not be written, the call is given as still processing.

        Raises:
            ClaimLostError: somebody else has the request.
            NotAttemptedError, NotStartedError, DailyLimitError, StoreError: nothing was sent.
            RefusedError, AccountError, DownloadError: nor could its photo be uploaded.
        """
        give_up_at = math.inf
        day: str | None = None
        claim: LedgerEntry | None = None
        upload: Upload | None = None
        problem: FluxAssetsError | None = None
        while True:
            try:
                if claim is None:
                    self.budget.check()
                if request.mode == "edit" and (
                    upload is None or isinstance(problem, UploadRefusedError)
                ):
                    day = day or self.budget.spend()
                    upload = self._upload(request, upload)
                with self.pace.slot(stop=self.stop.event, deadline=give_up_at):
                    self._check_stop()
                    day = day or self.budget.spend()
                    claim = self.ledger.renew(claim) if claim else self._claim(request, previous)
                    claim, answer = self._call(request, claim, upload)
            except FluxAssetsError as error:
                if isinstance(error, SharedRateError):
                    self.stop.trip(str(error))
                if day is not None:
                    self.budget.give_back(day)
                if claim is None:
                    raise
                return claim, problem or error
            if not isinstance(answer, NOTHING_SENT):
                return claim, answer
            if problem is None:
                give_up_at = self.clock.monotonic() + self.call_timeout_seconds
            problem = answer
            self._pause(answer)

    def _check_stop(self) -> None:
        free_bytes = self.store.free_bytes()
        if free_bytes is not None and free_bytes < MIN_FREE_BYTES:
            self.stop.trip(
                f"{self.store.uri} has only {free_bytes // 2**20} MiB left, too little to keep "
                "what would be paid for; free some space, then start the run again"
            )
        if reason := self.stop.reason():
            raise NotAttemptedError(reason)

    def _upload(self, request: ImageRequest, refused: Upload | None) -> Upload:
        self._check_stop()
        return self.uploads.obtain(request, instead_of=refused.asset_key if refused else "")

    def _pause(self, answer: FluxAssetsError) -> None:
        if isinstance(answer, UploadRefusedError):
            return
        seconds = _NOT_SENT_PAUSE_SECONDS
        if isinstance(answer, RateLimitedError):
            seconds = answer.retry_after_seconds
        _log.warning("all calls pause for %g s: %s", seconds, answer)
        self.pace.pause(seconds)

    def _claim(self, request: ImageRequest, previous: LedgerEntry | None) -> LedgerEntry:
        claim = self.ledger.claim(request, previous)
        if previous is not None and claim.possibly_paid_twice > previous.possibly_paid_twice:
            _log.warning(
                "product %r, shot %s: sent again after an unknown outcome, possibly paid twice",
                request.product_id,
                request.shot,
            )
        return claim

    def _call(
        self, request: ImageRequest, claim: LedgerEntry, upload: Upload | None
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """One call, heard to the end; with the entry as it stands then."""
        sent_at = self.clock.monotonic()
        reply = self._submit(request, upload.asset_key if upload else "")
        if isinstance(reply, RefusedError) and _may_be_forgotten(upload, reply):
            return claim, UploadRefusedError(str(reply))
        if isinstance(reply, FluxAssetsError):
            return claim, reply
        is_processing = reply.status == "processing"
        latency_seconds = 0.0 if is_processing else self.clock.monotonic() - sent_at
        call = AcceptedCall(
            uuid=reply.uuid,
            result_keys=reply.result_keys,
            temporary_url=reply.temporary_url or "",
            accepted_at=self.clock.utc_now().isoformat(timespec="seconds"),
            latency_seconds=round(latency_seconds, 3),
            is_processing=is_processing,
            asset_key=upload.asset_key if upload else "",
        )
        return self._hear_out(claim, call, sent_at) if is_processing else (claim, call)

    def _hear_out(
        self, claim: LedgerEntry, call: AcceptedCall, sent_at: float
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """Note the call, which may be paid already, and only then wait for its result."""
        try:
            entry = self.ledger.record_reply(claim, call)
        except (ClaimLostError, StoreError) as error:
            _log.warning("%s, but the ledger did not note it: %s", call, error)
            return claim, call
        if not entry.is_processing:  # another run has fetched the result meanwhile
            return claim, call
        try:
            return entry, self.results.wait_for(entry, sent_at=sent_at)
        except FluxAssetsError as error:
            return entry, error

    def _submit(self, request: ImageRequest, asset_key: str) -> Reply | FluxAssetsError:
        """What the vendor answers, or why there is no answer.

        The circuit breaker is told while the call holds its place: no other starts in between.
        """
        try:
            reply = self.client.submit(
                request, timeout_seconds=self.call_timeout_seconds, asset_key=asset_key
            )
        except (NotSentError, RateLimitedError) as error:
            return error
        except AccountError as error:
            self.stop.trip(str(error))
            return error
        except (GenerationFailedError, RefusedError) as error:
            self.stop.note_answer()
            return error
        except UnknownOutcomeError as error:
            self.stop.note_unknown()
            return error
        except BaseException:
            self.stop.note_unknown()  # what we cannot read may be paid all the same
            raise
        self.stop.note_answer()
        self.pace.succeeded()
        self.credits.note(reply.credits)
        return reply


def _may_be_forgotten(upload: Upload | None, refusal: RefusedError) -> bool:
    """Whether a refusal may be about an uploaded photo that the vendor no longer has."""
    return upload is not None and upload.is_remembered and not speaks_of_moderation(refusal.message)
