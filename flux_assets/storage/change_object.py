"""Changing one object that many processes change: compare-and-swap."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import ObjectBody, ObjectInfo, ObjectStore

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 1.0
_OTHERS_FIRST = "other writers always came first"
_Found = TypeVar("_Found")


class ChangeConflictError(StoreError):
    """Other writers always came first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedObject:
    """An object as it stands after a change; `is_written` is False where it was left alone."""

    data: bytes
    etag: str
    is_written: bool


def change_object(
    store: ObjectStore,
    key: str,
    decide: Callable[[ObjectBody | None], bytes | None],
    *,
    content_type: str,
    metadata: Mapping[str, str] | None = None,
    tries: int = 10,
    sleep: Callable[[float], None] | None = None,
) -> ChangedObject:
    """Write what `decide` makes of an object over just that version of it.

    Where another writer comes first, it is read and decided again. A write whose reply was lost
    may be the writer that came first, so `decide` must know its own work when it sees it.

    Args:
        store: where the object lies.
        key: of the object.
        decide: gives the new bytes of the object as it is, None if there is none yet; or None, to
            leave an object that is there as it is.
        content_type: of what is written.
        metadata: of what is written.
        tries: how often it may be decided.
        sleep: waits so many seconds; if given, losers make room for each other by it.

    Raises:
        ChangeConflictError: other writers came first each time.
        StoreError: it cannot be read or written.
    """
    for _ in _take_turns(tries, sleep):
        found = _find(store.get, key)
        data = decide(found)
        if data is None:
            if found is None:
                raise ValueError(f"nothing was decided for {key}, which is not there")
            return ChangedObject(data=found.data, etag=found.info.etag, is_written=False)
        over = found.info if found else None
        etag = _put_over(store, key, data, over, content_type=content_type, metadata=metadata)
        if etag is not None:
            return ChangedObject(data=data, etag=etag, is_written=True)
    raise ChangeConflictError(store.uri_for(key), "change", _OTHERS_FIRST)


def replace_object(
    store: ObjectStore,
    key: str,
    decide: Callable[[ObjectInfo | None], Iterable[bytes] | None],
    *,
    content_type: str,
    metadata: Mapping[str, str],
    tries: int = 10,
) -> bool:
    """As `change_object`, of what is too large to be held: its body is not read, only its metadata.

    Args:
        store: where the object lies.
        key: of the object.
        decide: gives the parts of the new body, or None to leave all as it is.
        content_type: of what is written.
        metadata: of what is written.
        tries: how often it may be decided.

    Returns:
        Whether it was written.

    Raises:
        ChangeConflictError: other writers came first each time.
        StoreError: it cannot be read or written.
    """
    for _ in _take_turns(tries, None):
        found = _find(store.head, key)
        parts = decide(found)
        if parts is None:
            return False
        if _put_over(store, key, parts, found, content_type=content_type, metadata=metadata):
            return True
    raise ChangeConflictError(store.uri_for(key), "change", _OTHERS_FIRST)


def _take_turns(tries: int, sleep: Callable[[float], None] | None) -> Iterator[int]:
    for lost in range(tries):
        if lost and sleep is not None:
            sleep(random.uniform(0, min(_FIRST_PAUSE_SECONDS * 2**lost, _LONGEST_PAUSE_SECONDS)))  # noqa: S311 - no secret
        yield lost


def _find(look: Callable[[str], _Found], key: str) -> _Found | None:
    try:
        return look(key)
    except ObjectNotFoundError:
        return None


def _put_over(
    store: ObjectStore,
    key: str,
    data: bytes | Iterable[bytes],
    over: ObjectInfo | None,
    *,
    content_type: str,
    metadata: Mapping[str, str] | None,
) -> str | None:
    """The new etag; None where another writer came first."""
    try:
        return store.put(
            key,
            data,
            content_type=content_type,
            metadata=metadata,
            if_absent=over is None,
            if_match=over.etag if over else None,
        )
    except ConditionFailedError:
        return None
