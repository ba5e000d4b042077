"""A paid picture's way into the store: fetch it, know that it opens, put it, note it."""

import hashlib
import logging
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from flux_assets.bill.asking import AskSchedule
from flux_assets.bill.breaker import Breaker, Trouble
from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.buying.fetching import Fetching, UnfetchedError
from flux_assets.buying.picture_records import PictureRecords
from flux_assets.errors import (
    ConditionFailedError,
    FluxAssetsError,
    ObjectNotFoundError,
    PictureError,
    StoreError,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture, UndecodedError
from flux_assets.pictures.lineage import LineageRecord, build_object_metadata
from flux_assets.storage.object_store import undecoded_key
from flux_assets.storage.stored_pictures import find_picture

_log = logging.getLogger(__name__)


class PictureLostError(FluxAssetsError):
    """A paid picture was asked for in vain for as long as is set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """Brings accepted pictures into the store, as often as needed and without a paid call.

    Args:
        fetching: gets their bytes.
        breaker: told of pictures that are stored, and of those that cannot be.
        asking: when, and for how long, they are asked for again.
        records: where the picture and its entry go.
        timeout_seconds: how long a picture may lag its call.
    """

    fetching: Fetching
    breaker: Breaker
    asking: AskSchedule
    records: PictureRecords
    timeout_seconds: float

    def land(self, request: ImageRequest, entry: LedgerEntry) -> tuple[LineageRecord, Picture]:
        """Fetch, check, store and note one accepted picture.

        Raises:
            PictureLostError: it was asked for long enough; the entry says `lost` now.
            UndecodedError: it is kept aside, until a release can decode it.
            UnfetchedError: not this time; that is noted, and a later run asks again.
            AccountError, StoreError, ClaimLostError: not this time; the entry stays as it is.
        """
        try:
            return self.bring(request, entry, wait_seconds=self.seconds_to_wait(entry))
        except UndecodedError as error:
            if not entry.kept_aside:
                self.breaker.note_trouble(request.fingerprint, "damaged", str(error))
                self._keep_aside(entry, error)
            raise
        except StoreError as error:
            self.breaker.note_trouble(request.fingerprint, "undelivered", str(error))
            raise
        except UnfetchedError as error:
            self._note_trouble(entry, error)
            object_key = find_picture(
                self.records.store,
                shot=request.shot,
                product_id=request.product_id,
                fingerprint=request.fingerprint,
            )
            if object_key is not None:  # another run, or one that crashed, has put it
                return self.records.adopt(request, object_key)
            self.note_unfetched(entry, str(error))
            raise

    def note_unfetched(self, entry: LedgerEntry, reason: str) -> None:
        """Note that an accepted call's picture was asked for in vain.

        Raises:
            PictureLostError: for as long as is set, so that it is not asked for any more.
        """
        now = self.records.store.now()
        if self.asking.is_over(entry, now):
            since = entry.unfetched_since or "the first time"
            lost = PictureLostError(
                f"asked for in vain {entry.asks + 1} times since {since}: {reason}"
            )
            self.records.ledger.record_lost(entry, str(lost))
            raise lost
        self.records.ledger.record_unfetched(entry, reason, now)

    def is_due(self, entry: LedgerEntry) -> bool:
        """Whether what was asked for in vain is asked for again by now."""
        return self.asking.is_due(entry, self.records.store.now())

    def seconds_to_wait(self, entry: LedgerEntry) -> float:
        """How long to wait for what an accepted call makes."""
        return self.asking.seconds_to_wait(entry, self.records.store, self.timeout_seconds)

    def bring(
        self, request: ImageRequest, entry: LedgerEntry, *, wait_seconds: float
    ) -> tuple[LineageRecord, Picture]:
        """As `land`, without a note of what could not be fetched.

        Raises:
            UndecodedError: it was, or would have to be, kept aside.
            UnfetchedError: not this time.
            AccountError, StoreError: as `land`.
        """
        with ExitStack() as held:
            data, picture = self._read_aside(entry) or self.fetching.fetch(
                entry,
                held=held,
                wait_seconds=wait_seconds,
                on_trouble=lambda error: self._note_trouble(entry, error),
            )
            return self._put(request, entry, data, picture)

    def _put(
        self, request: ImageRequest, entry: LedgerEntry, data: bytes, picture: Picture
    ) -> tuple[LineageRecord, Picture]:
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
        self.breaker.note_landed(request.fingerprint)
        return self.records.note(entry, lineage), picture

    def _note_trouble(self, entry: LedgerEntry, error: UnfetchedError) -> None:
        """Tell of a picture that this run has paid for; of earlier ones nothing is new."""
        if not entry.asks:
            trouble: Trouble = "damaged" if error.is_damaged else "undelivered"
            self.breaker.note_trouble(entry.fingerprint, trouble, str(error))

    def _keep_aside(self, entry: LedgerEntry, error: UndecodedError) -> None:
        key = undecoded_key(entry.fingerprint, hashlib.sha256(error.data).hexdigest())
        with suppress(ConditionFailedError):  # these very bytes are there already
            self.records.store.put(
                key, error.data, content_type="application/octet-stream", if_absent=True
            )
        _log.warning("call %s: kept aside as %s: %s", entry.uuid, key, error)
        self.records.ledger.record_kept_aside(entry, key, str(error))

    def _read_aside(self, entry: LedgerEntry) -> tuple[bytes, Picture] | None:
        """What was kept aside, if this release can decode it; None if nothing is there.

        Raises:
            UndecodedError: it cannot.
        """
        if not entry.kept_aside:
            return None
        try:
            data = self.records.store.get(entry.kept_aside).data
            return data, self.records.likeness.inspect(data)
        except UndecodedError:
            raise
        except (ObjectNotFoundError, PictureError) as error:
            _log.warning("call %s: fetched again: %s", entry.uuid, error)
            return None
