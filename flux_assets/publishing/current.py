"""The products as a channel could show them now: manifest, renditions and offers, side by side."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import Channel
from flux_assets.publishing.edition import Picture
from flux_assets.publishing.edition_plan import NOT_MADE, CurrentProduct
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.measures import MEANINGS
from flux_assets.publishing.offers import ChannelOffers
from flux_assets.publishing.rendition_table import (
    COLUMNS,
    RENDITIONS_KEY,
    RenditionRow,
)
from flux_assets.publishing.rules import Finding, judge, worst_of
from flux_assets.publishing.table_damage import damaged_table
from flux_assets.storage.frames import read_rows
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.parquet_file import NO_TABLE

_OF_MANIFEST = (
    *("product_id", "shot", "request_fingerprint", "sha256"),
    *("shot_mode", "pixels_digest", "title"),
)
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """What the manifest knows of a product's picture of one shot."""

    title: str
    fingerprint: str
    sha256: str
    made_from: str
    repeated: bool


@dataclass(frozen=True)
class CurrentPictures:
    """The manifest's pictures with their renditions, whichever channel asks.

    Args:
        manifest: the last one.
        renditions: the table of them; None where none were made yet.
    """

    manifest: StoredManifest
    renditions: StoredTable | None

    @cached_property
    def _stored(self) -> Mapping[str, Mapping[str, StoredPicture]]:
        """Each product's pictures, by shot."""
        rows = [*read_rows(self.manifest.read(_OF_MANIFEST), _OF_MANIFEST)]
        owners: dict[str, set[str]] = {}
        for product_id, _, _, _, _, digest, _ in rows:
            if digest:
                owners.setdefault(digest, set()).add(product_id)
        found: dict[str, dict[str, StoredPicture]] = {}
        for product_id, shot, fingerprint, sha256, mode, digest, title in rows:
            found.setdefault(product_id, {})[shot] = StoredPicture(
                title=title,
                fingerprint=fingerprint,
                sha256=sha256,
                made_from="photo" if mode == "edit" else "words",
                repeated=len(owners.get(digest, ())) > 1,
            )
        return found

    @cached_property
    def _made(self) -> Mapping[_Key, RenditionRow]:
        """Each rendition, by product, shot and profile."""
        if self.renditions is None:
            return {}
        names = tuple(COLUMNS)
        try:
            table = self.renditions.read(names)
        except NO_TABLE as error:
            raise damaged_table(RENDITIONS_KEY, f"it is damaged ({error})") from error
        rows = map(RenditionRow._make, read_rows(table, names))
        return {(row.product_id, row.shot, row.profile): row for row in rows}

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """Each product's title, by its id."""
        return {key: next(iter(it.values())).title for key, it in self._stored.items()}

    def find_stored(self, product_id: str, shot: str) -> StoredPicture | None:
        """What the manifest knows of one picture; None where it has none."""
        return self._stored.get(product_id, {}).get(shot)

    def list_products(self, channel: Channel, offers: ChannelOffers) -> Iterator[CurrentProduct]:
        """The products that a channel has offers of and the manifest pictures."""
        has_titles = channel.feed.format == "shopify_csv"
        for product_id, pictures in self._stored.items():
            yield CurrentProduct(
                product_id=product_id,
                offers=offers.by_product.get(product_id, ()),
                title=self.titles[product_id] if has_titles else "",
                pictures={
                    (slot.name, shot): self.find(product_id, shot, slot.profile)
                    for slot in channel.slots.values()
                    for shot in slot.shots
                    if shot in pictures
                },
            )

    def find(self, product_id: str, shot: str, profile: str) -> Picture | None:
        """A shot's picture in one profile, if it was made of the very picture of now."""
        row = self._made.get((product_id, shot, profile))
        stored = self.find_stored(product_id, shot)
        if row is None or stored is None or row.master_sha256 != stored.sha256:
            return NOT_MADE
        measures = row.measures(made_from=stored.made_from, repeated=stored.repeated)
        return Picture(
            shot=shot,
            fingerprint=stored.fingerprint,
            master_sha256=stored.sha256,
            rendition_id=PurePosixPath(row.object_key).stem,
            object_key=row.object_key,
            sha256=row.sha256,
            width_px=row.width_px,
            height_px=row.height_px,
            mark=row.mark,
            measures=json.dumps(asdict(measures), sort_keys=True),
        )


@dataclass(frozen=True, slots=True)
class ChannelRules:
    """A channel's rules, asked of pictures by the measures that they carry."""

    channel: Channel
    _known: dict[tuple[str, str], tuple[Finding, ...]] = field(default_factory=dict)

    def find(self, slot: str, picture: Picture) -> tuple[Finding, ...]:
        """The rules of a slot that a picture does not keep; none of a slot that is no more."""
        key = slot, picture.measures
        if key not in self._known:
            rules = [it for it in self.channel.rules if not it.slots or slot in it.slots]
            measures = dict.fromkeys(MEANINGS) | json.loads(picture.measures)
            self._known[key] = judge(measures, rules)
        return self._known[key]

    def __call__(self, slot: str, picture: Picture) -> Judgement:
        """What they come to."""
        found = self.find(slot, picture)
        return Judgement(
            is_blocked=worst_of(found) == "block",
            warnings=tuple(it.rule.name for it in found),
        )
