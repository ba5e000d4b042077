"""What the public gets of the files that channels show."""

from collections.abc import Iterator
from random import SystemRandom

from flux_assets.commands.checks.finding import Finding, Verdict
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.public import PublicLook, look_at_public
from flux_assets.settings import Settings
from flux_assets.storage.open_store import open_store


def check_shown(settings: Settings) -> Iterator[Finding]:
    """Fetch some of each enabled channel's files as a stranger would; nothing without channels.

    Raises:
        SourceError, ChannelsFileError, ShotsFileError: the channels file cannot be used.
        SettingsError, StoreError: the store cannot be read.
    """
    channels = load_channels(settings)
    if channels is None:
        return
    store = open_store(settings.store, shop=settings.shop, checksum=settings.s3_checksum)
    for look in look_at_public(store, channels, SystemRandom()):
        yield Finding(name=f"public {look.channel}", verdict=_judge(look), detail=look.describe())


def _judge(look: PublicLook) -> Verdict:
    if any(problem.is_severe for problem in look.problems):
        return "problem"
    return "warning" if look.problems else "ok"
