"""What is known about the one paid call of each request fingerprint, kept by conditional writes.

An entry is one JSON object in the store. It is only ever created where there is none, or changed
over the version that was read, so the store itself is the lock between machines:

    absent -> claimed -> accepted -> stored
                      -> refused             the vendor will not make it
                      -> failed              the call is known to have made nothing
                      -> unknown             sent, and no reply will come
                         accepted -> lost    paid, and the picture can never be had

A claim of the proven dead is as good as `unknown`; a call accepted while processing may yet fail.
Once a person releases it or prunes its picture, a request is `failed` or `unknown` without a
send that counts.
"""

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any
from uuid import uuid4

from flux_assets.bill.ledger_entry import UNANSWERED, AcceptedCall, ClaimLostError, LedgerEntry
from flux_assets.bill.process_identity import is_process_gone, this_process
from flux_assets.bill.send_rules import SendRules, Standing
from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.object_store import LEDGER_PREFIX, ObjectStore, extra_reply_key, ledger_key

_WRITE_TRIES = 3
_READERS = 16
_LIST_ABOVE = 1_000
"""One listing page names 1,000 keys, and most fingerprints of a large new catalog have none."""


class Ledger:
    """The ledger of one store, as one run and step of this process writes it.

    Args:
        store: where the entries live.
        run_id: the run that claims; with `step`, for people and for proof of death.
        step: the step within the run.
        lease_seconds: after this age, by the store's own clock, a claim counts as abandoned.
        is_run_dead: whether a run is *proven* to have ended; False where that is not known.
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
        self._store = store
        self._run_id = run_id
        self._step = step
        self._lease_seconds = lease_seconds
        self._is_run_dead = is_run_dead
        self._new_claim_id = new_claim_id

    def read(self, fingerprint: str) -> LedgerEntry | None:
        """The entry as it stands, or None where nothing was ever claimed."""
        key = ledger_key(fingerprint)
        try:
            body = self._store.get(key)
        except ObjectNotFoundError:
            return None
        return LedgerEntry.from_bytes(
            body.data,
            etag=body.info.etag,
            modified_at=body.info.modified_at,
            uri=self._store.uri_for(key),
        )

    def read_many(self, fingerprints: Collection[str]) -> dict[str, LedgerEntry]:
        """The entries there are of these fingerprints, read by several threads."""
        wanted: Collection[str] = fingerprints
        if len(wanted) > _LIST_ABOVE:
            present = set(self._store.list_keys(LEDGER_PREFIX))
            wanted = [fingerprint for fingerprint in wanted if ledger_key(fingerprint) in present]
        with ThreadPoolExecutor(_READERS, thread_name_prefix="ledger") as pool:
            entries = pool.map(self.read, wanted)
            return {entry.fingerprint: entry for entry in entries if entry is not None}

    def is_abandoned(self, entry: LedgerEntry) -> bool:
        """Whether a claim's holder is proven dead: by its run, its process, or its lease.

        The lease's age is a difference of two times of the store: no machine's clock counts.
        """
        if entry.run_id != self._run_id and self._is_run_dead(entry.run_id):
            return True
        if is_process_gone(entry.process):
            return True
        if entry.modified_at is None:
            return False
        age = self._store.now() - entry.modified_at
        return age.total_seconds() >= self._lease_seconds

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
            attempts=previous.attempts + 1 if previous else 1,
            request=request.to_json(),
            possibly_paid_twice=(
                previous.possibly_paid_twice + (previous.state in {"claimed", "unknown"})
                if previous
                else 0
            ),
        )
        return self._write(entry, over=previous)

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
        return self._change(entry)

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
                if found.state in {"accepted", "stored"}:
                    if found.is_of(accepted):
                        return found
                    self.keep_extra_reply(replace(claim, **accepted.as_changes()))
                    raise
                if found.state == "lost":
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

    def record_lost(self, entry: LedgerEntry, reason: str) -> LedgerEntry:
        """It was paid, and its picture can never be had."""
        return self._change(entry, state="lost", reason=reason, temporary_url="")

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
        """Keep a paid reply that another one forestalled, beside the entry, for people.

        Its URL stays out: nobody fetches the picture, and a signed URL is a credential.
        """
        self._store.put(
            extra_reply_key(entry.fingerprint, entry.uuid or entry.claim_id),
            replace(entry, temporary_url="").to_bytes(),
            content_type="application/json",
        )

    def _change(self, entry: LedgerEntry, **changes: Any) -> LedgerEntry:  # noqa: ANN401 - fields of differing types
        changed = replace(entry, revision=entry.revision + 1, **changes)
        return self._write(changed, over=entry)

    def _write(self, entry: LedgerEntry, *, over: LedgerEntry | None) -> LedgerEntry:
        key = ledger_key(entry.fingerprint)
        data = entry.to_bytes()
        for tries_left in reversed(range(_WRITE_TRIES)):
            try:
                etag = self._store.put(
                    key,
                    data,
                    content_type="application/json",
                    if_absent=over is None,
                    if_match=over.etag if over else None,
                )
            except StoreError as error:
                found = self.read(entry.fingerprint)
                if found is not None:
                    # A write whose reply was lost may have arrived: clients repeat by themselves.
                    if found.write_id == entry.write_id:
                        return found
                    if over is None or found.etag != over.etag:
                        raise ClaimLostError(found) from error
                if tries_left == 0:
                    raise
                over = over if found else None  # a person may have deleted it
            else:
                return replace(entry, etag=etag)
        raise AssertionError  # the last try returns or raises
