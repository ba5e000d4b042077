"""Whether the photos that are to be edited can be read: the first few, for all would take long."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from flux_assets.commands.checks.finding import Finding, Verdict, name_first
from flux_assets.errors import (
    CatalogError,
    FluxAssetsError,
    ObjectNotFoundError,
    OverridesError,
    ShotsFileError,
    SourceError,
)
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.doubts import DOUBTED_KEY
from flux_assets.pictures.photos.index import PHOTOS_KEY
from flux_assets.pictures.photos.library import open_photos
from flux_assets.pictures.photos.photo import DoubtedPhotoError, Photo
from flux_assets.pictures.recognition_library import explain_absence
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.requests import list_photo_addresses
from flux_assets.settings import Settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.open_store import open_store

LOOKED_AT = 20


def check_photos(settings: Settings) -> Iterator[Finding]:
    """Read the first LOOKED_AT photos; say so where no picture could be held against its own.

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
        store = DirectoryStore(Path(folder))
        _copy_memory(settings, store)
        found = open_photos(settings, store).find(wanted)
    photos = [found[group] for group in wanted]
    problems = [problem for photo in photos if (problem := _find_problem(photo))]
    verdict: Verdict = "warning" if problems or not wanted else "ok"
    detail = f"{len(photos) - len(problems)} of the first {len(photos)} photos can be edited"
    if problems:
        detail += f": {name_first(problems)}"
    elif not wanted:
        detail = "no product has the address of a photo; see `source` in the shots file"
    yield Finding(name="photos", verdict=verdict, detail=detail)
    if absence := explain_absence():
        detail = f"no picture is held against the photo that it was made from: {absence}"
        yield Finding(name="recognition", verdict="warning", detail=detail)


def _copy_memory(settings: Settings, folder: DirectoryStore) -> None:
    """What was read before tells a placeholder; a store that cannot be read is another check's."""
    with suppress(FluxAssetsError):
        store = open_store(
            settings.store,
            shop=settings.shop,
            put_args=settings.s3_put_args,
            checksum=settings.s3_checksum,
        )
        for key in (PHOTOS_KEY, DOUBTED_KEY):
            with suppress(ObjectNotFoundError):
                folder.put(key, store.get(key).data, content_type="application/octet-stream")


def _find_problem(photo: Photo) -> str:
    if isinstance(photo, SourcePhoto):
        return photo.doubt
    return photo.doubt if isinstance(photo, DoubtedPhotoError) else str(photo)
