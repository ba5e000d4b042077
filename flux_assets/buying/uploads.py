"""The photos that the vendor was given to edit: each uploaded once per content."""

import hashlib
import json
import logging
import math
import threading
from dataclasses import dataclass, field, replace

from flux_assets.bill.breaker import Breaker
from flux_assets.bill.run_stop import RunStop
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    DownloadError,
    FluxAssetsError,
    NotSentError,
    RateLimitedError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.likeness import Likeness
from flux_assets.pictures.photos.prepare import PreparedPhoto, flatten
from flux_assets.storage.change_object import change_object
from flux_assets.storage.object_store import ObjectBody, ObjectStore, upload_key
from flux_assets.storage.stored_json import DamagedObjectError, read_stored_json

_RETRY_SECONDS = 2.0
_LOCKS = 256

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An uploaded photo; `is_remembered` where the vendor may have forgotten it since."""

    asset_key: str
    is_remembered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetUploads:
    """Gives the vendor the photo of each request that edits one; shared by all threads.

    The asset key is kept in the store before any call names it, by the sha256 of the bytes that
    were uploaded, so neither a crash nor another machine uploads them again.

    Args:
        client, pace, stop, breaker: the API, and what limits its use; an upload counts as a
            request.
        store: where keys are kept.
        likeness: gives prepared photos, and room to lay them on a colour.
        timeout_seconds: for all tries of one upload.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    stop: RunStop
    breaker: Breaker
    store: ObjectStore
    likeness: Likeness
    timeout_seconds: float
    clock: Clock
    _locks: tuple[threading.Lock, ...] = field(
        default_factory=lambda: tuple(threading.Lock() for _ in range(_LOCKS))
    )

    def obtain(self, request: ImageRequest, *, instead_of: str = "") -> Upload:
        """The upload of a request's photo.

        Args:
            request: that edits one.
            instead_of: an asset key that the vendor no longer takes.

        Raises:
            StoreError: the photo or its key cannot be read or kept.
            NotStartedError: the run was stopped first.
            NotSentError, RateLimitedError, DownloadError, RefusedError, AccountError: the vendor
                did not take it; nothing was paid.
        """
        photo = self._read(request)
        sha256 = hashlib.sha256(photo.data).hexdigest()
        file_name = f"{sha256[:16]}.{photo.extension}"
        del photo  # which may have to wait for its turn

        def upload(found: ObjectBody | None) -> bytes | None:
            if found is not None and self._recall(found, key) not in {"", instead_of}:
                return None
            asset_key = self._upload(request, file_name)
            uploaded_at = self.clock.utc_now().isoformat(timespec="seconds")
            return json.dumps({"asset_key": asset_key, "uploaded_at": uploaded_at}).encode()

        key = upload_key(sha256)
        with self._locks[int(sha256[:8], 16) % _LOCKS]:
            kept = change_object(self.store, key, upload, content_type="application/json")
        asset_key = _read_asset_key(kept.data, self.store.uri_for(key))
        return Upload(asset_key=asset_key, is_remembered=not kept.is_written)

    def _read(self, request: ImageRequest) -> PreparedPhoto:
        photo = self.likeness.read_photo(request.source_sha256)
        if request.flatten and photo.extension == "png":
            flat = flatten(photo.data, request.flatten, budget=self.likeness.budget)
            return replace(photo, data=flat, extension="jpg")
        return photo

    def _recall(self, found: ObjectBody, key: str) -> str:
        """The asset key that is kept; none where what was kept is damaged."""
        try:
            return _read_asset_key(found.data, self.store.uri_for(key))
        except DamagedObjectError as error:
            _log.warning("%s; it is written anew", error)
            return ""

    def _upload(self, request: ImageRequest, file_name: str) -> str:
        give_up_at = self.clock.monotonic() + self.timeout_seconds
        problem: FluxAssetsError | None = None
        while problem is None or self.clock.monotonic() < give_up_at:
            deadline = math.inf if problem is None else give_up_at
            self.pace.spend_request(stop=self.stop.event, deadline=deadline)
            try:
                with self.breaker.calling():
                    asset_key = self._give(request, file_name)
            except RateLimitedError as error:
                problem = error
                self.pace.pause(error.retry_after_seconds)
            except (NotSentError, DownloadError) as error:
                problem = error
                self.clock.sleep(_RETRY_SECONDS)
            else:
                _log.info("uploaded the photo %s as %s", file_name, asset_key)
                return asset_key
        raise problem

    def _give(self, request: ImageRequest, file_name: str) -> str:
        photo = self._read(request)
        try:
            return self.client.upload(
                photo.data,
                file_name=file_name,
                content_type=photo.content_type,
                timeout_seconds=self.timeout_seconds,
            )
        except AccountError as error:
            if error.reason == "gateway_forbidden":
                self.breaker.note_forbidden(request.fingerprint, error)
            else:
                self.stop.trip(str(error))
            raise


def _read_asset_key(data: bytes, uri: str) -> str:
    return read_stored_json(data, uri, lambda plain: str(plain["asset_key"]), kind="asset key")
