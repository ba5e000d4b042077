"""What became of a send, noted in the ledger, and the picture brought into the store."""

import logging
from dataclasses import dataclass, replace

from flux_assets.bill.breaker import Breaker
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.run_stop import RunStop
from flux_assets.bill.send_rules import SendRules
from flux_assets.buying.calling import NOTHING_SENT
from flux_assets.buying.landing import Landing, PictureLostError
from flux_assets.buying.outcome import Outcome, OutcomeKind
from flux_assets.buying.result_wait import NotReadyError, ResultWait
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    FluxAssetsError,
    GenerationFailedError,
    RefusedError,
    StoreError,
    UnknownOutcomeError,
    UnpaidCallError,
)
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import UndecodedError

_NOTE_PAUSE_SECONDS = 5.0

_log = logging.getLogger(__name__)


class PaidTwiceError(ClaimLostError):
    """A reply that was paid came second; it is kept beside the entry that `found` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """Turns what was heard of a send into an outcome.

    Args:
        ledger, rules: where it is noted, and whether it may be sent again.
        landing: brings pictures into the store.
        pace, results: wait for calls of earlier runs that are still processing.
        stop, breaker: say why nothing was sent.
        give_up_seconds: how long a store is tried that takes neither note nor picture.
        clock: time.
    """

    ledger: Ledger
    rules: SendRules
    landing: Landing
    pace: Pace
    results: ResultWait
    stop: RunStop
    breaker: Breaker
    give_up_seconds: float
    clock: Clock

    def settle(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        answer: AcceptedCall | FluxAssetsError,
    ) -> Outcome:
        """The outcome of a send.

        Args:
            request: what was sent.
            previous: the entry that was claimed over, if there was one.
            claim: the entry that it was sent under, as it stands.
            answer: as `Sender.send` gives it.

        Raises:
            ClaimLostError: another writer has the request; PaidTwiceError, if ours was paid, too.
            StoreError: the store took neither note nor picture.
        """
        if isinstance(answer, AcceptedCall):
            return self._accept(request, claim, answer, "generated")
        return self._note(request, previous, claim, answer)

    def recover(self, request: ImageRequest, entry: LedgerEntry) -> Outcome:
        """Fetch what an earlier send was accepted for; nothing is sent.

        Raises:
            ClaimLostError, StoreError: as `settle`.
        """
        if entry.asks and not self.landing.is_due(entry):
            reason = f"paid, and asked for {entry.asks} times in vain; asked again later: "
            return Outcome(
                kind="failed", request=request, reason=reason + entry.reason, is_known=True
            )
        return self._land(request, self.ledger.take_up(entry), "recovered")

    def ask_once(self, entry: LedgerEntry) -> str:
        """Ask the vendor once more for a paid picture; why it cannot be had, or "" if it is stored.

        Only a picture that is there now is noted.
        """
        request = ImageRequest.from_json(entry.request)
        entry = self.ledger.take_up(entry)
        try:
            if entry.is_processing:
                call = self.results.wait_for(entry, wait_seconds=0)
                entry = replace(entry, **call.as_changes())
            self.landing.bring(request, entry, wait_seconds=0)
        except FluxAssetsError as error:
            return str(error)
        return ""

    def _accept(
        self, request: ImageRequest, claim: LedgerEntry, call: AcceptedCall, kind: OutcomeKind
    ) -> Outcome:
        """Note the paid reply and store its picture; either lets the next run finish.

        A call that is still processing has no picture yet, so noting it comes first.
        """
        give_up_at = self.clock.monotonic() + self.give_up_seconds
        while True:
            try:
                entry = self.ledger.record_reply(claim, call)
            except ClaimLostError as lost:
                _log.warning("product %r, shot %s: paid twice", request.product_id, request.shot)
                raise PaidTwiceError(lost.found) from lost
            except StoreError as error:
                _log.error("call %s is paid, but the ledger cannot note it: %s", call.uuid, error)
                entry = replace(claim, **call.as_changes())
                is_late = self.clock.monotonic() >= give_up_at
                if is_late or not call.is_processing:
                    outcome = self._land(request, entry, kind)
                    if outcome.kind != "failed":
                        return outcome
                if is_late:
                    raise
                self.clock.sleep(_NOTE_PAUSE_SECONDS)
            else:
                return self._land(request, entry, kind)

    def _note(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        answer: FluxAssetsError,
    ) -> Outcome:
        """Note a send that gave no picture, or none that can be had now."""
        reason = str(answer)
        kind: OutcomeKind = "refused" if isinstance(answer, RefusedError) else "failed"
        match answer:
            case RefusedError():
                entry = self.ledger.record_refused(claim, reason)
            case GenerationFailedError():
                entry = self.ledger.record_failed(claim, reason)
            case NotReadyError():
                return self._keep_asking(request, claim, answer)
            case UnknownOutcomeError():
                entry = self.ledger.record_unknown(claim, reason)
            case AccountError(reason="gateway_forbidden"):
                return self._note_forbidden(request, previous, claim, reason)
            case _:
                entry = self.ledger.record_not_sent(claim, previous, reason)
        if isinstance(answer, NOTHING_SENT) and self.stop.event.is_set():
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

    def _note_forbidden(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        reason: str,
    ) -> Outcome:
        """Note a request that the API's gateway turned away, before the API saw it."""
        verdict = self.breaker.judge_forbidden(request.fingerprint)
        if verdict == "own":
            reason = (
                "the API's firewall turns this request away (HTTP 403), and answers others: change "
                f"its text ({reason})"
            )
            self.ledger.record_refused(claim, reason)
            return Outcome(kind="refused", request=request, reason=reason)
        self.ledger.record_not_sent(claim, previous, reason)
        again = verdict == "again" and not self.stop.event.is_set()
        return Outcome(kind="failed", request=request, reason=reason, may_send_again=again)

    def _land(self, request: ImageRequest, entry: LedgerEntry, kind: OutcomeKind) -> Outcome:
        if entry.is_processing:
            return self._take_up_wait(request, entry, kind)
        try:
            lineage, picture = self.landing.land(request, entry)
        except PictureLostError as lost:
            return Outcome(kind="lost", request=request, reason=str(lost))
        except ClaimLostError:
            raise
        except UndecodedError as error:
            reason = f"paid, and kept aside until a release of flux_assets can decode it: {error}"
            is_known = bool(entry.kept_aside)
            return Outcome(kind="failed", request=request, reason=reason, is_known=is_known)
        except FluxAssetsError as error:
            return _keep_for_later(request, error)
        return Outcome(kind=kind, request=request, lineage=lineage, preview=picture.preview)

    def _keep_asking(
        self, request: ImageRequest, entry: LedgerEntry, answer: NotReadyError
    ) -> Outcome:
        try:
            if answer.is_told:
                self.landing.note_unfetched(entry, answer.problem)
        except PictureLostError as lost:
            return Outcome(kind="lost", request=request, reason=str(lost))
        return _keep_for_later(request, answer)

    def _take_up_wait(
        self, request: ImageRequest, entry: LedgerEntry, kind: OutcomeKind
    ) -> Outcome:
        """Wait for a call that was sent earlier, and go on from what became of it."""
        try:
            with self.pace.count_in_flight():
                call = self.results.wait_for(
                    entry, wait_seconds=self.landing.seconds_to_wait(entry)
                )
        except UnpaidCallError as error:
            # What the ledger said before that send is not known any more: it counts.
            return self._note(request, None, entry, GenerationFailedError(str(error)))
        except FluxAssetsError as error:
            return self._note(request, None, entry, error)
        return self._accept(request, entry, call, kind)


def _keep_for_later(request: ImageRequest, error: FluxAssetsError) -> Outcome:
    return Outcome(
        kind="failed",
        request=request,
        reason=f"paid and not stored yet; the next run fetches it without a call: {error}",
    )
