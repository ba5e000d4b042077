"""Every object of a ledger, whatever it says, for those who look at all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import LEDGER_PREFIX, ObjectStore
from flux_assets.storage.parallel import map_in_parallel

_KEY = re.compile(
    re.escape(LEDGER_PREFIX) + r"[0-9a-f]{2}/(?P<fingerprint>[0-9a-f]{64})(?P<uuid>\.[^./]+)?\.json"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerObject:
    """One object of the ledger; `entry` is None where it cannot be read, `problem` says why.

    `is_extra` marks a paid reply that is kept beside its entry.
    """

    key: str
    fingerprint: str
    is_extra: bool
    entry: LedgerEntry | None
    problem: str = ""


def scan_ledger(store: ObjectStore, start: str = "") -> Iterator[LedgerObject]:
    """Every entry and every paid reply beside one, in no promised order.

    Args:
        store: whose ledger.
        start: the first digits of the fingerprints, two at least, or none.
    """
    keys = store.list_keys(f"{LEDGER_PREFIX}{start[:2]}/{start}" if start else LEDGER_PREFIX)
    matches = (match for match in map(_KEY.fullmatch, keys) if match)
    found = map_in_parallel(lambda match: _read(store, match), matches)
    return (item for item in found if item is not None)


def _read(store: ObjectStore, match: re.Match[str]) -> LedgerObject | None:
    key, entry, problem = match.group(), None, ""
    try:
        body = store.get(key)
        entry = LedgerEntry.from_bytes(
            body.data,
            etag=body.info.etag,
            modified_at=body.info.modified_at,
            uri=store.uri_for(key),
        )
    except ObjectNotFoundError:
        return None
    except StoreError as error:
        problem = error.problem
    return LedgerObject(
        key=key,
        fingerprint=match["fingerprint"],
        is_extra=match["uuid"] is not None,
        entry=entry,
        problem=problem,
    )
