"""A person's wish for single pictures, written into the overrides file."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from flux_assets.catalog.identity import normalise_id
from flux_assets.catalog.product import Product
from flux_assets.errors import ChoiceError, OverridesError, PromptError, SettingsError
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.prompts.overrides import OverridesFile, read_overrides
from flux_assets.prompts.requests import Shot, Skipped, build_requests
from flux_assets.settings import Settings
from flux_assets.storage.sources import edit_bytes, shown_uri

WriteWish = Callable[[bytes | None, str, str, str], bytes]
"""From the file's bytes (None where there is none), its name, a product and shot, to new bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The pictures that a person wishes something of, and the file that the wish goes into."""

    product: Product
    shots: tuple[Shot, ...]
    file: str


def find_chosen(settings: Settings, product_id: str, shots: Sequence[str]) -> Chosen:
    """Find what a person names.

    Raises:
        SettingsError, ChoiceError, SourceError, CatalogError, ShotsFileError: as of
            `find_all_chosen`.
    """
    [chosen] = find_all_chosen(settings, {product_id: shots})
    return chosen


def find_all_chosen(
    settings: Settings, wanted: Mapping[str, Collection[str]]
) -> tuple[Chosen, ...]:
    """Find several products, each with some of its shots; the catalog is read once.

    Raises:
        SettingsError: no overrides file is named.
        ChoiceError: the catalog has no such product, or the shots file no such shot.
        SourceError, CatalogError, ShotsFileError: they cannot be read.
    """
    if settings.overrides is None:
        problem = "is not set; name the file that such wishes are kept in, such as overrides.csv"
        raise SettingsError("FLUX_ASSETS_OVERRIDES", problem)
    known = load_shots(settings)
    for shots in wanted.values():
        _check_known("--shots", shots, {shot.name for shot in known.shots})
    by_id = {normalise_id(product_id): shots for product_id, shots in wanted.items()}
    products = {item.product_id: item for item in load_catalog(settings, known).products}
    _check_known("PRODUCT", by_id, set(products))
    return tuple(
        Chosen(
            product=products[product_id],
            shots=tuple(shot for shot in known.shots if shot.name in shots),
            file=settings.overrides,
        )
        for product_id, shots in by_id.items()
    )


def write_wishes(
    settings: Settings, every: Sequence[Chosen], begin: Callable[[OverridesFile], WriteWish]
) -> None:
    """Write what is wished of each shot, of all of them or of none.

    The file is made where there is none, and written only over what was read.

    Args:
        settings: of this environment.
        every: the products and their shots, of one overrides file.
        begin: from the overrides as they are to what writes one shot's wish.

    Raises:
        OverridesError: the file is no such table, or what it says of them cannot be used; or
            a rule says that no such picture is wanted.
        PromptError: its prompt cannot be rendered.
        SourceError: it cannot be read or written, or somebody changed it meanwhile.
    """
    file = every[0].file
    name = PurePosixPath(shown_uri(file)).name

    def write_all(data: bytes | None) -> bytes:
        write = begin(read_overrides(data or b"", name))
        for chosen in every:
            for shot in chosen.shots:
                data = write(data, name, chosen.product.product_id, shot.name)
        overrides = read_overrides(data or b"", name)
        for chosen in every:
            _check_wanted(chosen, overrides, name)
        return data or b""

    edit_bytes(file, write_all, put_args=settings.s3_put_args)


def _check_wanted(chosen: Chosen, overrides: OverridesFile, name: str) -> None:
    """Make sure that what is wished can be asked for, and is wanted."""
    for result in build_requests([chosen.product], chosen.shots, overrides):
        if isinstance(result, PromptError):
            raise result
        if isinstance(result, Skipped):
            wished = f"product {result.product_id!r}, shot {result.shot}"
            problem = f"{wished}: no picture is wanted, as {result.reason} says"
            raise OverridesError(name, f"{problem}; nothing was changed")


def _check_known(name: str, wanted: Collection[str], known: set[str]) -> None:
    unknown = [value for value in wanted if value not in known]
    if unknown:
        raise ChoiceError(name, unknown, known)
