"""Reading the JSON objects that we ourselves put into a store, which may be damaged by now."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from flux_assets.errors import StoreError

Read = TypeVar("Read")


class DamagedObjectError(StoreError):
    """An object of ours is not what we wrote."""


def read_stored_json(
    data: bytes,
    uri: str,
    read: Callable[[Any], Read],
    *,
    kind: str,
    remedy: str = "",
    newest_format: int | None = None,
) -> Read:
    """What `read` makes of an object's JSON.

    Args:
        data: the object's bytes.
        uri: where it lies, for the error.
        read: takes what it needs out of the JSON; a key, type or value that is not as it was
            written means that the object is damaged.
        kind: what the object ought to be, such as "spending counter", for the error.
        remedy: what a person can do about a damaged one.
        newest_format: the newest `format` that this release knows, for objects that have one.

    Raises:
        DamagedObjectError: it is no such object.
        StoreError: a newer release wrote it.
    """
    try:
        plain = json.loads(data)
        if newest_format is not None and plain["format"] > newest_format:
            raise StoreError(uri, "read", "a newer release of flux_assets wrote it; upgrade")
        return read(plain)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        problem = f"it is no {kind} ({type(error).__name__}: {error})"
        raise DamagedObjectError(
            uri, "read", f"{problem}; {remedy}" if remedy else problem
        ) from error
