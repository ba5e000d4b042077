"""What is known about the one paid call of each request fingerprint, kept by conditional writes.

An entry is one JSON object in the store. It is only ever created where there is none, or changed
over the version that was read, so the store itself is the lock between machines:

    absent -> claimed -> accepted -> stored
                      -> refused             the vendor will not make it
                      -> failed              the call is known to have made nothing
                      -> unknown             sent, and no reply will come
                         accepted -> lost    paid, and asked for in vain for as long as is set

A claim of the proven dead is as good as `unknown`; a call accepted while processing may yet fail.
Once a person releases it or prunes its picture, a request is `failed` or `unknown` without a
send that counts.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from flux_assets.bill.ledger_entry import UNANSWERED, AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.bill.process_identity import (
    NO_THREAD,
    Life,
    find_life,
    this_process,
    this_thread,
)
from flux_assets.bill.send_rules import SendRules, Standing
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.object_store import ObjectStore, extra_reply_key

RENEWED_SHARE = 1 / 3
"""When this much of its lease is gone, a claim's holder renews it: a quick call writes no more."""

_MISSED_SHARE = 1 / 2
"""When this much is gone, a renewal is missing: of a run that has ended, nobody is left."""


class Ledger(LedgerObjects):
    """The ledger of one store, as one run and step of this process writes it.

    Args:
        store: where the entries live.
        run_id: the run that claims; with `step`, for people and for proof of death.
        step: the step within the run.
        lease_seconds: how long its claims are good, by the store's own clock; written into each.
        is_run_dead: whether a run has ended; False where that is not known. Steps may outlive it.
        new_claim_id: gives a fresh identity for each claim.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        run_id: str,
        step: str,
        lease_seconds: float,
        is_run_dead: Callable[[str], bool],
        new_claim_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        super().__init__(store)
        self._run_id = run_id
        self._step = step
        self.lease_seconds = lease_seconds
        self._is_run_dead = is_run_dead
        self._new_claim_id = new_claim_id

    def life_of(self, entry: LedgerEntry) -> Life:
        """What this machine can tell of an entry's writer."""
        return find_life(entry.process, entry.thread)

    def is_abandoned(self, entry: LedgerEntry) -> bool:
        """Whether a claim's holder is proven dead: by its process, else by its lease.

        Where the process cannot be asked, the end of its run shortens the lease to one renewal
        that did not come. The age is a difference of two times of the store: no machine's clock
        counts.
        """
        life = self.life_of(entry)
        if life != "unknown" or entry.modified_at is None:
            return life == "dead"
        age = (self._store.now() - entry.modified_at).total_seconds()
        if age >= (entry.lease_seconds or self.lease_seconds):
            return True
        misses_renewal = 0 < entry.lease_seconds * _MISSED_SHARE <= age
        return misses_renewal and entry.run_id != self._run_id and self._is_run_dead(entry.run_id)

    def standing_of(self, entry: LedgerEntry, rules: SendRules) -> Standing:
        """What may be done with a request that has this entry."""
        return rules.standing_of(entry, is_abandoned=self.is_abandoned)

    def claim(self, request: ImageRequest, previous: LedgerEntry | None) -> LedgerEntry:
        """Claim a request for one send; to be called only right before that send.

        Args:
            request: what is about to be sent.
            previous: the entry as read, which the caller may send over; None where absent.

        Raises:
            ClaimLostError: somebody else was first.
        """
        entry = LedgerEntry(
            fingerprint=request.fingerprint,
            state="claimed",
            revision=previous.revision + 1 if previous else 1,
            claim_id=self._new_claim_id(),
            run_id=self._run_id,
            step=self._step,
            process=this_process(),
            thread=this_thread(),
            lease_seconds=self.lease_seconds,
            attempts=previous.attempts + 1 if previous else 1,
            request=request.to_json(),
            possibly_paid_twice=(
                previous.possibly_paid_twice + (previous.state in {"claimed", "unknown"})
                if previous
                else 0
            ),
        )
        return self.write(entry, over=previous)

    def take_up(self, entry: LedgerEntry) -> LedgerEntry:
        """Another writer's entry as this run would change it next; writes nothing itself.

        With a claim_id of its own, so that no writer takes another's change for its own.
        """
        return replace(
            entry,
            claim_id=self._new_claim_id(),
            run_id=self._run_id,
            step=self._step,
            process=this_process(),
        )

    def renew(self, entry: LedgerEntry) -> LedgerEntry:
        """Make a claim young again before the same send is tried once more.

        Raises:
            ClaimLostError: it was taken over; nothing may be sent.
        """
        renewed = self._change(entry)
        if renewed.modified_at == entry.modified_at:
            return renewed
        # It was read back: the step's other thread that renews it may have written it long ago.
        return self._change(renewed)

    def record_reply(self, claim: LedgerEntry, accepted: AcceptedCall) -> LedgerEntry:
        """Keep a paid reply, whatever became of the claim meanwhile.

        Where another writer holds the request by now, the reply is written over that; where
        another paid reply or picture came first, it is kept beside the entry. It may be called
        again after a StoreError, which tells nothing of what was written.

        Raises:
            ClaimLostError: another paid reply came first; this one is kept beside it.
        """
        current = claim
        while True:  # it is paid: it must land somewhere, whoever holds the claim by now
            try:
                return self._change(current, **accepted.as_changes())
            except ClaimLostError as lost:
                found = lost.found
                if found.state in {"accepted", "stored", "lost"} and found.is_of(accepted):
                    return found
                if found.state == "stored" or (found.state == "accepted" and not found.asks):
                    self.keep_extra_reply(replace(claim, **accepted.as_changes()))
                    raise
                if found.state in {"accepted", "lost"}:  # its own picture cannot be had
                    self.keep_extra_reply(found)
                current = self.take_up(found)

    def record_stored(self, entry: LedgerEntry, lineage: LineageRecord) -> LedgerEntry:
        """The picture is stored, whatever others noted meanwhile; the entry is its lineage now."""
        current = entry
        while True:
            lineage = replace(
                lineage,
                attempts=max(lineage.attempts, current.attempts),
                possibly_paid_twice=max(lineage.possibly_paid_twice, current.possibly_paid_twice),
            )
            try:
                return self._change(
                    current,
                    state="stored",
                    reason="",
                    uuid=lineage.uuid,
                    temporary_url="",
                    is_processing=False,
                    asks=0,
                    unfetched_since="",
                    kept_aside="",
                    lineage=lineage,
                    possibly_paid_twice=lineage.possibly_paid_twice,
                )
            except ClaimLostError as lost:
                if lost.found.state == "stored":
                    return lost.found
                if lost.found.uuid not in {"", lineage.uuid}:
                    self.keep_extra_reply(lost.found)
                current = self.take_up(lost.found)

    def record_refused(self, entry: LedgerEntry, reason: str) -> LedgerEntry:
        """The vendor will not make it; it is not sent again until somebody asks."""
        return self._change(entry, state="refused", reason=reason)

    def record_failed(self, entry: LedgerEntry, reason: str) -> LedgerEntry:
        """The send is known to have made nothing."""
        return self._change(entry, state="failed", reason=reason)

    def record_not_sent(
        self, claim: LedgerEntry, previous: LedgerEntry | None, reason: str
    ) -> LedgerEntry:
        """The claim ends without a send that counts: what was known before it holds again."""
        if previous is None:
            return self._change(claim, state="failed", reason=reason, attempts=0)
        return self._change(
            claim,
            state="unknown" if previous.state == "claimed" else previous.state,
            reason=previous.reason or reason,
            attempts=previous.attempts,
            possibly_paid_twice=previous.possibly_paid_twice,
        )

    def record_unknown(self, entry: LedgerEntry, reason: str) -> LedgerEntry:
        """It was sent, and no reply will come: it may have been paid."""
        return self._change(entry, state="unknown", reason=reason)

    def record_unfetched(self, entry: LedgerEntry, reason: str, now: datetime) -> LedgerEntry:
        """It is paid, and its picture cannot be had now; it is asked for again later.

        Args:
            entry: accepted, or lost and asked for once more.
            reason: what the vendor said, wherever it was looked for.
            now: of the store.
        """
        since = entry.unfetched_since or now.isoformat(timespec="seconds")
        return self._change(
            entry, state="accepted", reason=reason, asks=entry.asks + 1, unfetched_since=since
        )

    def record_kept_aside(self, entry: LedgerEntry, key: str, reason: str) -> LedgerEntry:
        """Its picture lies under this key, and cannot be decoded; it is not asked for any more."""
        changes = {"asks": 0, "unfetched_since": "", "kept_aside": key}
        return self._change(entry, state="accepted", reason=reason, **changes)

    def record_lost(self, entry: LedgerEntry, reason: str) -> LedgerEntry:
        """It was paid, and was asked for in vain for as long as is set; nothing is erased."""
        return self._change(entry, state="lost", reason=reason, asks=entry.asks + 1)

    def record_released(self, entry: LedgerEntry, *, may_be_paid: bool, reason: str) -> LedgerEntry:
        """It may be sent again as if it never had been; what may be paid is kept beside it.

        Raises:
            ClaimLostError: it has changed meanwhile; nothing is released.
        """
        if may_be_paid and (entry.uuid or entry.lineage):
            self.keep_extra_reply(entry)
        return self._change(
            self.take_up(entry),
            state="unknown" if may_be_paid else "failed",
            attempts=0,
            reason=reason,
            lineage=None,
            **UNANSWERED,
        )

    def keep_extra_reply(self, entry: LedgerEntry) -> None:
        """Keep a paid reply beside the entry, for people.

        Of one that another forestalled, the URL stays out: nobody fetches the picture, and a
        signed URL is a credential. What could never be fetched keeps it.
        """
        kept_url = entry.temporary_url if entry.asks else ""
        self._store.put(
            extra_reply_key(entry.fingerprint, entry.uuid or entry.claim_id),
            replace(entry, temporary_url=kept_url).to_bytes(),
            content_type="application/json",
        )

    def _change(self, entry: LedgerEntry, **changes: Any) -> LedgerEntry:  # noqa: ANN401 - fields of differing types
        if "state" in changes:  # it is no claim any more, which its holder keeps
            changes |= {"thread": NO_THREAD, "lease_seconds": 0.0}
        while True:
            changed = replace(entry, revision=entry.revision + 1, **changes)
            try:
                return self.write(changed, over=entry)
            except ClaimLostError as lost:
                if not lost.found.is_renewal_of(entry):
                    raise
                entry = replace(entry, revision=lost.found.revision, etag=lost.found.etag)
