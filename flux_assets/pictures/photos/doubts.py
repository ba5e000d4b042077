"""Which photos are doubted: what a server gives in their place may be nobody's product.

A placeholder that is served for many addresses would buy many wrong pictures. So a photo that
several addresses give at once, and that they did not give before, is an outage until a person
says that it is right. It is remembered until then: the last of these addresses is no better.
"""

import json
import logging
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from flux_assets.errors import ObjectNotFoundError
from flux_assets.pictures.photos.index import PhotoIndex, RememberedPhoto
from flux_assets.storage.change_object import ChangeConflictError, change_object
from flux_assets.storage.object_store import ObjectBody, ObjectStore, table_key
from flux_assets.storage.stored_json import DamagedObjectError, read_stored_json

DOUBTED_KEY = table_key("doubted_photos.json")

_SEVERAL_NEW = 3
"""So many addresses that were never read may not share a photo; two sizes of one product do."""
_MAX_REMEMBERED = 1_000

_log = logging.getLogger(__name__)


class Given(NamedTuple):
    """What one address gives now; `row` is what was remembered of it, if anything was."""

    row: RememberedPhoto | None
    photo_sha256: str


def find_doubted(
    given: Iterable[Given], index: PhotoIndex, remembered: Collection[str]
) -> dict[str, int]:
    """The photos to be doubted, by their sha256, each with how many addresses give it.

    Doubted is what takes the place of different photos, or of one while another address has it
    too, and what several addresses give that were never read, unless it is as often known.

    Args:
        given: what each address of the catalog gives.
        index: what is remembered of all addresses.
        remembered: the photos that are doubted already.
    """
    addresses, unread = Counter[str](), Counter[str]()
    former = defaultdict[str, set[str]](set)
    for row, sha256 in given:
        addresses[sha256] += 1
        if row is None:
            unread[sha256] += 1
        else:
            former[sha256].add(row.photo_sha256)
    known = Counter(row.photo_sha256 for row in index.values() if row.photo_sha256 in unread)
    doubted = {}
    for sha256, count in addresses.items():
        is_changed = bool(former[sha256] - {sha256})
        is_shared = (
            len(former[sha256]) + unread[sha256] > 1
            if is_changed
            else unread[sha256] - known[sha256] >= _SEVERAL_NEW
        )
        if is_shared or (sha256 in remembered and (is_changed or unread[sha256])):
            doubted[sha256] = count
    return doubted


def read_doubted(store: ObjectStore) -> list[str]:
    """The photos that are remembered as doubted, by their sha256.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        return _parse(store, store.get(DOUBTED_KEY))
    except ObjectNotFoundError:
        return []


def note_doubted(store: ObjectStore, doubted: Collection[str], *, is_accepted: bool) -> None:
    """Remember that these photos are doubted, or not any more.

    Raises:
        StoreError: the store cannot be read or written.
    """

    def decide(found: ObjectBody | None) -> bytes | None:
        before = _parse(store, found) if found else []
        others = [sha256 for sha256 in before if sha256 not in doubted]
        after = others if is_accepted else [*others, *doubted][-_MAX_REMEMBERED:]
        return None if found and set(after) == set(before) else json.dumps(after).encode()

    try:
        change_object(store, DOUBTED_KEY, decide, content_type="application/json")
    except ChangeConflictError as error:
        _log.warning("%s; the next search finds it again", error)


def _parse(store: ObjectStore, found: ObjectBody) -> list[str]:
    uri = store.uri_for(DOUBTED_KEY)
    try:
        return read_stored_json(found.data, uri, lambda it: list(map(str, it)), kind="list")
    except DamagedObjectError as error:
        _log.warning("%s; it is written anew", error)
        return []
