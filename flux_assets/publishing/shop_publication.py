"""All that publishing makes of a shop's stored pictures, in its order: it buys nothing."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from flux_assets.publishing.channel_editions import ChannelReport
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.gallery import GalleryReport, write_gallery
from flux_assets.publishing.renditions import RenditionReport, refresh_renditions
from flux_assets.publishing.shop_feeds import publish_feeds
from flux_assets.publishing.withdrawals import rejected_leaving
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopPublication:
    """What was made: `row_count` is how many renditions there are now."""

    renditions: RenditionReport
    row_count: int
    feeds: Mapping[str, ChannelReport]
    gallery: GalleryReport | None


def publish_shop(
    settings: Settings,
    store: ObjectStore,
    channels: ChannelsFile,
    *,
    by: str,
    why: str,
    accept_drop: bool = False,
    only: Collection[str] | None = None,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> ShopPublication:
    """Make the renditions that are missing, then the channels' feeds, then the gallery.

    Args:
        settings: which name the export.
        store: the shop's.
        channels: its channels file.
        by: who publishes.
        why: upon what.
        accept_drop: go on though many products would show nothing any more.
        only: the channels whose next edition is made; others lose what was rejected, no more.
        tell: is told now and then how many pictures are rendered, of how many.

    Raises:
        SettingsError, SourceError, ShotsFileError, CatalogError, StoreError, ChangeConflictError:
            as of `publish_feeds`.
    """
    with rejected_leaving(store, by=by, why=why):
        report, row_count = refresh_renditions(store, channels, tell)
    chosen = channels if only is None else _limit(channels, only)
    feeds = publish_feeds(settings, store, chosen, by=by, why=why, accept_drop=accept_drop)
    gallery = write_gallery(settings, store, channels)
    return ShopPublication(renditions=report, row_count=row_count, feeds=feeds, gallery=gallery)


def _limit(channels: ChannelsFile, names: Collection[str]) -> ChannelsFile:
    """The same with no other channels enabled than these."""
    limited = {
        name: replace(channel, enabled=channel.enabled and name in names)
        for name, channel in channels.channels.items()
    }
    return replace(channels, channels=limited)
