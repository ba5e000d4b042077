"""Every batch of decisions, written whole before any of it is applied, and never changed."""

import json
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError
from flux_assets.publishing.decision import Batch, DecisionError, Wish
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parallel import map_in_parallel
from flux_assets.storage.stored_json import read_stored_json

FORMAT = 1
LOG_PREFIX = "publishing/decisions/log/"
_BATCH = re.compile(r"\d{4}-\d\d-\d\d-[0-9a-f]{12}")
_DAY_CHARACTERS = 10


def log_batch(
    store: ObjectStore, wishes: Sequence[Wish], *, by: str, via: str, undoes: str = ""
) -> Batch:
    """Write wishes down as a batch, with the store's time; its name begins with the day.

    Raises:
        DecisionError: one of them cannot be kept, or nobody says who decides.
    """
    if not by.strip():
        raise DecisionError("nobody is named who decides")
    for wish in wishes:
        wish.check()
    if len({(wish.fingerprint, wish.sha256) for wish in wishes}) < len(wishes):
        raise DecisionError("a batch decides each picture once")
    now = store.now()
    batch = Batch(
        batch=f"{now:%Y-%m-%d}-{uuid.uuid4().hex[:12]}",
        by=by,
        at=now.isoformat(timespec="seconds"),
        via=via,
        wishes=tuple(wishes),
        undoes=undoes,
    )
    body = json.dumps({"format": FORMAT, **batch.to_json()}, indent=1, sort_keys=True).encode()
    key = _key_of(batch.batch)
    try:
        store.put(key, body, content_type="application/json", if_absent=True)
    except ConditionFailedError:
        # The client repeats a write whose reply was lost: the first may have been ours.
        if _read(store, key) != batch:
            raise
    return batch


def read_batch(store: ObjectStore, batch: str) -> Batch:
    """One batch of the log.

    Raises:
        DecisionError: there is none of this name.
        StoreError: it cannot be read, or is damaged.
    """
    try:
        if not _BATCH.fullmatch(batch):
            raise DecisionError(f"{batch!r} is no batch's name, such as 2026-11-26-0123456789ab")
        return _read(store, _key_of(batch))
    except ObjectNotFoundError as error:
        raise DecisionError(f"there is no batch of decisions {batch} in {store.uri}") from error


def read_batches(store: ObjectStore, days: Iterable[str] = ("",)) -> Iterator[Batch]:
    """The batches of some days, `YYYY-MM-DD`, or of all.

    Raises:
        StoreError: one cannot be read, or is damaged.
    """
    keys = (key for day in days for key in store.list_keys(f"{LOG_PREFIX}{day}"))
    yield from map_in_parallel(lambda key: _read(store, key), keys)


def _key_of(batch: str) -> str:
    return f"{LOG_PREFIX}{batch[:_DAY_CHARACTERS]}/{batch}.json"


def _read(store: ObjectStore, key: str) -> Batch:
    return read_stored_json(
        store.get(key).data,
        store.uri_for(key),
        Batch.from_json,
        kind="batch of decisions",
        remedy="restore it from a backup or an earlier version",
        newest_format=FORMAT,
    )
