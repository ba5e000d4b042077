"""One image request's way to one outcome: what the ledger allows, the call, the picture."""

from dataclasses import dataclass, replace

from flux_assets.bill.daily_limit import DailyLimitError
from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.buying.calling import NOTHING_SENT
from flux_assets.buying.outcome import Outcome, OutcomeKind, reroll_command
from flux_assets.buying.picture_records import PictureRecords
from flux_assets.buying.sending import NotAttemptedError, Sender
from flux_assets.buying.settling import PaidTwiceError, Settlement
from flux_assets.errors import FluxAssetsError, ObjectNotFoundError, StoreError
from flux_assets.image_api.pace import NotStartedError
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.stored_pictures import find_picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Obtains one picture at a time; shared by all threads of a step.

    Args:
        ledger: says what may be done with a request.
        records: of the pictures that are stored.
        sender: claims and sends.
        settlement: notes what became of it.
        may_buy: False finishes what is paid and reports the rest; nothing is sent.
    """

    ledger: Ledger
    records: PictureRecords
    sender: Sender
    settlement: Settlement
    may_buy: bool = True

    def obtain(self, request: ImageRequest) -> Outcome:
        """Give the stored picture, finish a paid one, or buy it, whichever the ledger allows.

        Raises:
            StoreError: the ledger cannot be read or claimed; nothing was sent.
            PictureError: what is stored is no picture any more; nothing was sent.
        """
        try:
            outcome = self._obtain(request)
        except ClaimLostError as lost:
            outcome = self._leave_to_other(lost, request)
        return outcome if self.may_buy else replace(outcome, may_send_again=False)

    def _obtain(self, request: ImageRequest) -> Outcome:
        entry = self.ledger.read(request.fingerprint)
        if entry is None:
            return self._buy(request, None)
        standing = self.ledger.standing_of(entry, self.settlement.rules)
        if standing == "stored" and entry.lineage is not None:
            return self.reuse(request, entry.lineage.object_key)
        if standing in {"accepted", "buy"}:
            object_key = find_picture(
                self.records.store,
                shot=request.shot,
                product_id=request.product_id,
                fingerprint=request.fingerprint,
            )
            if object_key is not None:
                return self.reuse(request, object_key)
        if standing == "accepted":
            return self.settlement.recover(request, entry)
        if standing == "buy":
            return self._buy(request, entry)
        kind: OutcomeKind = "failed" if standing == "stored" else standing
        return Outcome(kind=kind, request=request, reason=entry.explanation, is_known=True)

    def reuse(self, request: ImageRequest, object_key: str) -> Outcome:
        """Give a picture that is in the store, writing its ledger entry where that is missing."""
        try:
            lineage, picture = self.records.adopt(request, object_key)
        except ObjectNotFoundError as error:
            reason = f"missing: {error.uri} was stored and is gone"
            return Outcome(kind="lost", request=request, reason=reason, is_known=True)
        return Outcome(
            kind="reused",
            request=request,
            reason=f"for another picture: {reroll_command(request.product_id, request.shot)}",
            lineage=lineage,
            preview=picture.preview,
            is_known=True,
        )

    def _buy(self, request: ImageRequest, previous: LedgerEntry | None) -> Outcome:
        if not self.may_buy:
            kind: OutcomeKind = "held" if request.doubt else "not_attempted"
            reason = request.doubt or "not among what the run was to buy"
            return Outcome(kind=kind, request=request, reason=reason)
        with self.sender.keeper.letting_go(request.fingerprint):
            return self._send(request, previous)

    def _send(self, request: ImageRequest, previous: LedgerEntry | None) -> Outcome:
        try:
            claim, answer = self.sender.send(request, previous)
        except (DailyLimitError, NotAttemptedError, NotStartedError) as error:
            stop = self.sender.stop
            reason = stop.reason() if stop.event.is_set() else str(error)
            return Outcome(kind="not_attempted", request=request, reason=reason)
        try:
            outcome = self._settle(request, previous, claim, answer)
        except StoreError as error:
            outcome = Outcome(kind="failed", request=request, reason=f"{answer}; then {error}")
        if isinstance(answer, NOTHING_SENT):
            return outcome
        before = previous.possibly_paid_twice if previous else 0
        twice = max(claim.possibly_paid_twice - before, outcome.possibly_paid_twice)
        return replace(outcome, calls=1, possibly_paid_twice=twice)

    def _settle(
        self,
        request: ImageRequest,
        previous: LedgerEntry | None,
        claim: LedgerEntry,
        answer: AcceptedCall | FluxAssetsError,
    ) -> Outcome:
        try:
            return self.settlement.settle(request, previous, claim, answer)
        except ClaimLostError as lost:
            return self._leave_to_other(lost, request)

    def _leave_to_other(self, lost: ClaimLostError, request: ImageRequest) -> Outcome:
        """Another writer has the request: take the picture that it paid for, if there is one."""
        if lost.found.state not in {"accepted", "stored"}:
            return Outcome(kind="held", request=request, reason=lost.found.explanation)
        outcome = self.obtain(request)
        is_twice = isinstance(lost, PaidTwiceError)
        return replace(outcome, possibly_paid_twice=1) if is_twice else outcome
