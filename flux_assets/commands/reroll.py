"""`flux-assets reroll`: another picture of a product."""

import sys

import click

from flux_assets.commands.calling import examples
from flux_assets.commands.completion import complete_products, complete_shots


@click.command(
    epilog=examples(
        "flux-assets reroll 00123 --shot hero          the next refresh buys it",
        "flux-assets reroll 00123 --shot hero --now",
    )
)
@click.argument("product_id", shell_complete=complete_products)
@click.option(
    "--shot",
    "shots",
    multiple=True,
    required=True,
    metavar="NAME",
    shell_complete=complete_shots,
    help="Repeatable.",
)
@click.option("--now", is_flag=True, help="Buy it at once, and nothing else.")
def reroll(product_id: str, shots: tuple[str, ...], *, now: bool) -> None:
    """Ask for another picture of a product, with the same words.

    Raises its take in the file that FLUX_ASSETS_OVERRIDES names, and shows what will be bought:
    by the next refresh, or at once with --now.
    """
    from rich.markup import escape

    from flux_assets.commands.people import answers
    from flux_assets.commands.plan_shown import show_plan
    from flux_assets.commands.refreshing import refresh_shop, show_pictures
    from flux_assets.commands.shop import open_shop, read_settings
    from flux_assets.planning.choices import Choices
    from flux_assets.planning.dry_run import plan_catalog
    from flux_assets.prompts.reroll import raise_takes

    settings = read_settings()
    raise_takes(settings, product_id, shots)
    answers.print(f"Asked for another picture of {escape(product_id)}: {', '.join(shots)}.")
    choices = Choices(product_ids=(product_id,), shots=shots)
    with open_shop(settings, step="reroll") as shop:
        dry_run = plan_catalog(settings, shop.store, shop.run, choices)
    show_plan(dry_run)
    if now:
        report = refresh_shop(settings, choices)
        show_pictures(settings, report)
        sys.exit(report.exit_code)
