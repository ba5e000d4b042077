"""Pins set and taken off as `flux-assets pin` does."""

from collections.abc import Mapping, Sequence
from functools import partial

from flux_assets.commands.people import answers
from flux_assets.commands.picture_shown import describe_picture, describe_wanted, show_pair
from flux_assets.commands.shop import look_at_shop, read_settings
from flux_assets.planning.one_picture import OnePicture, read_pictures
from flux_assets.prompts.inputs import load_overrides
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.pinning import PIN_DIGITS, write_pins
from flux_assets.prompts.wishes import find_chosen


def pin_pictures(
    product_id: str, shots: Sequence[str], *, fingerprint: str | None, previous: bool
) -> None:
    """Pin a picture of each shot, all of them or none, and show the old and the new one.

    Args:
        product_id: the product.
        shots: its shots.
        fingerprint: of the picture, or its first digits.
        previous: pin what came before the picture of now; with neither, the pins are taken off.

    Raises:
        NoStoreError: there is no store.
        NoSuchPictureError: there is no such picture.
        FluxAssetsError: the overrides file cannot be changed so.
    """
    settings = read_settings()
    chosen = find_chosen(settings, product_id, shots)
    with look_at_shop(settings, step="pin") as shop:
        read = partial(read_pictures, settings, shop.store, shop.ledger, chosen)
        before: list[OnePicture] = []

        def choose(overrides: OverridesFile) -> Mapping[str, str]:
            before.extend(read(overrides))
            return {it.shot: _choose(it, fingerprint, previous=previous) for it in before}

        write_pins(settings, chosen, choose)
        after = read(load_overrides(settings))
        for old, new in zip(before, after, strict=True):
            show_pair(
                chosen,
                old.shot,
                old=describe_picture(shop.store, old.shown),
                new=describe_wanted(shop.store, new, "the next refresh buys it"),
                back=old.pin or "--remove" if old.pin != new.pin else None,
            )
    names = ",".join(shot.name for shot in chosen.shots)
    answers.print(
        "This comes with the next refresh: flux-assets refresh "
        f"--product-ids {chosen.product.product_id} --shots {names}",
        markup=False,
        soft_wrap=True,
    )


def _choose(pictures: OnePicture, fingerprint: str | None, *, previous: bool) -> str:
    """The pin that is to be written; empty where it is to be taken off."""
    if fingerprint is not None:
        return pictures.find(fingerprint).request_fingerprint[:PIN_DIGITS]
    if not previous:
        return ""
    return pictures.find_previous().request_fingerprint[:PIN_DIGITS]
