"""Another picture with the same words: raises a take in the overrides file."""

from collections.abc import Sequence
from pathlib import PurePosixPath

from flux_assets.catalog.identity import normalise_id
from flux_assets.errors import ChoiceError, OverridesError, PromptError, SettingsError
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.prompts.overrides import raise_take, read_overrides
from flux_assets.prompts.requests import Skipped, build_requests
from flux_assets.settings import Settings
from flux_assets.storage.sources import edit_bytes, shown_uri


def raise_takes(settings: Settings, product_id: str, shots: Sequence[str]) -> None:
    """Raise the take of one product's shots, all of them or none.

    The file is made where there is none, and written only over what was read.

    Raises:
        SettingsError: no overrides file is named.
        ChoiceError: the catalog has no such product, or the shots file no such shot.
        OverridesError: the file is no such table, or what it says of them cannot be used; or
            a rule says that no such picture is wanted.
        PromptError: its prompt cannot be rendered.
        SourceError: it cannot be read or written, or somebody changed it meanwhile.
    """
    if settings.overrides is None:
        problem = "is not set; name the file that takes are kept in, such as overrides.csv"
        raise SettingsError("FLUX_ASSETS_OVERRIDES", problem)
    known = load_shots(settings)
    _check_known("--shot", shots, {shot.name for shot in known.shots})
    product_id = normalise_id(product_id)
    products = {item.product_id: item for item in load_catalog(settings, known).products}
    _check_known("PRODUCT", [product_id], set(products))
    name = PurePosixPath(shown_uri(settings.overrides)).name

    wanted = {shot.name: shot for shot in known.shots if shot.name in shots}

    def raise_all(data: bytes | None) -> bytes:
        for shot in wanted:
            data = raise_take(data, name, product_id=product_id, shot=shot)
        overrides = read_overrides(data or b"", name)
        for result in build_requests([products[product_id]], list(wanted.values()), overrides):
            if isinstance(result, PromptError):
                raise result
            if isinstance(result, Skipped):
                problem = f"product {product_id!r}, shot {result.shot}: no picture is wanted, as"
                raise OverridesError(name, f"{problem} {result.reason} says; nothing was changed")
        return data or b""

    edit_bytes(settings.overrides, raise_all, put_args=settings.s3_put_args)


def _check_known(name: str, wanted: Sequence[str], known: set[str]) -> None:
    unknown = [value for value in wanted if value not in known]
    if unknown:
        raise ChoiceError(name, unknown, known)
