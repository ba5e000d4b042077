"""Every enabled channel's next edition, of the manifest, the renditions and the export as they are.

It neither renders nor buys: a picture without its rendition is left as it is shown.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from flux_assets.catalog.offers import CatalogOffer
from flux_assets.errors import FluxAssetsError
from flux_assets.manifest.stored import StoredManifest, open_manifest
from flux_assets.publishing.channels import Channel, ChannelsFile
from flux_assets.publishing.current import ChannelRules, CurrentPictures
from flux_assets.publishing.daily_share import find_last_day
from flux_assets.publishing.edition import FeedForm
from flux_assets.publishing.editions import list_channels
from flux_assets.publishing.interrupted import finish_or_refuse
from flux_assets.publishing.judged import (
    JudgedPicture,
    WarnedPictures,
    find_shown_blocked,
    judge_current,
)
from flux_assets.publishing.offers import ChannelOffers, OfferLeftOut, build_offers
from flux_assets.publishing.publish import Publication, Published, publish, withdraw_rejected
from flux_assets.publishing.rendition_table import open_renditions
from flux_assets.publishing.withdrawals import rejected_leaving
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore

NO_PUBLIC_URL = "https://pictures.invalid"
"""The base of sample pictures' addresses, so that none is ever published by mistake."""


class SamplePictureError(FluxAssetsError):
    """The manifest of a live shop has samples, which no channel may show."""

    def __init__(self, product_id: str, shot: str, count: int) -> None:
        super().__init__(
            f"product {product_id!r}, shot {shot}: its picture is a sample, which nobody bought"
            f"{f', and so are {count - 1} more' if count > 1 else ''}; feeds stay as they are. "
            "Samples come into a live store only by a copy: take another store with "
            "FLUX_ASSETS_STORE, or `flux-assets reroll` what is to be bought"
        )
        self.product_id = product_id
        self.shot = shot


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishingTerms:
    """What holds for every channel of a run, and who publishes, upon what."""

    public_url: str
    by: str
    why: str
    max_drop_percent: float
    accept_drop: bool = False

    @property
    def leads_nowhere(self) -> bool:
        """Whether the addresses are those of samples."""
        return f"{self.public_url}/".startswith(f"{NO_PUBLIC_URL}/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelReport:
    """What became of one channel: its edition, and what gets no place in it, with reasons.

    `blocked` are the current pictures that its rules keep out of a slot, `warned` those of which
    they only warn. `shown_blocked` are pictures that were shown when the run began, and that the
    rules block now: they have left, or stay where `published.problem` tells why. `waiting_until` is
    the day on which the last waiting product has its turn. `titles` are the products', by id.
    """

    published: Published
    blocked: tuple[JudgedPicture, ...]
    left_out: tuple[OfferLeftOut, ...]
    shown_blocked: tuple[JudgedPicture, ...] = ()
    warned: WarnedPictures = field(default_factory=WarnedPictures)
    waiting_until: str = ""
    titles: Mapping[str, str] = field(default_factory=dict)


def publish_channels(
    store: ObjectStore,
    channels: ChannelsFile,
    catalog: Iterable[CatalogOffer],
    terms: PublishingTerms,
) -> dict[str, ChannelReport]:
    """Make the next edition of each enabled channel that has anything new to say, and its files.

    What was rejected leaves the others, too: those that are enabled no more, all where there is no
    manifest, and all before an error is raised.

    Args:
        store: with the manifest and the renditions.
        channels: the channels file.
        catalog: the export's offers.
        terms: of this run.

    Raises:
        SamplePictureError: it has samples, and the addresses lead somewhere.
        StoreError: the store cannot be read or written.
        ChangeConflictError: other runs always came first.
    """
    with rejected_leaving(store, by=terms.by, why=terms.why):
        finish_or_refuse(store)
        reports: dict[str, ChannelReport] = {}
        titles: Mapping[str, str] = {}
        manifest = open_manifest(store)
        if manifest is not None:
            if not terms.leads_nowhere:
                _refuse_samples(manifest)
            pictures = CurrentPictures(manifest, open_renditions(store))
            titles = pictures.titles
            offers = build_offers(catalog, {it.name: it.feed for it in channels.enabled})
            for channel in channels.enabled:
                name = channel.name
                reports[name] = _publish(store, channel, pictures, offers[name], terms)
        for name in list_channels(store):
            if name not in reports:
                published = withdraw_rejected(store, name, by=terms.by, why=terms.why)
                if published and published.is_new:
                    reports[name] = ChannelReport(
                        published=published, blocked=(), left_out=(), titles=titles
                    )
        return reports


def _refuse_samples(manifest: StoredManifest) -> None:
    names = ("product_id", "shot")
    samples = manifest.read(names, where=("mode", {"sample"}))
    for product_id, shot in read_rows(samples, names):
        raise SamplePictureError(product_id, shot, len(samples))


def _publish(
    store: ObjectStore,
    channel: Channel,
    pictures: CurrentPictures,
    offers: ChannelOffers,
    terms: PublishingTerms,
) -> ChannelReport:
    rules = ChannelRules(channel)
    products = [*pictures.list_products(channel, offers)]
    publication = build_publication(channel, rules, terms)
    published = publish(store, publication, products)
    blocked, warned = judge_current(products, rules)
    edition, waiting = published.edition, len(published.plan.waiting)
    percent = channel.rollout_percent_per_day
    return ChannelReport(
        published=published,
        blocked=blocked,
        left_out=offers.left_out,
        shown_blocked=tuple(find_shown_blocked(published, products, rules)),
        warned=warned,
        waiting_until=find_last_day(edition, waiting, percent) if edition else "",
        titles=pictures.titles,
    )


def build_publication(channel: Channel, rules: ChannelRules, terms: PublishingTerms) -> Publication:
    """What a channel's editions are made by."""
    formats = dict.fromkeys((channel.feed.format, "jsonl"))
    return Publication(
        channel=channel.name,
        slots=[*channel.slots.values()],
        policy=channel.publish,
        form=FeedForm(
            formats=tuple(formats),
            public_url=terms.public_url,
            legacy=channel.feed.legacy,
            alt_text_suffix=channel.alt_text_suffix,
        ),
        judge=rules,
        by=terms.by,
        why=terms.why,
        percent_per_day=channel.rollout_percent_per_day,
        max_drop_percent=terms.max_drop_percent,
        accept_drop=terms.accept_drop,
    )
