"""Whether the channels file can be used, where one is named."""

from collections.abc import Iterator

from flux_assets.commands.checks.finding import Finding
from flux_assets.errors import ChannelsFileError, SettingsError, ShotsFileError, SourceError
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.shop_feeds import build_public_url
from flux_assets.settings import Settings


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Read it, and hold it against the shots file; without one there is nothing to say."""
    try:
        channels = load_channels(settings)
        if channels is None:
            return
        url = build_public_url(settings)
    except (SourceError, ChannelsFileError, ShotsFileError, SettingsError) as error:
        yield Finding(name="channels", verdict="problem", detail=str(error))
        return
    if not channels.enabled:
        detail = f"{channels.name}: no channel is enabled, so nothing is made for any"
        yield Finding(name="channels", verdict="warning", detail=detail)
        return
    names = ", ".join(channel.name for channel in channels.enabled)
    detail = f"{channels.name}: {names}; their feeds name pictures at {url}/"
    yield Finding(name="channels", verdict="ok", detail=detail)
