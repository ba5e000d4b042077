"""A paid picture's way into the store: fetch it, know that it opens, put it, note it."""

import logging
import threading
from dataclasses import dataclass, replace

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.buying.picture_records import PictureRecords
from flux_assets.clock import Clock
from flux_assets.errors import (
    ConditionFailedError,
    DownloadError,
    FluxAssetsError,
    GenerationFailedError,
    NotSentError,
    PictureError,
    RateLimitedError,
    RefusedError,
    ResultExpiredError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.pace import Pace
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import NoPictureError, Picture, inspect_picture
from flux_assets.pictures.lineage import LineageRecord, build_object_metadata
from flux_assets.storage.stored_pictures import find_picture

_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 15.0
_MAX_DAMAGED = 4
"""After so many downloads of damaged bytes, the bytes at the source are taken to be so."""

_NEVER = threading.Event()
"""Paid pictures are fetched to the end, also when the run must send nothing more."""

_log = logging.getLogger(__name__)


class PictureLostError(FluxAssetsError):
    """A paid picture can never be had."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Brings accepted pictures into the store, as often as needed and without a paid call.

    Args:
        client, pace: the API; a request for a fresh URL counts against its limit.
        records: where the picture and its entry go.
        timeout_seconds: for all tries of one picture together.
        clock: time.
    """

    client: ImageApiClient
    pace: Pace
    records: PictureRecords
    timeout_seconds: float
    clock: Clock

    def land(self, request: ImageRequest, entry: LedgerEntry) -> tuple[LineageRecord, Picture]:
        """Fetch, check, store and note one accepted picture.

        Raises:
            PictureLostError: it can never be had; the entry says `lost` now.
            DownloadError, ResultForbiddenError, PictureError, AccountError, StoreError,
                ClaimLostError: not this time; the entry stays `accepted`, so that the next run
                finishes it without a call.
        """
        try:
            data, picture = self._fetch(entry)
        except PictureLostError as lost:
            object_key = find_picture(
                self.records.store,
                shot=request.shot,
                product_id=request.product_id,
                fingerprint=request.fingerprint,
            )
            if object_key is not None:  # another run, or one that crashed, has put it
                return self.records.adopt(request, object_key)
            self.records.ledger.record_lost(entry, str(lost))
            raise
        lineage = self.records.build(request, entry, picture)
        try:
            self.records.store.put(
                lineage.object_key,
                data,
                content_type=picture.content_type,
                metadata=build_object_metadata(
                    request, picture, uuid=entry.uuid, mode=self.records.mode
                ),
                if_absent=True,
            )
        except ConditionFailedError:
            body, picture = self.records.read_picture(lineage.object_key)
            data, entry = body.data, self.records.yield_to(body, entry)
            lineage = self.records.build(request, entry, picture)
        # Only what is stored is looked at closer: a paid picture must not wait for a score.
        picture = self.records.likeness.compare(request, data, picture)
        lineage = replace(lineage, recognition=picture.recognition)
        return self.records.note(entry, lineage), picture

    def _fetch(self, entry: LedgerEntry) -> tuple[bytes, Picture]:
        give_up_at = self.clock.monotonic() + self.timeout_seconds
        wait_seconds = _FIRST_WAIT_SECONDS
        url: str | None = entry.temporary_url or None
        damaged = 0
        while True:
            problem: FluxAssetsError
            try:
                url = url or self._ask_for_url(entry)
                data = self.client.download(url, timeout_seconds=self.timeout_seconds)
                return data, inspect_picture(data, preview_px=self.records.likeness.preview_px)
            except NoPictureError as error:
                problem = error
            except PictureError as error:
                damaged += 1
                problem = error
                if damaged >= _MAX_DAMAGED:
                    raise PictureLostError(f"damaged at its source: {error}") from error
            except ResultExpiredError as error:
                url, problem = None, error
            except DownloadError as error:
                problem = error
            if self.clock.monotonic() + wait_seconds >= give_up_at:
                raise problem
            _log.info("call %s: %s; tried again in %.1f s", entry.uuid, problem, wait_seconds)
            self.clock.sleep(wait_seconds)
            wait_seconds = min(wait_seconds * 2, _LONGEST_WAIT_SECONDS)

    def _ask_for_url(self, entry: LedgerEntry) -> str:
        """A fresh URL from the vendor's record of the call, else the place its key names."""
        try:
            self.pace.spend_request(stop=_NEVER)
            reply = self.client.fetch_result(entry.uuid, timeout_seconds=self.timeout_seconds)
        except (RefusedError, GenerationFailedError) as error:
            raise PictureLostError(f"the vendor says that it failed: {error}") from error
        except RateLimitedError as error:
            self.pace.pause(error.retry_after_seconds)
            raise DownloadError(str(error)) from error
        except NotSentError as error:
            raise DownloadError(str(error)) from error
        if reply is None and entry.result_keys and not entry.temporary_url:
            return entry.result_keys[0]
        if reply is None:
            raise PictureLostError("its URL has expired and the vendor no longer knows the call")
        if reply.status == "processing":
            raise DownloadError(f"call {entry.uuid} is still being worked on")
        if reply.temporary_url:
            return reply.temporary_url
        if reply.result_keys:
            return reply.result_keys[0]
        raise PictureLostError("the vendor names no place for it")
