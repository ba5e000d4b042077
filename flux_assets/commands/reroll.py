"""`flux-assets reroll`: another picture of a product."""

import sys

import click

from flux_assets.commands.calling import examples
from flux_assets.commands.choosing import shots_option
from flux_assets.commands.completion import complete_products


@click.command(
    epilog=examples(
        "flux-assets reroll 00123 --shots hero          the next refresh buys it",
        "flux-assets reroll 00123 --shots hero --now    it is bought at once",
    )
)
@click.argument("product_id", shell_complete=complete_products)
@shots_option(required=True, text="Of which shots; repeatable.")
@click.option("--now", is_flag=True, help="Buy it at once, and nothing else.")
def reroll(product_id: str, shots: tuple[str, ...], *, now: bool) -> None:
    """Ask for another picture of a product, with the same words.

    Raises its take in the file that FLUX_ASSETS_OVERRIDES names, and shows the picture of now, what
    will be bought (by the next refresh, or at once with --now), and how to take it back.
    """
    from flux_assets.commands.rerolling import ask_for_another

    report = ask_for_another(product_id, shots, now=now)
    if report is not None:
        sys.exit(report.exit_code)
