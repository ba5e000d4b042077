"""Whether the photos that are to be edited can be read: the first few, for all would take long."""

import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from flux_assets.commands.checks.finding import Finding, Verdict, name_first
from flux_assets.errors import (
    CatalogError,
    OverridesError,
    PhotoUnavailableError,
    PhotoUnusableError,
    ShotsFileError,
    SourceError,
)
from flux_assets.pictures.photos.library import open_photos
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.requests import list_photo_addresses
from flux_assets.settings import Settings
from flux_assets.storage.directory import DirectoryStore

LOOKED_AT = 20


def check_photos(settings: Settings) -> Iterator[Finding]:
    """Read the first LOOKED_AT photos.

    Says nothing where no shot edits any, or where catalog, shots or overrides cannot be read,
    which `check_inputs` tells.
    """
    try:
        shots = load_shots(settings)
        products = load_catalog(settings, shots).products
        overrides = load_overrides(settings)
    except (SourceError, CatalogError, ShotsFileError, OverridesError):
        return
    if not any(shot.mode == "edit" for shot in shots.shots):
        return
    addresses = list_photo_addresses(products, shots.shots, overrides)
    wanted = list(islice(dict.fromkeys(addresses), LOOKED_AT))
    with tempfile.TemporaryDirectory() as folder:
        found = open_photos(settings, DirectoryStore(Path(folder))).find(wanted)
    photos = [found[group] for group in wanted]
    missing = [
        photo for photo in photos if isinstance(photo, PhotoUnusableError | PhotoUnavailableError)
    ]
    verdict: Verdict = "warning" if missing or not wanted else "ok"
    detail = f"{len(photos) - len(missing)} of the first {len(photos)} photos can be edited"
    if missing:
        detail += f": {name_first(map(str, missing))}"
    elif not wanted:
        detail = "no product has the address of a photo; see `source` in the shots file"
    yield Finding(name="photos", verdict=verdict, detail=detail)
