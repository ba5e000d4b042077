"""Tries what a store must do before pictures are bought into it, conditional writes above all.

A store that takes a write whose condition does not hold lets two runs pay for the same picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.storage.object_store import ObjectStore, run_key

_IMPOSSIBLE_ETAG = "0" * 32
_CREATE = "If-None-Match: *"
_CHANGE = "If-Match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing that a store must do, tried; `problem` is empty where it does."""

    name: str
    problem: str = ""


def prove_conditions(store: ObjectStore, run_id: str) -> None:
    """Make sure that the store refuses writes whose condition does not hold; three small writes.

    Args:
        store: to be bought into.
        run_id: whose folder may hold the object that is written; always with the same bytes, so
            that any number of steps may do so at once.

    Raises:
        StoreError: it ignores a condition, or cannot be written to.
    """
    key = run_key(run_id, "conditions.json")
    if _writes(store, key, if_absent=True) and _writes(store, key, if_absent=True):
        raise _ignored(store, _CREATE)
    if _writes(store, key, if_match=_IMPOSSIBLE_ETAG):
        raise _ignored(store, _CHANGE)


def probe_store(store: ObjectStore, run_id: str) -> Iterator[Probe]:
    """Try one thing after the other, in new objects in the folder of `run_id`."""
    probes: dict[str, Callable[[ObjectStore, str], None]] = {
        "put": _try_put,
        "get": _try_get,
        "list": _try_list,
        "conditional create": _try_create,
        "conditional change": _try_change,
    }
    for name, probe in probes.items():
        try:
            probe(store, run_id)
        except StoreError as error:
            yield Probe(name=name, problem=str(error))
        else:
            yield Probe(name=name)


def _try_put(store: ObjectStore, run_id: str) -> None:
    _put(store, run_key(run_id, "put.json"))


def _try_get(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "put.json")
    if store.get(key).data != _body(key):
        raise StoreError(store.uri_for(key), "read", "it gives other bytes than were written")


def _try_list(store: ObjectStore, run_id: str) -> None:
    for _ in store.list_keys(run_key(run_id, "")):
        pass


def _try_create(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "create.json")
    if not _writes(store, key, if_absent=True):
        problem = f"it refuses a new object whose condition ({_CREATE}) holds"
        raise StoreError(store.uri_for(key), "write", problem)
    if _writes(store, key, if_absent=True):
        raise _ignored(store, _CREATE)


def _try_change(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "change.json")
    etag = _put(store, key)
    if not _writes(store, key, if_match=etag):
        problem = f"it refuses a change whose condition ({_CHANGE}) holds"
        raise StoreError(store.uri_for(key), "write", problem)
    if _writes(store, key, if_match=_IMPOSSIBLE_ETAG):
        raise _ignored(store, _CHANGE)


def _writes(
    store: ObjectStore, key: str, *, if_absent: bool = False, if_match: str | None = None
) -> bool:
    """Whether the store takes a write on this condition."""
    try:
        _put(store, key, if_absent=if_absent, if_match=if_match)
    except ConditionFailedError:
        return False
    return True


def _put(
    store: ObjectStore, key: str, *, if_absent: bool = False, if_match: str | None = None
) -> str:
    return store.put(
        key,
        _body(key),
        content_type="application/json",
        if_absent=if_absent,
        if_match=if_match,
    )


def _body(key: str) -> bytes:
    return b'{"written to prove that the store can be relied on": "%s"}' % key.encode()


def _ignored(store: ObjectStore, condition: str) -> StoreError:
    return StoreError(
        store.uri,
        "buy into",
        f"it ignores the condition {condition} of a write, so that two runs could pay for the "
        "same picture; nothing was sent. Choose with FLUX_ASSETS_STORE one that honours "
        f"{_CREATE} and {_CHANGE}, as AWS S3 does, or a directory",
    )
