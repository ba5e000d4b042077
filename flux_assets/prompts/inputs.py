"""The catalog, the shots file and the overrides that the settings name, read."""

from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath
from typing import TypeVar

from flux_assets.catalog import read_catalog
from flux_assets.catalog.product import Catalog
from flux_assets.errors import SourceError, SuspectedEncodingError
from flux_assets.prompts.overrides import (
    NO_OVERRIDES,
    OverrideProblem,
    OverridesFile,
    check_known,
    read_overrides,
)
from flux_assets.prompts.shots import ShotsFile, read_shots
from flux_assets.settings import Settings
from flux_assets.storage.sources import read_bytes, shown_uri, source_version

_Read = TypeVar("_Read")


def load_shots(settings: Settings) -> ShotsFile:
    """Read the shots file.

    Raises:
        SourceError, ShotsFileError: it cannot be had, or not be used.
    """
    try:
        data = read_bytes(settings.shots)
    except SourceError as error:
        if "://" in settings.shots or Path(settings.shots).parent.is_dir():
            raise
        problem = f"{error.problem}; `flux-assets init` lays down a shop where there is none"
        raise SourceError(error.uri, problem) from error
    return read_shots(data, settings.shots)


def load_catalog(settings: Settings, shots: ShotsFile, *, only_shows: bool = False) -> Catalog:
    """Read the export, with the columns that the shots file maps.

    All that buys reads its products here, so here a catalog stops whose letters are a guess.

    Args:
        settings: which name the export, and perhaps its encoding.
        shots: which may map columns, and name the encoding and a workbook's sheet.
        only_shows: whether nothing is bought or kept of what is read: then a guess will do.

    Raises:
        SourceError, CatalogError: it cannot be had, or is no catalog.
        SuspectedEncodingError: its letters are a guess, and it is not only shown.
    """
    catalog = read_export(read_catalog, settings, shots)
    if not only_shows:
        refuse_guess(catalog)
    return catalog


def read_export(read: Callable[..., _Read], settings: Settings, shots: ShotsFile) -> _Read:
    """Give the export to one of the catalog's readers, with all that is said of how it is read.

    Args:
        read: takes the file's bytes and name, and by their names what `read_catalog` takes.
        settings: which name the export, and perhaps its encoding.
        shots: which may map columns, and name the encoding and a workbook's sheet.

    Raises:
        SourceError: it cannot be had.
        CatalogError: it is no catalog.
    """
    return read(
        read_bytes(settings.catalog, header=settings.catalog_header),
        PurePosixPath(shown_uri(settings.catalog)).name,
        columns=shots.columns,
        one_set_per=shots.one_set_per,
        include_unpublished=shots.include_unpublished,
        encoding=shots.encoding or settings.catalog_encoding or "",
        sheet=shots.sheet,
        rules=shots.text_rules,
    )


def refuse_guess(catalog: Catalog) -> None:
    """Let no catalog be bought from whose letters may be others.

    Raises:
        SuspectedEncodingError: it names the setting that decides.
    """
    if catalog.suspected_encoding:
        raise SuspectedEncodingError(catalog.name, catalog.suspected_encoding)


def find_problems(
    overrides: OverridesFile, product_ids: Iterable[str], shots: ShotsFile
) -> list[OverrideProblem]:
    """Every row of the overrides that cannot be used, or names what there is not, by line."""
    unknown = check_known(overrides, set(product_ids), {shot.name for shot in shots.shots})
    return sorted((*overrides.problems, *unknown), key=lambda problem: problem.line)


def load_overrides(settings: Settings) -> OverridesFile:
    """Read the overrides file; without one, nothing is overridden.

    Raises:
        SourceError, OverridesError: it cannot be had, or is no such table.
    """
    if settings.overrides is None:
        return NO_OVERRIDES
    return read_overrides(
        read_bytes(settings.overrides, header=settings.overrides_header),
        PurePosixPath(shown_uri(settings.overrides)).name,
    )


def read_inputs_version(settings: Settings) -> str:
    """What changes when the export or the overrides file is replaced; neither is read for it.

    Raises:
        SourceError: one of them is not there, or may not be looked at.
    """
    versions = [source_version(settings.catalog, header=settings.catalog_header)]
    if settings.overrides is not None:
        versions.append(source_version(settings.overrides, header=settings.overrides_header))
    return " ".join(versions)
