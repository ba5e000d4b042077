"""A table that a run passes on is kept once: as the last one, which the run's note names.

`runs/{run_id}/{table}.json` says by its sha256 which table is the run's. Whoever puts another one
in its place keeps what it replaces for the runs that are under way, so that none of them goes on
with another run's; where that was not done, the run stops and says so.
"""

import hashlib
import json
from collections.abc import Callable

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import (
    ObjectInfo,
    ObjectStore,
    replaced_table_key,
    run_key,
    table_key,
)
from flux_assets.storage.stored_json import read_stored_json

_SHA256 = "sha256"


def put_run_table(
    store: ObjectStore,
    name: str,
    data: bytes,
    *,
    run_id: str,
    content_type: str,
    others_run: Callable[[], bool],
) -> None:
    """Make it the last table, and the run's; one that is so already is not written again.

    Args:
        store: the shop's.
        name: the table's, with its extension.
        data: the whole of it.
        run_id: whose it is.
        content_type: its media type.
        others_run: whether other runs are under way, which may still want what it replaces.

    Raises:
        StoreError: the store cannot be read or written.
    """
    key, sha256 = table_key(name), hashlib.sha256(data).hexdigest()
    while (last := _look_at(store, key)) is None or last.metadata.get(_SHA256) != sha256:
        try:
            if last is not None and others_run():
                _keep_replaced(store, name, last, content_type)
            store.put(
                key,
                data,
                content_type=content_type,
                metadata={_SHA256: sha256},
                if_absent=last is None,
                if_match=last.etag if last else None,
            )
        except ConditionFailedError:  # of another run's, or of this very write, done already
            continue
        break
    note = json.dumps({_SHA256: sha256}).encode()
    store.put(run_key(run_id, f"{name}.json"), note, content_type="application/json")


def get_run_table(store: ObjectStore, name: str, *, run_id: str) -> bytes:
    """The table that the run wrote; of a run that wrote none, the last one.

    Raises:
        ObjectNotFoundError: there is none.
        StoreError: another run has replaced it, or it cannot be read.
    """
    key = run_key(run_id, f"{name}.json")
    try:
        note = store.get(key).data
    except ObjectNotFoundError:
        return _get_without_note(store, name, run_id)
    wanted = read_stored_json(
        note,
        store.uri_for(key),
        lambda plain: str(plain[_SHA256]),
        kind="note of a table",
        remedy="run it again",
    )
    last = store.get(table_key(name))
    if last.metadata.get(_SHA256) == wanted or hashlib.sha256(last.data).hexdigest() == wanted:
        return last.data
    try:
        return store.get(replaced_table_key(name, wanted)).data
    except ObjectNotFoundError:
        problem = (
            "another run has replaced the table that this run wrote, and nothing may go on with "
            "another run's; run it again"
        )
        raise StoreError(store.uri_for(table_key(name)), "read", problem) from None


def _get_without_note(store: ObjectStore, name: str, run_id: str) -> bytes:
    try:
        return store.get(run_key(run_id, name)).data  # as a release before this one wrote it
    except ObjectNotFoundError:
        return store.get(table_key(name)).data


def _look_at(store: ObjectStore, key: str) -> ObjectInfo | None:
    try:
        return store.head(key)
    except ObjectNotFoundError:
        return None


def _keep_replaced(store: ObjectStore, name: str, last: ObjectInfo, content_type: str) -> None:
    """Keep what is about to be replaced, if a run can have named it."""
    sha256 = last.metadata.get(_SHA256)
    if sha256 is None:
        return
    found = store.get(last.key)
    if found.info.etag == last.etag:  # else the write that follows fails
        store.put(replaced_table_key(name, sha256), found.data, content_type=content_type)
