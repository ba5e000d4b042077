"""What was fetched once, in a nameless file that is gone with whoever made it, even if killed."""

import os
import tempfile
import threading
import weakref
from contextlib import suppress
from typing import BinaryIO
from weakref import WeakKeyDictionary

from flux_assets.storage.object_store import ObjectStore

_MOST_BYTES = 2**31


class PartCache:
    """Keeps bytes by their sha256 on this machine's disk, where memory would be dear.

    A disk that is full keeps no more; what it lacks is fetched again.

    Args:
        most_bytes: of the file; before it grows larger, all is forgotten, so that a process that
            goes on for weeks does not fill the disk.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._file: BinaryIO | None = None
        self._places: dict[str, tuple[int, int]] = {}

    def __contains__(self, sha256: str) -> bool:
        return sha256 in self._places

    def find(self, sha256: str) -> bytes | None:
        """What was kept; None if nothing was."""
        with self._lock:
            if self._file is None or sha256 not in self._places:
                return None
            offset, size = self._places[sha256]
            return os.pread(self._file.fileno(), size, offset)

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep bytes, if there is room."""
        with self._lock, suppress(OSError):
            if sha256 in self._places:
                return
            if self._file is None:
                # Without a buffer: what a full disk did not take would stay there, and be in the
                # way of all that is read later.
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed as said below
                weakref.finalize(self, self._file.close)
            offset = self._file.seek(0, os.SEEK_END)
            if offset + len(data) > self._most_bytes:
                self._places.clear()
                offset = self._file.seek(self._file.truncate(0))
            if self._file.write(data) == len(data):
                self._places[sha256] = offset, len(data)


_CACHES: WeakKeyDictionary[ObjectStore, PartCache] = WeakKeyDictionary()


def cache_of(store: ObjectStore) -> PartCache:
    """The one of a store, as long as that is used."""
    return _CACHES.setdefault(store, PartCache())
