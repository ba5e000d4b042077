"""What each channel's next edition would change, before anybody makes it."""

from collections.abc import Iterator
from dataclasses import dataclass

from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.channel_editions import PublishingTerms, build_publication
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.current import ChannelRules, CurrentPictures
from flux_assets.publishing.daily_share import find_last_day
from flux_assets.publishing.following import Following
from flux_assets.publishing.offers import build_offers
from flux_assets.publishing.publish import plan_following
from flux_assets.publishing.rendition_table import open_renditions
from flux_assets.publishing.shop_feeds import build_public_url, load_offers
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPreview:
    """What would follow in a channel; `waiting_until` is the day of the last that waits, or ''."""

    channel: str
    following: Following
    waiting_until: str


def preview_channels(
    settings: Settings, store: ObjectStore, channels: ChannelsFile
) -> Iterator[ChannelPreview]:
    """What `publish` would do now in each enabled channel, of what is rendered; it writes nothing.

    Raises:
        SettingsError, SourceError, ShotsFileError, CatalogError, StoreError: as of `publish_feeds`.
    """
    manifest = open_manifest(store)
    if manifest is None:
        return
    terms = PublishingTerms(
        public_url=build_public_url(settings),
        by="",
        why="",
        max_drop_percent=settings.max_product_drop_percent,
    )
    pictures = CurrentPictures(manifest, open_renditions(store))
    feeds = {it.name: it.feed for it in channels.enabled}
    offers = build_offers(load_offers(settings), feeds)
    for channel in channels.enabled:
        publication = build_publication(channel, ChannelRules(channel), terms)
        products = [*pictures.list_products(channel, offers[channel.name])]
        following = plan_following(store, publication, products)
        waiting = len(following.plan.waiting)
        until = find_last_day(following.edition, waiting, channel.rollout_percent_per_day)
        yield ChannelPreview(channel=channel.name, following=following, waiting_until=until)
