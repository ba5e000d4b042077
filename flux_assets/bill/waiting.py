"""Requests that wait for a person: which there are, and letting chosen ones be sent again."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry
from flux_assets.bill.ledger_scan import scan_ledger
from flux_assets.bill.send_rules import SendRules
from flux_assets.bill.waiting_states import WaitingState
from flux_assets.catalog.identity import normalise_id
from flux_assets.errors import FluxAssetsError
from flux_assets.storage.object_store import ObjectStore, picture_key
from flux_assets.storage.stored_pictures import list_pictures

_MAYBE_PAID: frozenset[WaitingState] = frozenset(
    {"held", "unfetched", "undecoded", "lost", "missing", "unknown"}
)
_START = re.compile(r"[0-9a-f]{8,64}")


class ReleaseError(FluxAssetsError):
    """A request cannot be released; nothing is released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequest:
    """One request that no refresh buys as it stands, or only once more.

    `state` is as of the plan; an `unknown` one will be sent again by itself, and an `unfetched`
    one is paid and asked for again; an `undecoded` one waits for a later release. `reason` is one
    line.
    """

    entry: LedgerEntry
    state: WaitingState
    reason: str

    @property
    def may_be_paid(self) -> bool:
        """Whether another send may pay for the picture a second time."""
        return self.state in _MAYBE_PAID

    @property
    def may_be_fetched(self) -> bool:
        """Whether the vendor may still have what was paid for."""
        return self.state in {"unfetched", "lost"}

    @property
    def product_id(self) -> str:
        """Whose picture it is."""
        return str(self.entry.request["product_id"])

    @property
    def shot(self) -> str:
        """Which of its pictures."""
        return str(self.entry.request["shot"])

    def to_json(self) -> dict[str, Any]:
        """The plain form that `flux-assets ledger --json` prints."""
        changed_at = self.entry.modified_at
        return {
            "product_id": self.product_id,
            "shot": self.shot,
            "state": self.state,
            "sends": self.entry.attempts,
            "when": changed_at.isoformat(timespec="seconds") if changed_at else "",
            "reason": self.reason,
            "fingerprint": self.entry.fingerprint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingFilter:
    """Which of them are meant; empty collections mean all, and an id may be spelt in any way."""

    states: Collection[str] = ()
    product_ids: Collection[str] = ()
    shots: Collection[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "product_ids", frozenset(map(normalise_id, self.product_ids)))

    def takes(self, item: WaitingRequest) -> bool:
        """Whether one is among them."""
        return all(
            not wanted or value in wanted
            for value, wanted in (
                (item.state, self.states),
                (normalise_id(item.product_id), self.product_ids),
                (item.shot, self.shots),
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRequests:
    """The requests of one store that wait.

    Args:
        store: the shop's.
        ledger: of the same store.
        rules: when something is sent again without a person's word.
    """

    store: ObjectStore
    ledger: Ledger
    rules: SendRules

    def find(self, wanted: WaitingFilter) -> Iterator[WaitingRequest]:
        """Every one that the filter takes; entries that cannot be read are left to `verify`."""
        pictures = set(list_pictures(self.store).shorts.to_pylist())
        for item in scan_ledger(self.store):
            if item.entry is None or item.is_extra:
                continue
            waiting = self._judge(
                item.entry,
                # asked again, since a run may have stored it after the listing
                lambda entry: entry.fingerprint[:32] in pictures or self._has_picture(entry),
            )
            if waiting is not None and wanted.takes(waiting):
                yield waiting

    def find_named(self, starts: Iterable[str]) -> Iterator[WaitingRequest]:
        """The ones that are named by the first digits of their fingerprints.

        Raises:
            ReleaseError: one is not named uniquely, or does not wait.
        """
        entries = {entry.fingerprint: entry for entry in map(self._read_named, starts)}
        for entry in entries.values():
            waiting = self._judge(entry, self._has_picture)
            if waiting is None:
                named = entry.fingerprint[:8]
                raise ReleaseError(f"{named} needs no release: {_explain_no_wait(entry)}")
            yield waiting

    def judge(self, entry: LedgerEntry) -> WaitingRequest | None:
        """One entry as it waits; None where it does not."""
        return self._judge(entry, self._has_picture)

    def check(self, chosen: Iterable[WaitingRequest]) -> None:
        """Make sure that each may be released.

        Raises:
            ReleaseError: somebody who may be alive works on one of them.
        """
        for item in chosen:
            if item.entry.state == "claimed" and not self.ledger.is_abandoned(item.entry):
                raise ReleaseError(
                    f"product {item.product_id!r}, shot {item.shot} is in the hands of "
                    f"{item.entry.holder}, which is not proven to have ended; wait until it has. "
                    "Nothing was released"
                )

    def release(self, item: WaitingRequest) -> None:
        """Let one be sent again; what was paid for it is kept beside its entry.

        Raises:
            ReleaseError: it has changed meanwhile, and stays as it is.
        """
        call = f", call {item.entry.uuid}" if item.entry.uuid else ""
        try:
            self.ledger.record_released(
                item.entry,
                may_be_paid=item.may_be_paid,
                reason=f"released by a person; it was {item.state}{call}: {item.reason}",
            )
        except ClaimLostError as lost:
            raise ReleaseError(
                f"product {item.product_id!r}, shot {item.shot} has changed meanwhile ({lost}); "
                "it and what comes after it is not released"
            ) from lost

    def _read_named(self, start: str) -> LedgerEntry:
        if not _START.fullmatch(start):
            raise ReleaseError(f"{start!r} is not the first 8 to 64 digits of a fingerprint")
        found = [item for item in scan_ledger(self.store, start) if not item.is_extra]
        if not found:
            raise ReleaseError(f"no ledger entry's fingerprint starts with {start}")
        if len(found) > 1:
            names = ", ".join(sorted(item.fingerprint for item in found)[:3])
            raise ReleaseError(f"{start} is the start of several fingerprints: {names}")
        if found[0].entry is None:
            raise ReleaseError(f"{self.store.uri_for(found[0].key)}: {found[0].problem}")
        return found[0].entry

    def _has_picture(self, entry: LedgerEntry) -> bool:
        prefix = picture_key(
            shot=str(entry.request["shot"]),
            product_id=str(entry.request["product_id"]),
            fingerprint=entry.fingerprint,
            extension="",
        )
        return any(True for _ in self.store.list_keys(prefix))

    def _judge(
        self, entry: LedgerEntry, has_picture: Callable[[LedgerEntry], bool]
    ) -> WaitingRequest | None:
        """An entry as it waits; None where it does not."""
        state: WaitingState
        reason = entry.explanation
        match entry.state:
            case "stored" if not has_picture(entry):
                key = entry.lineage.object_key if entry.lineage else "its picture"
                state, reason = "missing", f"{key} was stored and is gone"
            case "refused" | "lost" as settled:
                state = settled
            case "accepted" if entry.kept_aside:
                state, reason = "undecoded", f"kept aside as {entry.kept_aside}: {entry.reason}"
            case "accepted" if entry.asks:
                state = "unfetched"
                reason = f"asked for {entry.asks} times in vain: {entry.reason}"
            case "failed" if entry.attempts:
                state = "failed"
            case "claimed" | "unknown" if entry.attempts:
                standing = self.rules.standing_of(entry, is_abandoned=self.ledger.is_abandoned)
                if standing == "held":
                    state = "held"
                else:
                    state = "unknown"
                    reason = entry.reason or f"{entry.holder} ended in a send that was not answered"
            case _:
                return None
        return WaitingRequest(entry=entry, state=state, reason=reason)


def _explain_no_wait(entry: LedgerEntry) -> str:
    match entry.state:
        case "stored":
            return "its picture is stored; `flux-assets reroll` asks for another"
        case "accepted":
            return "it is paid, and the next refresh fetches it without a call"
        case _:
            return "the next refresh may buy it as it stands"
