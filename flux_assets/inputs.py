"""The catalog and the shots file that the settings name, read."""

from pathlib import PurePosixPath

from flux_assets.catalog import read_catalog
from flux_assets.catalog.product import Catalog
from flux_assets.settings import Settings
from flux_assets.shots import ShotsFile, read_shots
from flux_assets.sources import read_bytes


def load_shots(settings: Settings) -> ShotsFile:
    """Read the shots file.

    Raises:
        SourceError, ShotsFileError: it cannot be had, or not be used.
    """
    return read_shots(read_bytes(settings.shots), settings.shots)


def load_catalog(settings: Settings, shots: ShotsFile) -> Catalog:
    """Read the export, with the columns that the shots file maps.

    Raises:
        SourceError, CatalogError: it cannot be had, or is no catalog.
    """
    name = PurePosixPath(settings.catalog).name
    return read_catalog(read_bytes(settings.catalog), name, columns=shots.columns)
