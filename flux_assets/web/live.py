"""The pictures as the server knows them: read anew where somebody changed them, and only then."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flux_assets.manifest.rows import build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY, StoredManifest, open_manifest
from flux_assets.publishing.channels import ChannelsFile, load_channels
from flux_assets.publishing.rendition_table import RENDITIONS_KEY, open_renditions
from flux_assets.publishing.sheet import Sheet, build_sheet
from flux_assets.publishing.sheet_state import SheetState, read_state
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet

_LEAST_AGE_SECONDS = 2.0
_REST = 10
"""How many times as long as reading took, what was read is taken to hold."""
_Version = tuple[tuple[str, str, int, datetime], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The pictures as one page shows them; `name` is nothing that another site could guess."""

    name: str
    sheet: Sheet


class LivePictures:
    """What the pages are made of.

    Args:
        settings: of the shop.
        store: the shop's.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        settings: Settings,
        store: ObjectStore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        self.store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._version: tuple[_Version, str] | None = None
        self._snapshot: Snapshot | None = None
        self._state: SheetState | None = None
        self._good_until = 0.0

    def open(self) -> Snapshot:
        """The pictures of now: the manifest is read again where it is another one.

        Raises:
            FluxAssetsError: the store, or the channels file, cannot be read.
        """
        channels = load_channels(self.settings)
        version = self._read_version(), channels.sha256 if channels else ""
        with self._lock:
            if self._snapshot is None or self._version != version:
                sheet = self._read_sheet(channels)
                self._snapshot = Snapshot(secrets.token_urlsafe(16), sheet)
                self._version = version
                self._state = None
            return self._snapshot

    def find(self, name: str) -> Snapshot | None:
        """The snapshot of a page that is open; None where the pictures are others now."""
        snapshot = self._snapshot
        return snapshot if snapshot and snapshot.name == name else None

    def read_state(self) -> SheetState:
        """The newest decisions, with what was read of pictures before; a few seconds old at most.

        Raises:
            StoreError: they cannot be read.
        """
        snapshot = self._snapshot or self.open()
        with self._lock:
            last = self._state if self._state and self._state.sheet is snapshot.sheet else None
            begun = self._clock()
            if last is None or begun >= self._good_until:
                self._state = last = read_state(self.store, snapshot.sheet, self._state)
                took = self._clock() - begun
                self._good_until = self._clock() + max(_LEAST_AGE_SECONDS, _REST * took)
            return last

    def read_sheet(self) -> Sheet:
        """The pictures, whatever was decided of them."""
        return (self._snapshot or self.open()).sheet

    def expire(self) -> None:
        """Read decisions again before they are shown the next time."""
        self._good_until = 0.0

    def _read_version(self) -> _Version:
        infos = (info for key in (MANIFEST_KEY, RENDITIONS_KEY) for info in self.store.list(key))
        return tuple((it.key, it.etag, it.size_bytes, it.modified_at) for it in infos)

    def _read_sheet(self, channels: ChannelsFile | None) -> Sheet:
        manifest = open_manifest(self.store)
        if manifest is None:
            empty = StoredTable(write_parquet(build_manifest_rows([], self.store)))
            manifest = StoredManifest(empty, self.store.uri_for(MANIFEST_KEY), "")
        return build_sheet(manifest, open_renditions(self.store), channels)
