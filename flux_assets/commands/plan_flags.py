"""The flags that `plan` and `refresh` share."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from flux_assets.commands.choosing import product_ids_option, shots_option

if TYPE_CHECKING:
    from flux_assets.planning.choices import Choices

_Command = TypeVar("_Command", bound=Callable[..., Any])

_CHOICES = (
    product_ids_option,
    click.option(
        "--product-ids-file",
        type=click.File(encoding="utf-8-sig"),
        help="Only the products that this file names, one a line; - reads standard input.",
    ),
    click.option(
        "--categories", multiple=True, metavar="NAME", help="Only this category; repeatable."
    ),
    shots_option(),
    click.option(
        "--limit",
        type=click.IntRange(0),
        metavar="N",
        help="Buy at most N pictures, in the catalog's order; the rest is left for later.",
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


def choice_options(command: _Command) -> _Command:
    """Give a command the flags that choose what a run does."""
    for option in reversed(_CHOICES):
        command = option(command)
    return command


def read_choices(flags: Mapping[str, Any]) -> "Choices":
    """The choices that the flags make; a file's product ids join those given one by one."""
    from flux_assets.planning.choices import Choices

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
