"""Another picture of a product and shot: what is wished, written into the overrides file."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flux_assets.prompts.overrides import OverridesFile, raise_take
from flux_assets.prompts.wishes import Chosen, WriteWish, write_wishes
from flux_assets.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Another:
    """How another picture differs: so many takes further, or by other words, or another seed."""

    takes: int = 0
    words: str = ""
    seed: int | None = None


def raise_takes(
    settings: Settings, chosen: Chosen, see: Callable[[OverridesFile], None] | None = None
) -> None:
    """Ask for another picture of each chosen shot, with the same words.

    Args:
        settings: of this environment.
        chosen: the product and its shots.
        see: gets the overrides as they are, before anything is changed.

    Raises:
        OverridesError, PromptError, SourceError: as of `write_wishes`.
    """
    next_take = Another(takes=1)
    wished = {(chosen.product.product_id, shot.name): next_take for shot in chosen.shots}
    ask_for_others(settings, [chosen], wished, see)


def ask_for_others(
    settings: Settings,
    every: Sequence[Chosen],
    wished: Mapping[tuple[str, str], Another],
    see: Callable[[OverridesFile], None] | None = None,
) -> None:
    """Ask for other pictures, for all of them or for none.

    Args:
        settings: of this environment.
        every: the products and their shots.
        wished: of each of them, by product and shot.
        see: gets the overrides as they are, before anything is changed.

    Raises:
        OverridesError, PromptError, SourceError: as of `write_wishes`.
    """

    def begin(overrides: OverridesFile) -> WriteWish:
        if see:
            see(overrides)
        return write

    def write(data: bytes | None, name: str, product_id: str, shot: str) -> bytes:
        another = wished[product_id, shot]
        return raise_take(
            data,
            name,
            product_id=product_id,
            shot=shot,
            takes=another.takes,
            words=another.words,
            seed=another.seed,
        )

    write_wishes(settings, every, begin)
