"""The ledger's entries as objects of the store: read them, and write them conditionally."""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry
from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import LEDGER_PREFIX, ObjectStore, ledger_key

_WRITE_TRIES = 3
_READERS = 16
_LIST_ABOVE = 1_000
"""One listing page names 1,000 keys, and most fingerprints of a large new catalog have none."""


class LedgerObjects:
    """Reads entries, and writes each only over the version that was read."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

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

    def write(self, entry: LedgerEntry, *, over: LedgerEntry | None) -> LedgerEntry:
        """Create an entry, or change it over the version that was read; gives it with its etag.

        Raises:
            ClaimLostError: another writer came first.
            StoreError: it may have been written, or not.
        """
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
