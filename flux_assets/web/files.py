"""The pictures' files as the page shows them: found by ids that the tables know, never by a key."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.errors import ObjectNotFoundError, PictureError, StorePermissionError
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.publishing.channels import THUMBNAIL
from flux_assets.publishing.picture_index import NO_ROW
from flux_assets.publishing.profile import GENERATED, resolve
from flux_assets.publishing.render import open_master, render
from flux_assets.publishing.sheet import Sheet
from flux_assets.storage.object_store import ObjectBody, ObjectStore, photo_key

DIGEST = re.compile(r"[0-9a-f]{64}")
VERSION_DIGITS = 16
_TYPES = frozenset({"image/jpeg", "image/png", "image/webp", "image/avif"})
_PHOTO_EXTENSIONS = ("jpg", "png")
_HELD_BYTES = 64_000_000
_AT_ONCE = 2
"""So many thumbnails are made at a time: each takes the room of an unpacked picture."""


class File(NamedTuple):
    """What is sent of a picture."""

    data: bytes
    content_type: str


@dataclass(frozen=True, slots=True)
class Master:
    """Where a stored picture is, and what its bytes are."""

    object_key: str
    sha256: str
    thumb_key: str = ""


class LiveAddresses:
    """Where the page finds the files of a server; another picture's file has another address."""

    def thumb(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the small one."""
        del row
        return f"/thumb/{fingerprint}?v={sha256[:VERSION_DIGITS]}"

    def full(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the picture itself."""
        del row
        return f"/full/{fingerprint}?v={sha256[:VERSION_DIGITS]}"

    def photo(self, source_sha256: str) -> str | None:
        """Of the photo that it was made from."""
        return f"/photo/{source_sha256}"


class PictureFiles:
    """The files of a store's pictures, of those of now and of earlier ones.

    Args:
        store: the shop's.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._ledger = LedgerObjects(store)
        self._made = _Held(_HELD_BYTES)
        self._turns = threading.Semaphore(_AT_ONCE)

    def find(self, sheet: Sheet, fingerprint: str) -> Master | None:
        """The stored picture of a fingerprint that manifest or ledger know."""
        row = sheet.pictures.find(fingerprint)
        if row != NO_ROW:
            [text] = sheet.read_texts(row, row + 1)
            return Master(text["object_key"], text["sha256"], str(sheet.thumbs[row]))
        record = self.find_earlier(fingerprint)
        return Master(record.object_key, record.sha256) if record else None

    def find_earlier(self, fingerprint: str) -> LineageRecord | None:
        """What the ledger knows of a picture that is stored; None where it may not be read.

        Raises:
            StoreError: it can be read no more.
        """
        try:
            entry = self._ledger.read(fingerprint)
        except StorePermissionError:
            return None
        return entry.lineage if entry and entry.state == "stored" else None

    def read_thumb(self, master: Master) -> File | None:
        """The small rendition; one that is not there is made of the picture, and not stored."""
        if master.thumb_key and (found := self._read(master.thumb_key)):
            return found
        data = self._made.get(master.sha256, lambda: self._make_thumb(master))
        return File(data, "image/webp") if data else None

    def read_full(self, master: Master) -> File | None:
        """The picture itself, as it was bought."""
        return self._read(master.object_key)

    def read_photo(self, sheet: Sheet, digest: str) -> File | None:
        """A photo that a picture of now was made from."""
        if sheet.photos.find(digest) == NO_ROW:
            return None
        found = (self._read(photo_key(digest, it)) for it in _PHOTO_EXTENSIONS)
        return next(filter(None, found), None)

    def _make_thumb(self, master: Master) -> bytes:
        with self._turns:
            found = self._read(master.object_key)
            if found is None or sha256(found.data).hexdigest() != master.sha256:
                return b""
            try:
                opened = open_master(found.data)
                [made] = render(opened, [resolve(THUMBNAIL, *opened.image.size)], GENERATED)
            except PictureError:
                return b""
            return made

    def _read(self, key: str) -> File | None:
        try:
            body: ObjectBody = self._store.get(key)
        except ObjectNotFoundError:
            return None
        is_known = body.content_type in _TYPES
        return File(body.data, body.content_type if is_known else "application/octet-stream")


class _Held:
    """What was made last, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes
        self._lock = threading.Lock()
        self._items: OrderedDict[str, bytes] = OrderedDict()

    def get(self, name: str, make: Callable[[], bytes]) -> bytes:
        """What is held under a name, else what is made now."""
        with self._lock:
            if name in self._items:
                self._items.move_to_end(name)
                return self._items[name]
        made = make()
        with self._lock:
            if name not in self._items:
                self._items[name] = made
                self._left -= len(made)
            while self._left < 0:
                _, oldest = self._items.popitem(last=False)
                self._left += len(oldest)
        return made
