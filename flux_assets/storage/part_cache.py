"""What was fetched once, in a nameless file that is gone with whoever made it, even if killed."""

import os
import tempfile
import threading
import weakref
from contextlib import suppress
from typing import IO
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
        self._file: IO[bytes] | None = None
        self._places: dict[str, tuple[int, int]] = {}

    def find(self, sha256: str) -> bytes | None:
        """What was kept; None if nothing was."""
        with self._lock:
            if self._file is None or sha256 not in self._places:
                return None
            offset, size = self._places[sha256]
            self._file.seek(offset)
            return self._file.read(size)

    def keep(self, sha256: str, data: bytes) -> None:
        """Keep bytes, if there is room."""
        with self._lock, suppress(OSError):
            if sha256 in self._places:
                return
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed as said below
                weakref.finalize(self, self._file.close)
            offset = self._file.seek(0, os.SEEK_END)
            if offset + len(data) > self._most_bytes:
                self._places.clear()
                offset = self._file.seek(self._file.truncate(0))
            self._file.write(data)
            self._file.flush()
            self._places[sha256] = offset, len(data)


_CACHES: WeakKeyDictionary[ObjectStore, PartCache] = WeakKeyDictionary()


def cache_of(store: ObjectStore) -> PartCache:
    """The one of a store, as long as that is used."""
    return _CACHES.setdefault(store, PartCache())
