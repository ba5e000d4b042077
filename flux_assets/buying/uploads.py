"""The photos that the vendor was given to edit: each uploaded once per content."""

import hashlib
import json
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from flux_assets.bill.run_stop import RunStop
from flux_assets.clock import Clock
from flux_assets.errors import (
    AccountError,
    ConditionFailedError,
    DownloadError,
    FluxAssetsError,
    NotSentError,
    ObjectNotFoundError,
    RateLimitedError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.photos.prepare import PreparedPhoto, flatten
from flux_assets.storage.object_store import ObjectStore, upload_key

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
        client, pace, stop: the API, and what limits its use; an upload counts as a request.
        store: where keys are kept.
        read_photo: gives a prepared photo by the sha256 of its source.
        timeout_seconds: for all tries of one upload.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    stop: RunStop
    store: ObjectStore
    read_photo: Callable[[str], PreparedPhoto]
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
        photo = self.read_photo(request.source_sha256)
        if request.flatten and photo.extension == "png":
            flat = flatten(photo.data, request.flatten)
            photo = replace(photo, data=flat, extension="jpg")
        sha256 = hashlib.sha256(photo.data).hexdigest()
        with self._locks[int(sha256[:8], 16) % _LOCKS]:
            while True:
                remembered, etag = self._recall(sha256)
                if remembered and remembered != instead_of:
                    return Upload(asset_key=remembered, is_remembered=True)
                asset_key = self._upload(photo, f"{sha256[:16]}.{photo.extension}")
                try:
                    self._remember(sha256, asset_key, over=etag)
                except ConditionFailedError:  # another run has uploaded it meanwhile
                    continue
                return Upload(asset_key=asset_key, is_remembered=False)

    def _recall(self, sha256: str) -> tuple[str, str | None]:
        key = upload_key(sha256)
        try:
            body = self.store.get(key)
        except ObjectNotFoundError:
            return "", None
        try:
            return str(json.loads(body.data)["asset_key"]), body.info.etag
        except (ValueError, KeyError, TypeError) as error:
            _log.warning("%s is damaged, and written anew: %s", self.store.uri_for(key), error)
            return "", body.info.etag

    def _remember(self, sha256: str, asset_key: str, *, over: str | None) -> None:
        uploaded_at = self.clock.utc_now().isoformat(timespec="seconds")
        self.store.put(
            upload_key(sha256),
            json.dumps({"asset_key": asset_key, "uploaded_at": uploaded_at}).encode(),
            content_type="application/json",
            if_absent=over is None,
            if_match=over,
        )

    def _upload(self, photo: PreparedPhoto, file_name: str) -> str:
        give_up_at = self.clock.monotonic() + self.timeout_seconds
        problem: FluxAssetsError | None = None
        while problem is None or self.clock.monotonic() < give_up_at:
            deadline = math.inf if problem is None else give_up_at
            self.pace.spend_request(stop=self.stop.event, deadline=deadline)
            try:
                asset_key = self.client.upload(
                    photo.data,
                    file_name=file_name,
                    content_type=photo.content_type,
                    timeout_seconds=self.timeout_seconds,
                )
            except RateLimitedError as error:
                problem = error
                self.pace.pause(error.retry_after_seconds)
            except (NotSentError, DownloadError) as error:
                problem = error
                self.clock.sleep(_RETRY_SECONDS)
            except AccountError as error:
                self.stop.trip(str(error))
                raise
            else:
                _log.info("uploaded the photo %s as %s", file_name, asset_key)
                return asset_key
        raise problem
