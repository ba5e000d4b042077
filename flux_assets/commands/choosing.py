"""How products and shots are chosen, alike in every command that takes them."""

import csv
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from flux_assets.commands.completion import complete_products, complete_shots

_Command = TypeVar("_Command", bound=Callable[..., Any])


class _Renamed(click.Option):
    """An option that older scripts call by its further names; help has the first one alone."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """As of the base class, with one name."""
        names, self.opts = self.opts, self.opts[:1]
        try:
            return super().get_help_record(ctx)
        finally:
            self.opts = names

    def get_error_hint(self, ctx: click.Context | None) -> str:
        """What errors call it."""
        del ctx
        return f"'{self.opts[0]}'"


def split_names(_: click.Context, parameter: click.Parameter, values: Sequence[str]) -> Any:  # noqa: ANN401 - as click has it
    """Each given value's names, parted by commas; one that holds a comma stands in quotes."""
    names: list[str] = []
    for value in values:
        try:
            [cells] = csv.reader([value], skipinitialspace=True, strict=True)
        except (csv.Error, ValueError) as error:
            problem = f"{value!r} is no list such as A,B; a name with a comma stands in quotes"
            raise click.BadParameter(problem, param=parameter) from error
        names += filter(None, map(str.strip, cells))
    if values and not names:
        raise click.BadParameter("names nothing", param=parameter)
    return tuple(names)


def product_ids_option(command: _Command) -> _Command:
    """Give a command `--product-ids A,B`."""
    return click.option(
        "--product-ids",
        multiple=True,
        metavar="A,B",
        callback=split_names,
        shell_complete=complete_products,
        help="Only these products; repeatable.",
    )(command)


def shots_option(
    *, required: bool = False, text: str = "Only these shots; repeatable."
) -> Callable[[_Command], _Command]:
    """What gives a command `--shots A,B`, which once was `--shot` in places."""
    return click.option(
        "--shots",
        "--shot",
        "shots",
        cls=_Renamed,
        multiple=True,
        required=required,
        metavar="A,B",
        callback=split_names,
        shell_complete=complete_shots,
        help=text,
    )
