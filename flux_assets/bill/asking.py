"""When a paid picture that could not be fetched is asked for again, and when it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.storage.object_store import ObjectStore

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_DOUBLED_AT_MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class AskSchedule:
    """All times are the store's own; `keeps_asking` is how long it is asked from the first time on.

    What an earlier run could not fetch is asked for once where it is due, and not waited for.
    """

    keeps_asking: timedelta

    def is_due(self, entry: LedgerEntry, now: datetime) -> bool:
        """Whether to ask for it now: the pauses grow with each time it was in vain."""
        if not entry.asks or entry.modified_at is None:
            return True
        pause: timedelta = _FIRST_PAUSE * 2 ** min(entry.asks - 1, _DOUBLED_AT_MOST)
        return now - entry.modified_at >= min(pause, _LONGEST_PAUSE)

    def is_over(self, entry: LedgerEntry, now: datetime) -> bool:
        """Whether it is given up where it is asked for now in vain."""
        since = datetime.fromisoformat(entry.unfetched_since) if entry.unfetched_since else now
        return now - since >= self.keeps_asking

    @staticmethod
    def seconds_to_wait(entry: LedgerEntry, store: ObjectStore, longest_seconds: float) -> float:
        """How long to wait for it: as long as it may lag its call, counted from its reply."""
        if entry.asks:
            return 0.0
        if entry.modified_at is None:  # just written
            return longest_seconds
        return max(0.0, longest_seconds - (store.now() - entry.modified_at).total_seconds())
