"""The names of the shots alone, as far as they can be told of a file that cannot be used."""

from collections.abc import Sequence
from dataclasses import dataclass

from flux_assets.errors import ShotsFileError, SourceError
from flux_assets.prompts.shots import read_shots
from flux_assets.prompts.shots_schema import SHOT_NAME
from flux_assets.prompts.yaml_outline import YamlOutline
from flux_assets.settings import Settings
from flux_assets.storage.sources import read_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ShotNames:
    """The shots of a file; `problem` is why it cannot be used, else empty."""

    names: Sequence[str]
    problem: str = ""


def find_shot_names(settings: Settings) -> ShotNames:
    """The shots that there are, so that a slip in one line leaves the others' assets standing."""
    try:
        data = read_bytes(settings.shots)
    except SourceError as error:
        return ShotNames(names=(), problem=str(error))
    try:
        shots = read_shots(data, settings.shots)
    except ShotsFileError as error:
        return ShotNames(names=_read_names(data, settings.shots), problem=str(error))
    return ShotNames(names=[shot.name for shot in shots.shots])


def _read_names(data: bytes, name: str) -> Sequence[str]:
    try:
        plain = YamlOutline(data, name).plain
    except ShotsFileError:
        return ()
    shots = plain.get("shots") if isinstance(plain, dict) else None
    named = shots if isinstance(shots, dict) else {}
    return [shot for shot in named if isinstance(shot, str) and SHOT_NAME.fullmatch(shot)]
