"""Whether the channels file can be used, where one is named."""

from collections.abc import Iterator

from flux_assets.commands.checks.finding import Finding
from flux_assets.errors import ChannelsFileError, ShotsFileError, SourceError
from flux_assets.publishing.channels import load_channels
from flux_assets.settings import Settings


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Read it, and hold it against the shots file; without one there is nothing to say."""
    try:
        channels = load_channels(settings)
    except (SourceError, ChannelsFileError, ShotsFileError) as error:
        yield Finding(name="channels", verdict="problem", detail=str(error))
        return
    if channels is not None:
        names = ", ".join(channel.name for channel in channels.enabled) or "none is enabled"
        yield Finding(name="channels", verdict="ok", detail=f"{channels.name}: {names}")
