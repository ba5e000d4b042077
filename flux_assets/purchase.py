"""One image request's way to one outcome: what the ledger allows, the call, the picture."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from flux_assets.budget import DailyBudget, DailyLimitError
from flux_assets.errors import (
    AccountError,
    FluxAssetsError,
    GenerationFailedError,
    NotSentError,
    ObjectNotFoundError,
    RateLimitedError,
    RefusedError,
    StoreError,
    UnknownOutcomeError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import NotStartedError, Pace
from flux_assets.image_request import ImageRequest
from flux_assets.landing import Landing, PictureLostError
from flux_assets.ledger import Ledger, SendRules
from flux_assets.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.outcome import Outcome, OutcomeKind
from flux_assets.run_stop import RunStop
from flux_assets.store.object_store import ObjectStore

_NOT_SENT_PAUSE_SECONDS = 2.0
_NOTE_PAUSE_SECONDS = 5.0

MIN_FREE_BYTES = 256 * 2**20
"""Room for every picture and ledger entry that may be under way at once."""

_NOTHING_SENT = (NotSentError, RateLimitedError)
"""Answers after which the very same call is safe."""

_log = logging.getLogger(__name__)


class NotAttemptedError(FluxAssetsError):
    """Nothing was sent for this request, because the run must send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Obtains one picture at a time; shared by all threads of a step.

    Args:
        client, pace, budget, stop: the API, and what limits its use.
        store, ledger, landing: where claims, replies and pictures go.
        rules: when something may be sent again.
        call_timeout_seconds: for one call, and for all tries of a call that sent nothing.
        monotonic, utc_now: time.
    """

    client: ImageApiClient
    pace: Pace
    budget: DailyBudget
    stop: RunStop
    store: ObjectStore
    ledger: Ledger
    landing: Landing
    rules: SendRules
    call_timeout_seconds: float
    monotonic: Callable[[], float]
    utc_now: Callable[[], datetime]

    def obtain(self, request: ImageRequest) -> Outcome:
        """Give the stored picture, finish a paid one, or buy it, whichever the ledger allows.

        Raises:
            StoreError: the ledger cannot be read or claimed; nothing was sent.
            PictureError: what is stored is no picture any more; nothing was sent.
        """
        entry = self.ledger.read(request.fingerprint)
        if entry is None:
            return self._buy(request, None)
        standing = self.ledger.standing_of(entry, self.rules)
        if standing == "stored" and entry.lineage is not None:
            return self.reuse(request, entry.lineage.object_key)
        if standing in {"accepted", "buy"}:
            object_key = self.landing.records.find(request)
            if object_key is not None:
                return self.reuse(request, object_key)
        if standing == "accepted":
            return self._land(request, self.ledger.take_up(entry), "recovered")
        if standing == "buy":
            return self._buy(request, entry)
        kind: OutcomeKind = "failed" if standing == "stored" else standing
        return Outcome(kind=kind, request=request, reason=entry.explanation)

    def reuse(self, request: ImageRequest, object_key: str) -> Outcome:
        """Give a picture that is in the store, writing its ledger entry where that is missing."""
        try:
            lineage, picture = self.landing.records.adopt(request, object_key)
        except ObjectNotFoundError:
            return Outcome(
                kind="lost",
                request=request,
                reason=f"missing: {self.store.uri_for(object_key)} was stored and is gone",
            )
        return Outcome(kind="reused", request=request, lineage=lineage, preview=picture.preview)

    def _buy(self, request: ImageRequest, previous: LedgerEntry | None) -> Outcome:
        try:
            claim, answer = self._send_until_answered(request, previous)
        except ClaimLostError as lost:
            return self._leave_to(lost.found, request)
        except (DailyLimitError, NotAttemptedError, NotStartedError) as error:
            reason = self.stop.reason() if self.stop.event.is_set() else str(error)
            return Outcome(kind="not_attempted", request=request, reason=reason)
        try:
            if isinstance(answer, AcceptedCall):
                outcome = self._accept(request, claim, answer)
            else:
                outcome = self._settle(request, previous, claim, answer)
        except StoreError as error:
            outcome = Outcome(kind="failed", request=request, reason=f"{answer}; then {error}")
        if isinstance(answer, _NOTHING_SENT):
            return outcome
        before = previous.possibly_paid_twice if previous else 0
        twice = max(claim.possibly_paid_twice - before, outcome.possibly_paid_twice)
        return replace(outcome, calls=1, possibly_paid_twice=twice)

    def _send_until_answered(
        self, request: ImageRequest, previous: LedgerEntry | None
    ) -> tuple[LedgerEntry, AcceptedCall | FluxAssetsError]:
        """Claim and send; go on through what provably made nothing, within one deadline.

        Raises:
            ClaimLostError: somebody else has the request.
            NotAttemptedError, NotStartedError, DailyLimitError, StoreError: nothing was sent.
        """
        give_up_at = math.inf
        day: str | None = None
        claim: LedgerEntry | None = None
        problem: FluxAssetsError | None = None
        while True:
            try:
                if claim is None:
                    self.budget.check()
                with self.pace.slot(stop=self.stop.event, deadline=give_up_at):
                    self._check_stop()
                    day = day or self.budget.spend()
                    claim = self.ledger.renew(claim) if claim else self._claim(request, previous)
                    answer = self._send(request)
            except FluxAssetsError as error:
                if day is not None:
                    self.budget.give_back(day)
                if claim is None:
                    raise
                return claim, problem or error
            if not isinstance(answer, _NOTHING_SENT):
                return claim, answer
            if problem is None:
                give_up_at = self.monotonic() + self.call_timeout_seconds
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

    def _pause(self, answer: RateLimitedError | NotSentError) -> None:
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

    def _send(self, request: ImageRequest) -> AcceptedCall | FluxAssetsError:
        """One call; what the vendor answers, or why there is no answer.

        The circuit breaker is told while the call holds its place: no other starts in between.
        """
        started = self.monotonic()
        try:
            reply = self.client.submit(request, timeout_seconds=self.call_timeout_seconds)
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
        return AcceptedCall(
            uuid=reply.uuid,
            result_keys=reply.result_keys,
            temporary_url=reply.temporary_url or "",
            accepted_at=self.utc_now().isoformat(timespec="seconds"),
            latency_seconds=round(self.monotonic() - started, 3),
        )

    def _accept(self, request: ImageRequest, claim: LedgerEntry, call: AcceptedCall) -> Outcome:
        """Note the paid reply and store its picture; either lets the next run finish.

        Raises:
            StoreError: the store took neither for as long as a call may take.
        """
        give_up_at = self.monotonic() + self.call_timeout_seconds
        while True:
            try:
                entry = self.ledger.record_reply(claim, call)
            except ClaimLostError:
                _log.warning("product %r, shot %s: paid twice", request.product_id, request.shot)
                return replace(self.obtain(request), possibly_paid_twice=1)
            except StoreError as error:
                _log.error("call %s is paid, but the ledger cannot note it: %s", call.uuid, error)
                entry = replace(claim, **call.as_changes())
                outcome = self._land(request, entry, "generated")
                if outcome.kind != "failed":
                    return outcome
                if self.monotonic() >= give_up_at:
                    raise
                self.landing.sleep(_NOTE_PAUSE_SECONDS)
            else:
                return self._land(request, entry, "generated")

    def _settle(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        answer: FluxAssetsError,
    ) -> Outcome:
        """Note what became of a send that gave no picture."""
        reason = str(answer)
        kind: OutcomeKind = "refused" if isinstance(answer, RefusedError) else "failed"
        try:
            match answer:
                case RefusedError():
                    entry = self.ledger.record_refused(claim, reason)
                case GenerationFailedError():
                    entry = self.ledger.record_failed(claim, reason)
                case UnknownOutcomeError() | AccountError(reason="gateway_forbidden"):
                    entry = self.ledger.record_unknown(claim, reason)
                case _:
                    entry = self.ledger.record_not_sent(claim, previous, reason)
        except ClaimLostError as lost:
            return self._leave_to(lost.found, request)
        if isinstance(answer, _NOTHING_SENT) and self.stop.event.is_set():
            kind, reason = "not_attempted", self.stop.reason()
        standing = self.ledger.standing_of(entry, self.rules)
        if standing == "held":
            kind, reason = "held", entry.explanation
        may_send_again = isinstance(answer, UnknownOutcomeError | GenerationFailedError)
        return Outcome(
            kind=kind,
            request=request,
            reason=reason,
            may_send_again=may_send_again and standing == "buy",
        )

    def _leave_to(self, found: LedgerEntry, request: ImageRequest) -> Outcome:
        """Another writer has the request: take the picture that it paid for, if there is one."""
        if found.state in {"accepted", "stored"}:
            return self.obtain(request)
        return Outcome(kind="held", request=request, reason=found.explanation)

    def _land(self, request: ImageRequest, entry: LedgerEntry, kind: OutcomeKind) -> Outcome:
        try:
            lineage, picture = self.landing.land(request, entry)
        except PictureLostError as lost:
            return Outcome(kind="lost", request=request, reason=str(lost))
        except FluxAssetsError as error:
            return Outcome(
                kind="failed",
                request=request,
                reason=f"paid and not stored yet; the next run fetches it without a call: {error}",
            )
        return Outcome(kind=kind, request=request, lineage=lineage, preview=picture.preview)
