"""Products and shots are chosen alike in every command."""

from collections.abc import Sequence

import click
import pytest
from click.testing import CliRunner

from flux_assets.commands.choosing import product_ids_option, shots_option
from flux_assets.commands.main import cli


@click.command()
@product_ids_option
@shots_option()
def choose(*, product_ids: tuple[str, ...], shots: tuple[str, ...]) -> None:
    click.echo(repr((product_ids, shots)))


def _choose(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(choose, arguments)
    return done.exit_code, done.output.strip()


@pytest.mark.parametrize(
    ("arguments", "product_ids"),
    [
        (("--product-ids", "A,B"), ("A", "B")),
        (("--product-ids", "A", "--product-ids", "B"), ("A", "B")),
        (("--product-ids", " A , B,", "--product-ids=C"), ("A", "B", "C")),
        (("--product-ids", '"A,1", B'), ("A,1", "B")),
        (("--product-ids", "größe 4"), ("größe 4",)),
        ((), ()),
    ],
)
def test_names_are_parted_by_commas_or_given_one_by_one(
    arguments: Sequence[str], product_ids: tuple[str, ...]
) -> None:
    assert _choose(*arguments) == (0, repr((product_ids, ())))


@pytest.mark.parametrize("text", ["", ",", " , ", '"A', "A\nB"])
def test_a_list_that_names_nothing_or_is_none_chooses_not_everything(text: str) -> None:
    code, told = _choose("--product-ids", text)
    assert code == 2
    assert "--product-ids" in told


@pytest.mark.parametrize("name", ["--shots", "--shot"])
def test_shots_are_named_by_one_option_and_older_scripts_go_on(name: str) -> None:
    assert _choose(name, "hero,wide") == (0, "((), ('hero', 'wide'))")


@pytest.mark.parametrize("name", ["plan", "refresh", "ledger", "reroll", "pin"])
def test_every_command_takes_both_names_and_shows_one(name: str) -> None:
    command = cli.commands[name]
    [shots] = [it for it in command.params if it.name == "shots"]
    assert set(shots.opts) == {"--shots", "--shot"}
    told = command.get_help(click.Context(command))
    assert "--shots A,B" in told
    assert "--shot," not in told
    assert "--shot " not in told
