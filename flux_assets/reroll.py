"""Another picture with the same words: raises a take in the overrides file."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from flux_assets.errors import ChoiceError, SettingsError
from flux_assets.inputs import load_catalog, load_shots
from flux_assets.overrides import raise_take
from flux_assets.settings import Settings
from flux_assets.sources import edit_bytes, shown_uri


def raise_takes(settings: Settings, product_id: str, shots: Sequence[str]) -> None:
    """Raise the take of one product's shots, all of them or none.

    The file is made where there is none, and written only over what was read.

    Raises:
        SettingsError: no overrides file is named.
        ChoiceError: the catalog has no such product, or the shots file no such shot.
        OverridesError: the file is no such table, or what it says of them cannot be used.
        SourceError: it cannot be read or written, or somebody changed it meanwhile.
    """
    if settings.overrides is None:
        problem = "is not set; name the file that takes are kept in, such as overrides.csv"
        raise SettingsError("FLUX_ASSETS_OVERRIDES", problem)
    known = load_shots(settings)
    _check_known("--shot", shots, {shot.name for shot in known.shots})
    products = load_catalog(settings, known).products
    _check_known("PRODUCT", [product_id], {product.product_id for product in products})
    name = PurePosixPath(shown_uri(settings.overrides)).name

    def raise_all(data: bytes | None) -> bytes:
        for shot in shots:
            data = raise_take(data, name, product_id=product_id, shot=shot)
        return data or b""

    edit_bytes(settings.overrides, raise_all, put_args=settings.s3_put_args)


def _check_known(name: str, wanted: Sequence[str], known: set[str]) -> None:
    unknown = [value for value in wanted if value not in known]
    if unknown:
        raise ChoiceError(name, unknown, known)
