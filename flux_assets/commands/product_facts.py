"""What is known of a product, put together for `flux-assets show`, and as JSON has it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flux_assets.planning.one_product import OneProduct, OneShot
from flux_assets.prompts.overrides import NO_OVERRIDE
from flux_assets.publishing.decision import Decision
from flux_assets.publishing.edition import Showing
from flux_assets.publishing.one_product import PublishedProducts
from flux_assets.publishing.review_links import find_address
from flux_assets.settings import Settings
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import ObjectStore

_OF_RENDITION = ("profile", "object_key", "sha256", "width_px", "height_px", "size_bytes", "format")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """A product with the chosen shots, all of them where none is chosen."""

    settings: Settings
    store: ObjectStore
    product: OneProduct
    chosen: Sequence[str]
    published: PublishedProducts

    @property
    def bucket(self) -> str:
        """Its partition in Dagster, where these are buckets; else empty."""
        is_in_one = self.settings.partition_by == "bucket"
        return bucket_of(self.product.known.product_id) if is_in_one else ""

    @property
    def shots(self) -> list[OneShot]:
        """The chosen ones."""
        return [it for it in self.product.shots if not self.chosen or it.shot in self.chosen]

    def find_named(self, name: str) -> str:
        """Its title or category: as the last catalog has it, else as its pictures do."""
        named = getattr(self.product.known, name)
        pictures = (it.picture for it in self.product.shots if it.picture)
        return str(named or next((it[name] for it in pictures if it[name]), ""))

    def find_decision(self, shot: OneShot) -> Decision | None:
        """What was decided of the very picture that is there."""
        picture = shot.picture
        known = picture and self.published.decisions.find(picture["request_fingerprint"])
        return known.of_bytes(picture["sha256"]) if picture and known else None

    def list_showings(self, shot: str) -> Iterator[tuple[str, Showing]]:
        """Where the newest edition of each channel shows a picture of a shot."""
        for product_id in self.product.known.ids:
            yield from self.published.showings.get((product_id, shot), ())

    def find_review(self, shot: str) -> str:
        """The address of one of its pictures on the review page; empty where none is set."""
        return find_address(self.settings, self.product.known.product_id, shot)

    def to_json(self) -> dict[str, Any]:
        """The product as `flux-assets show --json` prints it."""
        known = self.product.known
        names = ("line", "column", "reason", "message")
        return {
            "product_id": known.product_id,
            "title": self.find_named("title"),
            "category": self.find_named("category"),
            "in_catalog": known.in_catalog,
            "line": known.line or None,
            "former_ids": list(known.ids[1:]),
            "bucket": self.bucket or None,
            "rejected_rows": [
                {name: getattr(row, name) for name in names} for row in self.product.rejected_rows
            ],
            "editions": dict(self.published.editions),
            "shots": [self._shot_to_json(it) for it in self.shots],
        }

    def _shot_to_json(self, shot: OneShot) -> dict[str, Any]:
        made = self.find_decision(shot)
        override = None if shot.override == NO_OVERRIDE else asdict(shot.override)
        renditions = []
        if shot.picture:
            renditions = self.published.renditions.get(shot.picture["request_fingerprint"], [])
        return {
            "shot": shot.shot,
            "status": shot.status,
            "reason": shot.reason,
            "picture": _picture_to_json(shot.picture) if shot.picture else None,
            "in_manifest": shot.in_manifest,
            "asked": shot.asked.to_json() if shot.asked else None,
            "ledger": _ledger_to_json(shot),
            "override": override,
            "decision": {**made.to_json(), "history": len(made.history)} if made else None,
            "renditions": [
                {name: getattr(it, name) for name in _OF_RENDITION}
                | {"url": self.store.url_for(it.object_key) or ""}
                for it in renditions
            ],
            "published": [self._showing_to_json(*it) for it in self.list_showings(shot.shot)],
            "review": self.find_review(shot.shot) or None,
        }

    def _showing_to_json(self, channel: str, showing: Showing) -> dict[str, Any]:
        picture = showing.picture
        return {
            "channel": channel,
            "edition": self.published.editions[channel],
            "slot": showing.slot,
            "since": showing.since,
            "request_fingerprint": picture.fingerprint,
            "object_key": picture.object_key,
            "url": self.store.url_for(picture.object_key) or "",
        }


def _ledger_to_json(shot: OneShot) -> dict[str, Any] | None:
    entry = shot.entry
    if entry is None:
        return None
    return {
        "state": entry.state,
        "waits_as": shot.waiting.state if shot.waiting else None,
        "sends": entry.attempts,
        "possibly_paid_twice": entry.possibly_paid_twice,
        "when": entry.modified_at.isoformat(timespec="seconds") if entry.modified_at else "",
        "reason": shot.waiting.reason if shot.waiting else entry.reason,
        "uuid": entry.uuid,
        "run_id": entry.run_id,
    }


def _picture_to_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The same with null where there is no number."""
    return {name: None if it != it else it for name, it in row.items()}  # noqa: PLR0124 - NaN
