"""What channels show, showed of late or could show again: `prune` keeps it, whatever else it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from flux_assets.publishing.editions import list_editions, list_newest, open_edition
from flux_assets.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptForChannels:
    """What editions name that still count.

    `fingerprints` are the first 32 digits of the stored pictures' request fingerprints, `keys`
    those of their renditions. `newest` is the number of each channel's newest edition.
    """

    fingerprints: frozenset[str]
    keys: frozenset[str]
    newest: Mapping[str, int]


def read_kept(store: ObjectStore, rollback_days: int) -> KeptForChannels:
    """Read the editions that were a channel's newest at any time within some days.

    Of each they keep what it shows, and what its places remember that they showed before: that is
    all that a decision, a rollback of those days or its undoing can bring back. An edition that is
    older than the days counts as long as it was not replaced before they began. One that was made
    under a wrong clock tells nothing of those before it.

    Raises:
        StoreError: one of them cannot be read, or is damaged.
    """
    began = store.now() - timedelta(days=rollback_days)
    newest = list_newest(store)
    fingerprints: set[str] = set()
    keys: set[str] = set()
    for channel in newest:
        editions = list_editions(store, channel)
        for place, (number, put_at) in enumerate(editions, 1):
            edition = open_edition(store, channel, number)
            for named in edition.list_named():
                fingerprints.add(named.fingerprint[:32])
                keys.add(named.object_key)
            is_old = put_at < began and edition.read_head()["at"] < began.isoformat(
                timespec="seconds"
            )
            # Under a right clock, none before it is younger.
            if is_old and all(before <= put_at for _, before in editions[place:]):
                break
    return KeptForChannels(
        fingerprints=frozenset(fingerprints), keys=frozenset(keys), newest=newest
    )
