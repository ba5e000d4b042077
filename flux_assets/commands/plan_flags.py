"""The flags that `plan` and `refresh` share, and the plan as the terminal shows it."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click
from rich.markdown import Markdown
from rich.markup import escape

from flux_assets.commands.people import people
from flux_assets.defs.reports import (
    doubted_table,
    override_problems_table,
    pick_samples,
    plan_report,
    prompts_table,
    reasons_table,
)
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun
from flux_assets.planning.reasons import count_reasons

_Command = TypeVar("_Command", bound=Callable[..., Any])

_CHOICES = (
    click.option(
        "--product-ids", multiple=True, metavar="ID", help="Only this product; repeatable."
    ),
    click.option(
        "--product-ids-file",
        type=click.File(encoding="utf-8-sig"),
        help="Only the products that this file names, one a line; - reads standard input.",
    ),
    click.option(
        "--categories", multiple=True, metavar="NAME", help="Only this category; repeatable."
    ),
    click.option("--shots", multiple=True, metavar="NAME", help="Only this shot; repeatable."),
    click.option(
        "--limit",
        type=click.IntRange(0),
        metavar="N",
        help="Buy at most N pictures, in the catalog's order.",
    ),
    click.option(
        "--max-images",
        type=click.IntRange(0),
        metavar="N",
        help="Buy nothing if more than N would be bought.",
    ),
    click.option("--retry-refused", is_flag=True, help="Send again what the vendor refused."),
    click.option(
        "--accept-changes",
        is_flag=True,
        help="Buy changed pictures too where FLUX_ASSETS_OVER_CAP=new_only leaves them, and take "
        "photos for right that are doubted.",
    ),
    click.option(
        "--accept-drop", is_flag=True, help="Go on although the catalog lost many products."
    ),
    click.option(
        "--accept-loss",
        is_flag=True,
        help="Buy again what was bought before, and is gone from the store with its ledger.",
    ),
)

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)


def choice_options(command: _Command) -> _Command:
    """Give a command the flags that choose what a run does."""
    for option in reversed(_CHOICES):
        command = option(command)
    return command


def read_choices(flags: Mapping[str, Any]) -> Choices:
    """The choices that the flags make; a file's product ids join those given one by one."""
    file = flags["product_ids_file"]
    try:
        named = [line.strip() for line in file] if file else []
    except UnicodeDecodeError as error:
        problem = f"{file.name} is not UTF-8 text; save it so"
        raise click.BadParameter(problem, param_hint="--product-ids-file") from error
    product_ids = (*flags["product_ids"], *filter(None, named))
    if file and not product_ids:
        raise click.BadParameter(f"{file.name} names no product", param_hint="--product-ids-file")
    values = {name: value for name, value in flags.items() if name != "product_ids_file"}
    return Choices(**values | {"product_ids": product_ids})


def show_plan(dry_run: DryRun) -> None:
    """Print a plan, its sample prompts, and everything that stands in its way."""
    people.print(Markdown(plan_report(dry_run.plan, dry_run.to_buy)))
    samples = pick_samples([len(request.prompt) for request in dry_run.requests])
    picked = [(dry_run.requests[place], label) for place, label in samples.items()]
    if picked:
        people.print(Markdown(prompts_table(picked)))
    if dry_run.override_problems:
        people.print(Markdown(override_problems_table(dry_run.override_problems)))
    if dry_run.doubted:
        doubted = [(row.product_id, row.shot, row.reason) for row in dry_run.doubted]
        people.print(Markdown(doubted_table(doubted)))
    if dry_run.reasons:
        people.print(Markdown(reasons_table(count_reasons(dry_run.reasons))))
    for note in dry_run.notes or map(str, dry_run.prompt_errors[:10]):
        people.print(f"[bold]No picture:[/] {escape(note)}", soft_wrap=True)
    if dry_run.left_over_cap:
        people.print(
            f"{dry_run.left_over_cap} pictures would be left for other runs (over the cap)."
        )
    if dry_run.obstacle:
        people.print(f"[bold red]A refresh would stop:[/] {escape(dry_run.obstacle)}")
