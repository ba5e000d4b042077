"""The names of the channels alone, as far as they can be told of a file that cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from flux_assets.errors import ChannelsFileError, ShotsFileError, SourceError
from flux_assets.prompts.yaml_outline import YamlOutline
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.channels_schema import NAME
from flux_assets.settings import Settings
from flux_assets.storage.sources import read_bytes

_TRUTH = TypeAdapter(bool)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelNames:
    """The enabled channels of a file; `problem` is why it cannot be used, else empty."""

    names: Sequence[str]
    problem: str = ""


def find_channel_names(settings: Settings) -> ChannelNames | None:
    """The enabled channels that there are, so that a slip in one line hides none of them.

    None where no setting names a channels file, and nothing is published.
    """
    try:
        channels = load_channels(settings)
    except (SourceError, ChannelsFileError, ShotsFileError) as error:
        return ChannelNames(names=_read_names(settings), problem=str(error))
    if channels is None:
        return None
    return ChannelNames(names=[channel.name for channel in channels.enabled])


def _read_names(settings: Settings) -> Sequence[str]:
    file = settings.channels or ""
    try:
        plain = YamlOutline(read_bytes(file), file, ChannelsFileError).plain
    except (SourceError, ChannelsFileError):
        return ()
    channels = plain.get("channels") if isinstance(plain, dict) else None
    return [
        name
        for name, entry in (channels if isinstance(channels, dict) else {}).items()
        if isinstance(name, str) and NAME.fullmatch(name)
        if not (isinstance(entry, dict) and _is_switched_off(entry.get("enabled")))
    ]


def _is_switched_off(enabled: object) -> bool:
    try:
        return not _TRUTH.validate_python(enabled)
    except ValidationError:
        return False
