"""The heartbeat of claims: whoever holds one renews it for as long as it works on it."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from flux_assets.bill.ledger import RENEWED_SHARE, Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry
from flux_assets.clock import Clock
from flux_assets.errors import StoreError

_LOOKS = 4
"""How often it is looked until a claim's renewal is due, so that none is much too late."""

_log = logging.getLogger(__name__)


class ClaimKeeper:
    """Renews the claims that a step's threads hold, from a thread of its own while entered.

    A claim that is let go before a third of its lease is over costs no write.

    Args:
        ledger: of the claims.
        clock: time.
    """

    def __init__(self, ledger: Ledger, *, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._renewed_seconds = ledger.lease_seconds * RENEWED_SHARE
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="claims", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def hold(self, claim: LedgerEntry, claimed_at: float) -> None:
        """Keep a claim young that was written at this time of the clock."""
        with self._lock:
            self._held[claim.fingerprint] = _Held(claim, claimed_at)

    @contextmanager
    def letting_go(self, fingerprint: str) -> Iterator[None]:
        """Whatever becomes of the block, its claim is not held any more after it."""
        try:
            yield
        finally:
            with self._lock:
                self._held.pop(fingerprint, None)

    def renew_due(self) -> None:
        """Renew each claim that has grown old; one that is another's by now is held no more."""
        now = self._clock.monotonic()
        with self._lock:
            due = [it for it in self._held.values() if now >= it.since + self._renewed_seconds]
        for old in due:
            fingerprint = old.claim.fingerprint
            since = self._clock.monotonic()
            new: _Held | None = None
            try:
                new = _Held(self._ledger.renew(old.claim), since)
            except ClaimLostError as lost:
                _log.debug("a claim is not renewed: %s", lost)
            except StoreError as error:
                _log.warning("a claim could not be renewed, which is tried again: %s", error)
                continue
            with self._lock:
                if self._held.get(fingerprint) is not old:
                    continue
                del self._held[fingerprint]
                if new is not None:
                    self._held[fingerprint] = new

    def _work(self) -> None:
        while not self._ended.wait(self._renewed_seconds / _LOOKS):
            self.renew_due()


@dataclass(frozen=True, slots=True)
class _Held:
    claim: LedgerEntry
    since: float
