"""One image request's way to one outcome: what the ledger allows, the call, the picture."""

import logging
from dataclasses import dataclass, replace

from flux_assets.bill.daily_limit import DailyLimitError
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.send_rules import SendRules
from flux_assets.buying.landing import Landing, PictureLostError
from flux_assets.buying.outcome import Outcome, OutcomeKind, reroll_command
from flux_assets.buying.sending import NOTHING_SENT, NotAttemptedError, Sender
from flux_assets.errors import (
    AccountError,
    FluxAssetsError,
    GenerationFailedError,
    NotReadyError,
    ObjectNotFoundError,
    RefusedError,
    StoreError,
    UnknownOutcomeError,
    UnpaidCallError,
)
from flux_assets.image_api.pace import NotStartedError
from flux_assets.image_api.request import ImageRequest

_NOTE_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Obtains one picture at a time; shared by all threads of a step.

    Args:
        sender: claims and sends.
        ledger, landing: where replies and pictures go.
        rules: when something may be sent again.
        may_buy: False finishes what is paid and reports the rest; nothing is sent.
    """

    sender: Sender
    ledger: Ledger
    landing: Landing
    rules: SendRules
    may_buy: bool = True

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
        return Outcome(kind=kind, request=request, reason=entry.explanation, is_known=True)

    def reuse(self, request: ImageRequest, object_key: str) -> Outcome:
        """Give a picture that is in the store, writing its ledger entry where that is missing."""
        try:
            lineage, picture = self.landing.records.adopt(request, object_key)
        except ObjectNotFoundError as error:
            reason = f"missing: {error.uri} was stored and is gone"
            return Outcome(kind="lost", request=request, reason=reason, is_known=True)
        return Outcome(
            kind="reused",
            request=request,
            reason=f"for another picture: {reroll_command(request)}",
            lineage=lineage,
            preview=picture.preview,
            is_known=True,
        )

    def _buy(self, request: ImageRequest, previous: LedgerEntry | None) -> Outcome:
        if not self.may_buy:
            reason = "not among what the run was to buy"
            return Outcome(kind="not_attempted", request=request, reason=reason)
        try:
            claim, answer = self.sender.send(request, previous)
        except ClaimLostError as lost:
            return self._leave_to(lost.found, request)
        except (DailyLimitError, NotAttemptedError, NotStartedError) as error:
            stop = self.sender.stop
            reason = stop.reason() if stop.event.is_set() else str(error)
            return Outcome(kind="not_attempted", request=request, reason=reason)
        try:
            if isinstance(answer, AcceptedCall):
                outcome = self._accept(request, claim, answer, "generated")
            else:
                outcome = self._settle(request, previous, claim, answer)
        except StoreError as error:
            outcome = Outcome(kind="failed", request=request, reason=f"{answer}; then {error}")
        if isinstance(answer, NOTHING_SENT):
            return outcome
        before = previous.possibly_paid_twice if previous else 0
        twice = max(claim.possibly_paid_twice - before, outcome.possibly_paid_twice)
        return replace(outcome, calls=1, possibly_paid_twice=twice)

    def _accept(
        self, request: ImageRequest, claim: LedgerEntry, call: AcceptedCall, kind: OutcomeKind
    ) -> Outcome:
        """Note the paid reply and store its picture; either lets the next run finish.

        A call that is still processing has no picture yet, so noting it comes first.

        Raises:
            StoreError: the store took neither for as long as a call may take.
        """
        give_up_at = self.landing.clock.monotonic() + self.landing.timeout_seconds
        while True:
            try:
                entry = self.ledger.record_reply(claim, call)
            except ClaimLostError:
                _log.warning("product %r, shot %s: paid twice", request.product_id, request.shot)
                return replace(self.obtain(request), possibly_paid_twice=1)
            except StoreError as error:
                _log.error("call %s is paid, but the ledger cannot note it: %s", call.uuid, error)
                entry = replace(claim, **call.as_changes())
                if not call.is_processing or self.landing.clock.monotonic() >= give_up_at:
                    outcome = self._land(request, entry, kind)
                    if outcome.kind != "failed":
                        return outcome
                if self.landing.clock.monotonic() >= give_up_at:
                    raise
                self.landing.clock.sleep(_NOTE_PAUSE_SECONDS)
            else:
                return self._land(request, entry, kind)

    def _settle(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        answer: FluxAssetsError,
    ) -> Outcome:
        """Note what became of a send that gave no picture, or none that can be had now."""
        reason = str(answer)
        kind: OutcomeKind = "refused" if isinstance(answer, RefusedError) else "failed"
        try:
            match answer:
                case RefusedError():
                    entry = self.ledger.record_refused(claim, reason)
                case GenerationFailedError():
                    entry = self.ledger.record_failed(claim, reason)
                case NotReadyError():
                    return _keep_for_later(request, answer)
                case PictureLostError():
                    kind, entry = "lost", self.ledger.record_lost(claim, reason)
                case UnknownOutcomeError() | AccountError(reason="gateway_forbidden"):
                    entry = self.ledger.record_unknown(claim, reason)
                case _:
                    entry = self.ledger.record_not_sent(claim, previous, reason)
        except ClaimLostError as lost:
            return self._leave_to(lost.found, request)
        if isinstance(answer, NOTHING_SENT) and self.sender.stop.event.is_set():
            kind, reason = "not_attempted", self.sender.stop.reason()
        standing = self.ledger.standing_of(entry, self.rules)
        if standing == "held":
            kind, reason = "held", entry.explanation
        may_send_again = isinstance(answer, UnknownOutcomeError | GenerationFailedError)
        return Outcome(
            kind=kind,
            request=request,
            reason=reason,
            may_send_again=self.may_buy and may_send_again and standing == "buy",
        )

    def _leave_to(self, found: LedgerEntry, request: ImageRequest) -> Outcome:
        """Another writer has the request: take the picture that it paid for, if there is one."""
        if found.state in {"accepted", "stored"}:
            return self.obtain(request)
        return Outcome(kind="held", request=request, reason=found.explanation)

    def _land(self, request: ImageRequest, entry: LedgerEntry, kind: OutcomeKind) -> Outcome:
        if entry.is_processing:
            return self._take_up_wait(request, entry, kind)
        try:
            lineage, picture = self.landing.land(request, entry)
        except PictureLostError as lost:
            return Outcome(kind="lost", request=request, reason=str(lost))
        except FluxAssetsError as error:
            return _keep_for_later(request, error)
        return Outcome(kind=kind, request=request, lineage=lineage, preview=picture.preview)

    def _take_up_wait(
        self, request: ImageRequest, entry: LedgerEntry, kind: OutcomeKind
    ) -> Outcome:
        """Wait for a call that was sent earlier, and go on from what became of it."""
        try:
            with self.sender.pace.count_in_flight():
                call = self.sender.results.wait_for(entry)
        except UnpaidCallError as error:
            # What the ledger said before that send is not known any more: it counts.
            return self._settle(request, None, entry, GenerationFailedError(str(error)))
        except FluxAssetsError as error:
            return self._settle(request, None, entry, error)
        return self._accept(request, entry, call, kind)


def _keep_for_later(request: ImageRequest, error: FluxAssetsError) -> Outcome:
    return Outcome(
        kind="failed",
        request=request,
        reason=f"paid and not stored yet; the next run fetches it without a call: {error}",
    )
