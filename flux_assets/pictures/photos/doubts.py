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
    """What one address gives now; `row` is what was remembered of it, if anything was.

    `uri` is the address without its query, which an export may change each time.
    """

    row: RememberedPhoto | None
    photo_sha256: str
    uri: str


def find_doubted(
    given: Iterable[Given], index: PhotoIndex, remembered: Collection[str]
) -> dict[str, int]:
    """The photos to be doubted, by their sha256, each with how many addresses give it.

    Doubted is what takes the place of different photos, or of one while another address has it
    too, and what several addresses give that were never read, unless it is as often known. One
    that was read with another query before had a photo, too.

    Args:
        given: what each address of the catalog gives.
        index: what is remembered of all addresses.
        remembered: the photos that are doubted already.
    """
    addresses, unread = Counter[str](), Counter[str]()
    former, queried = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    listed = list(given)
    before = _find_by_uri(index, {uri for row, _, uri in listed if row is None})
    for row, sha256, uri in listed:
        addresses[sha256] += 1
        if row is not None:
            former[sha256].add(row.photo_sha256)
            continue
        unread[sha256] += 1
        if before.get(uri, sha256) != sha256:
            queried[sha256].add(before[uri])
    known = Counter(row.photo_sha256 for row in index.values() if row.photo_sha256 in unread)
    doubted = {}
    for sha256, count in addresses.items():
        is_changed = bool(former[sha256] - {sha256})
        is_shared = (
            len(former[sha256]) + unread[sha256] > 1
            if is_changed
            else unread[sha256] - known[sha256] >= _SEVERAL_NEW
        )
        is_shared |= len(queried[sha256]) > 1
        if is_shared or (sha256 in remembered and (is_changed or unread[sha256])):
            doubted[sha256] = count
    return doubted


def _find_by_uri(index: PhotoIndex, uris: Collection[str]) -> dict[str, str]:
    """The photo that was read last at each address, with whatever query.

    Not of an address like `image.php?id=1`, which gave several photos in one search.
    """
    latest: dict[str, RememberedPhoto] = {}
    several: set[str] = set()
    for row in index.values() if uris else ():
        if row.uri not in uris:
            continue
        known = latest.setdefault(row.uri, row)
        if row.checked_at > known.checked_at:
            latest[row.uri] = row
            several.discard(row.uri)
        elif row.checked_at == known.checked_at and row.photo_sha256 != known.photo_sha256:
            several.add(row.uri)
    return {uri: row.photo_sha256 for uri, row in latest.items() if uri not in several}


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
