"""Another picture with the same words: raises a take in the overrides file."""

from collections.abc import Callable

from flux_assets.prompts.overrides import OverridesFile, raise_take
from flux_assets.prompts.wishes import Chosen, WriteWish, write_wishes
from flux_assets.settings import Settings


def raise_takes(
    settings: Settings, chosen: Chosen, see: Callable[[OverridesFile], None] | None = None
) -> None:
    """Raise the take of each chosen shot, of all of them or of none.

    Args:
        settings: of this environment.
        chosen: the product and its shots.
        see: gets the overrides as they are, before anything is changed.

    Raises:
        OverridesError, PromptError, SourceError: as of `write_wishes`.
    """

    def begin(overrides: OverridesFile) -> WriteWish:
        if see:
            see(overrides)
        return write

    def write(data: bytes | None, name: str, shot: str) -> bytes:
        return raise_take(data, name, product_id=chosen.product.product_id, shot=shot)

    write_wishes(settings, chosen, begin)
