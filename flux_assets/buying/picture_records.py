"""The lineage records of stored pictures: building them, and mending those that are missing."""

import logging
from dataclasses import dataclass, replace
from typing import Literal

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.inspect import Picture, find_mismatches
from flux_assets.pictures.likeness import Likeness
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.pictures.memory_budget import open_pixel_budget
from flux_assets.pictures.photos.library import open_photos
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
        likeness: holds pictures against the photos that they were made from.
    """

    store: ObjectStore
    ledger: Ledger
    mode: Literal["sample", "live"]
    cost_usd_per_image: float
    likeness: Likeness

    def adopt(self, request: ImageRequest, object_key: str) -> tuple[LineageRecord, Picture]:
        """Take a stored picture, writing its ledger entry where the last write is missing.

        Raises:
            ObjectNotFoundError: the picture is gone.
            PictureError: its bytes are no picture any more.
        """
        entry = self.ledger.read(request.fingerprint)
        body, picture = self.read_picture(object_key)
        if entry is not None and entry.state == "stored" and entry.lineage is not None:
            lineage = self._show_now(request, entry, entry.lineage)
            return lineage, self.likeness.show_source(request, body.data, picture)
        picture = self.likeness.compare(request, body.data, picture)
        try:
            entry = self.ledger.take_up(entry) if entry else self.ledger.claim(request, None)
        except ClaimLostError:  # somebody else is mending it
            return self.adopt(request, object_key)
        entry = self.yield_to(body, entry)
        if not entry.accepted_at:
            stored_at = body.info.modified_at.isoformat(timespec="seconds")
            entry = replace(entry, accepted_at=stored_at)
        return self.note(entry, self.build(request, entry, picture)), picture

    def _show_now(
        self, request: ImageRequest, entry: LedgerEntry, lineage: LineageRecord
    ) -> LineageRecord:
        """The lineage under its product's id of now, which the ledger has from now on."""
        if lineage.product_id == request.product_id:
            return lineage
        renamed = replace(lineage, product_id=request.product_id)
        return self.note(self.ledger.take_up(entry), renamed)

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

    def read_picture(self, object_key: str) -> tuple[ObjectBody, Picture]:
        """A stored picture with its metadata.

        Raises:
            ObjectNotFoundError: the picture is gone.
            PictureError: its bytes are no picture any more.
        """
        body = self.store.get(object_key)
        return body, self.likeness.inspect(body.data)

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
            appearance=picture.appearance,
            pixels_digest=picture.pixels_digest,
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
        likeness=Likeness(
            read_photo=open_photos(settings, store).read,
            preview_px=preview_px,
            budget=open_pixel_budget(settings),
        ),
    )
