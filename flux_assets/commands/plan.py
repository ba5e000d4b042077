"""`flux-assets plan`: what a refresh would do and cost."""

import json
from typing import Any, TextIO

import click

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.plan_flags import choice_options, read_choices


@click.command(
    epilog=examples(
        "flux-assets plan                        everything: how many, how much, how long",
        "flux-assets plan --categories Furniture --shots hero --prompts",
        "flux-assets plan --reasons why.csv      why products have no picture, in a file",
    )
)
@choice_options
@click.option(
    "--reasons",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write why products have no picture into this CSV file, each with its reason.",
)
@click.option(
    "--prompts",
    "more_prompts",
    is_flag=True,
    help="Show more prompts as they would be sent, and one product in all its shots.",
)
@json_option
def plan(*, as_json: bool, reasons: TextIO | None, more_prompts: bool, **flags: Any) -> None:  # noqa: ANN401 - what click parsed
    """Show what a refresh with the same flags would do and cost. Free: nothing is sent."""
    from flux_assets.commands.plan_shown import show_plan
    from flux_assets.commands.reports_shown import show_report
    from flux_assets.commands.shop import look_at_shop, read_settings
    from flux_assets.defs.reports import catalog_report
    from flux_assets.planning.dry_run import plan_catalog
    from flux_assets.planning.reasons import write_reasons_csv

    settings = read_settings()
    choices = read_choices(flags)
    with look_at_shop(settings, step="plan", or_empty=True) as shop:
        dry_run = plan_catalog(settings, shop.store, shop.run, choices)
    if reasons:
        write_reasons_csv(dry_run.reasons, reasons)
    if as_json:
        click.echo(json.dumps(dry_run.to_json(), indent=2))
        return
    show_report(catalog_report(dry_run.catalog, dry_run.products, advice=dry_run.advice))
    show_plan(dry_run, more_prompts=more_prompts)
