"""Tries what a store must do before pictures are bought into it: conditional writes, and pictures.

A store that takes a write whose condition does not hold lets two runs pay for the same picture.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import PROOF_KEY, ObjectStore, run_key

_IMPOSSIBLE_ETAG = "0" * 32
_CREATE = "If-None-Match: *"
_CHANGE = "If-Match"
_TRIES = 5
"""Steps at once remove each other's proof, and change each other's object."""
_PICTURE = bytes(range(256)) * 4096
_METADATA = {"fingerprint": "0" * 64}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One thing that a store must do, tried; `problem` is empty where it does."""

    name: str
    problem: str = ""


def prove_store(store: ObjectStore, run_id: str) -> None:
    """Make sure that the store keeps pictures, and honours the conditions of writes.

    Args:
        store: to be bought into.
        run_id: whose folder may hold the object that is written; always with the same bytes, so
            that any number of steps may do so at once.

    Raises:
        StoreError: it ignores a condition or refuses one that holds, it cannot be written to, or
            it does not give back or list a picture as it was put.
    """
    key = run_key(run_id, "conditions.json")
    if _writes(store, key, if_absent=True) and _writes(store, key, if_absent=True):
        raise _ignored(store, _CREATE)
    if _writes(store, key, if_match=_IMPOSSIBLE_ETAG):
        raise _ignored(store, _CHANGE)
    if not any(_writes(store, key, if_match=store.get(key).info.etag) for _ in range(_TRIES)):
        raise _refused(store, key, _CHANGE)
    _put_picture(store)
    _check_picture(store)
    _check_listing(store)
    _remove_picture(store)


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
    _remove_picture(store)


def _put_picture(store: ObjectStore) -> None:
    """Put something of a picture's size, under a key of every kind of character that keys have."""
    store.put(PROOF_KEY, _PICTURE, content_type="image/png", metadata=_METADATA)


def _check_picture(store: ObjectStore) -> None:
    """Read it back; another step may have removed it, or be just at it, so it is put again."""
    problem = "what was written is not there"
    for _ in range(_TRIES):
        try:
            found = store.get(PROOF_KEY)
        except ObjectNotFoundError:
            _put_picture(store)
            continue
        if found.data != _PICTURE:
            raise _broken(store, "it gives other bytes than were written")
        if found.metadata == _METADATA:
            return
        # A directory keeps bytes and metadata in two files, of which one may be gone already.
        problem = "it does not keep an object's metadata"
        _put_picture(store)
    raise _broken(store, problem)


def _check_listing(store: ObjectStore) -> None:
    for _ in range(_TRIES):
        if PROOF_KEY in store.list_keys(PROOF_KEY.rpartition("/")[0] + "/"):
            return
        _put_picture(store)
    raise _broken(store, "its listing does not name what was written, or names it another way")


def _remove_picture(store: ObjectStore) -> None:
    """Remove it where that is allowed; else the one object stays, which nothing counts."""
    with suppress(StoreError):
        store.delete(PROOF_KEY)


def _broken(store: ObjectStore, problem: str) -> StoreError:
    problem += "; pictures would be paid and lost, so nothing was sent"
    return StoreError(store.uri_for(PROOF_KEY), "rely on", problem)


def _try_put(store: ObjectStore, run_id: str) -> None:
    _put(store, run_key(run_id, "put.json"))
    _put_picture(store)


def _try_get(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "put.json")
    if store.get(key).data != _body(key):
        raise StoreError(store.uri_for(key), "read", "it gives other bytes than were written")
    _check_picture(store)


def _try_list(store: ObjectStore, run_id: str) -> None:
    for _ in store.list_keys(run_key(run_id, "")):
        pass
    _check_listing(store)


def _try_create(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "create.json")
    if not _writes(store, key, if_absent=True):
        raise _refused(store, key, _CREATE)
    if _writes(store, key, if_absent=True):
        raise _ignored(store, _CREATE)


def _try_change(store: ObjectStore, run_id: str) -> None:
    key = run_key(run_id, "change.json")
    etag = _put(store, key)
    if not _writes(store, key, if_match=etag):
        raise _refused(store, key, _CHANGE)
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


def _refused(store: ObjectStore, key: str, condition: str) -> StoreError:
    what = "a new object" if condition == _CREATE else "a change"
    problem = f"it refuses {what} whose condition ({condition}) holds"
    return StoreError(store.uri_for(key), "write", problem)


def _ignored(store: ObjectStore, condition: str) -> StoreError:
    return StoreError(
        store.uri,
        "buy into",
        f"it ignores the condition {condition} of a write, so that two runs could pay for the "
        "same picture; nothing was sent. Choose with FLUX_ASSETS_STORE one that honours "
        f"{_CREATE} and {_CHANGE}, as AWS S3 does, or a directory",
    )
