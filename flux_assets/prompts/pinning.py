"""One certain stored picture, kept whatever is asked for: its pin in the overrides file."""

from collections.abc import Callable, Mapping

from flux_assets.prompts.overrides import OverridesFile, set_pin
from flux_assets.prompts.wishes import Chosen, WriteWish, write_wishes
from flux_assets.settings import Settings

PIN_DIGITS = 32
"""As many as the picture's file is named by; no spreadsheet takes that for a number."""


def write_pins(
    settings: Settings, chosen: Chosen, choose: Callable[[OverridesFile], Mapping[str, str]]
) -> None:
    """Pin one picture of each shot.

    Args:
        settings: of this environment.
        chosen: the product and its shots.
        choose: from the overrides as they are to the fingerprint of each shot's picture, or its
            first digits; an empty one takes the pin off.

    Raises:
        OverridesError, PromptError, SourceError: as of `write_wishes`.
    """

    def begin(overrides: OverridesFile) -> WriteWish:
        pins = choose(overrides)

        def write(data: bytes | None, name: str, product_id: str, shot: str) -> bytes:
            return set_pin(data, name, product_id=product_id, shot=shot, pin=pins[shot])

        return write

    write_wishes(settings, [chosen], begin)
