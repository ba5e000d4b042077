"""The lineage records of stored pictures: building them, and mending those that are missing."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry
from flux_assets.errors import PictureError, StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture, find_mismatches, inspect_picture
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.pictures.photos.library import open_photos
from flux_assets.pictures.photos.prepare import PreparedPhoto
from flux_assets.pictures.previews import build_pair_preview
from flux_assets.pictures.recognition import score_recognition
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectBody, ObjectStore, picture_key

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecords:
    """Ties pictures in a store to their ledger entries.

    Args:
        store, ledger: where pictures and entries are.
        mode: `sample` or `live`, kept in the lineage.
        cost_usd_per_image: for the estimate in the lineage.
        preview_px: the longest side of previews; 0 for none.
        read_photo: gives a prepared photo by the sha256 of its source.
    """

    store: ObjectStore
    ledger: Ledger
    mode: Literal["sample", "live"]
    cost_usd_per_image: float
    preview_px: int
    read_photo: Callable[[str], PreparedPhoto]

    def adopt(self, request: ImageRequest, object_key: str) -> tuple[LineageRecord, Picture]:
        """Take a stored picture, writing its ledger entry where the last write is missing.

        Raises:
            ObjectNotFoundError: the picture is gone.
            PictureError: its bytes are no picture any more.
        """
        entry = self.ledger.read(request.fingerprint)
        body, picture = self.read_picture(object_key)
        if entry is not None and entry.state == "stored" and entry.lineage is not None:
            return entry.lineage, self.show_source(request, body.data, picture)
        picture = self.compare(request, body.data, picture)
        try:
            entry = self.ledger.take_up(entry) if entry else self.ledger.claim(request, None)
        except ClaimLostError:  # somebody else is mending it
            return self.adopt(request, object_key)
        entry = self.yield_to(body, entry)
        if not entry.accepted_at:
            stored_at = body.info.modified_at.isoformat(timespec="seconds")
            entry = replace(entry, accepted_at=stored_at)
        return self.note(entry, self.build(request, entry, picture)), picture

    def yield_to(self, stored: ObjectBody, entry: LedgerEntry) -> LedgerEntry:
        """The entry as of the call that made the stored picture; another paid call is kept."""
        uuid = stored.metadata.get("uuid", "")
        if entry.uuid in {"", uuid}:
            return replace(entry, uuid=uuid)
        _log.warning(
            "product %r, shot %s: paid twice, by calls %s and %s; the first is kept",
            entry.request["product_id"],
            entry.request["shot"],
            uuid,
            entry.uuid,
        )
        self.ledger.keep_extra_reply(entry)
        return replace(entry, uuid=uuid, possibly_paid_twice=max(entry.possibly_paid_twice, 1))

    def note(self, entry: LedgerEntry, lineage: LineageRecord) -> LineageRecord:
        """Write a stored picture's ledger entry; gives the lineage that counts from now on."""
        return self.ledger.record_stored(entry, lineage).lineage or lineage

    def find(self, request: ImageRequest) -> str | None:
        """The key of the request's stored picture, whatever its format."""
        prefix = picture_key(
            shot=request.shot,
            product_id=request.product_id,
            fingerprint=request.fingerprint,
            extension="",
        )
        return next(self.store.list_keys(prefix), None)

    def read_picture(self, object_key: str) -> tuple[ObjectBody, Picture]:
        """A stored picture with its metadata.

        Raises:
            ObjectNotFoundError: the picture is gone.
            PictureError: its bytes are no picture any more.
        """
        body = self.store.get(object_key)
        return body, inspect_picture(body.data, preview_px=self.preview_px)

    def show_source(self, request: ImageRequest, data: bytes, picture: Picture) -> Picture:
        """The picture with a preview that shows the photo it was made from beside it, if any."""
        source = self._read_source(request) if self.preview_px else None
        if source is None:
            return picture
        try:
            preview = build_pair_preview(source.data, data, longest_px=self.preview_px)
        except PictureError as error:  # it opens, but not all that it says of itself can be read
            _log.warning("product %r, shot %s: %s", request.product_id, request.shot, error)
            return picture
        return replace(picture, preview=preview)

    def compare(self, request: ImageRequest, data: bytes, picture: Picture) -> Picture:
        """The picture as of `show_source`, with how much of its product is found again in it."""
        source = self._read_source(request)
        if source is None:
            return picture
        recognition = score_recognition(source.data, data)
        return replace(self.show_source(request, data, picture), recognition=recognition)

    def _read_source(self, request: ImageRequest) -> PreparedPhoto | None:
        """The photo; None where there is none, or where it cannot be had: the picture is paid."""
        if not request.source_sha256:
            return None
        try:
            return self.read_photo(request.source_sha256)
        except StoreError as error:
            _log.warning("product %r, shot %s: %s", request.product_id, request.shot, error)
            return None

    def build(self, request: ImageRequest, entry: LedgerEntry, picture: Picture) -> LineageRecord:
        """The lineage of one picture, as its entry and its bytes tell it."""
        warnings = find_mismatches(picture, request.prompt_object)
        for warning in warnings:
            _log.warning("product %r, shot %s: %s", request.product_id, request.shot, warning)
        return LineageRecord(
            product_id=request.product_id,
            shot=request.shot,
            shot_version=request.shot_version,
            take=request.take,
            type=request.type,
            model=request.model,
            prompt_object=request.prompt_object,
            request_fingerprint=request.fingerprint,
            mode=self.mode,
            uuid=entry.uuid,
            object_key=picture_key(
                shot=request.shot,
                product_id=request.product_id,
                fingerprint=request.fingerprint,
                extension=picture.extension,
            ),
            content_type=picture.content_type,
            sha256=picture.sha256,
            size_bytes=picture.size_bytes,
            width_px=picture.width_px,
            height_px=picture.height_px,
            warnings=warnings,
            attempts=entry.attempts,
            possibly_paid_twice=entry.possibly_paid_twice,
            latency_seconds=round(entry.latency_seconds, 3),
            cost_usd_estimate=self.cost_usd_per_image,
            run_id=entry.run_id,
            generated_at=entry.accepted_at,
            source_uri=request.source_uri,
            source_sha256=request.source_sha256,
            asset_key=entry.asset_key,
            recognition=picture.recognition,
        )


def open_records(
    settings: Settings, store: ObjectStore, ledger: Ledger, *, preview_px: int
) -> PictureRecords:
    """What ties the shop's pictures to their ledger entries."""
    return PictureRecords(
        store=store,
        ledger=ledger,
        mode=settings.mode,
        cost_usd_per_image=settings.cost_usd_per_image,
        preview_px=preview_px,
        read_photo=open_photos(settings, store).read,
    )
