"""Another picture of a product, as `flux-assets reroll` asks for it: the old one, and the new."""

from collections.abc import Sequence
from functools import partial

from flux_assets.commands.launch import RefreshReport
from flux_assets.commands.people import answers
from flux_assets.commands.picture_shown import describe_picture, describe_wanted, show_pair
from flux_assets.commands.plan_shown import show_plan
from flux_assets.commands.refreshing import refresh_shop, show_pictures
from flux_assets.commands.shop import look_at_shop, read_settings
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import plan_catalog
from flux_assets.planning.one_picture import OnePicture, read_pictures
from flux_assets.prompts.inputs import load_overrides
from flux_assets.prompts.reroll import raise_takes
from flux_assets.prompts.wishes import Chosen, find_chosen
from flux_assets.settings import Settings


def ask_for_another(product_id: str, shots: Sequence[str], *, now: bool) -> RefreshReport | None:
    """Raise the takes, and show what comes of it; gives the report of what was bought, if any.

    Raises:
        FluxAssetsError: nothing could be asked for, or the run stopped.
    """
    settings = read_settings()
    chosen = find_chosen(settings, product_id, shots)
    choices = Choices(
        product_ids=(chosen.product.product_id,), shots=tuple(shot.name for shot in chosen.shots)
    )
    with look_at_shop(settings, step="reroll", or_empty=True) as shop:
        read = partial(read_pictures, settings, shop.store, shop.ledger, chosen)
        before: list[OnePicture] = []
        raise_takes(settings, chosen, lambda overrides: before.extend(read(overrides)))
        show_plan(plan_catalog(settings, shop.store, shop.run, choices))
    report = refresh_shop(settings, choices) if now else None
    if report:
        show_pictures(settings, report)
    _show(settings, chosen, before, is_bought=now)
    return report


def _show(
    settings: Settings, chosen: Chosen, before: Sequence[OnePicture], *, is_bought: bool
) -> None:
    """The old and the new picture of each shot, and the line that brings the old one back."""
    with look_at_shop(settings, step="reroll", or_empty=True) as shop:
        after = read_pictures(settings, shop.store, shop.ledger, chosen, load_overrides(settings))
        for old, new in zip(before, after, strict=True):
            waits = "it could not be had" if is_bought else "the next refresh buys it"
            show_pair(
                chosen,
                old.shot,
                old=describe_picture(shop.store, old.shown),
                new=describe_wanted(shop.store, new, waits),
                back=old.shown.request_fingerprint[:16] if old.shown else None,
            )
    if not any(old.shown for old in before):
        answers.print("There was no picture before, so that there is none to go back to.")
