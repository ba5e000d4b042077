"""How commands are called: their help, examples and exit codes."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from flux_assets.commands.main import cli
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace

_SHOW_EVERY_HELP = """
import json, sys
import click
from flux_assets.commands.main import cli

def show(command, name):
    context = click.Context(command, info_name=name)
    command.get_help(context)
    for inner in command.list_commands(context) if isinstance(command, click.Group) else ():
        show(command.get_command(context, inner), inner)

show(cli, "flux-assets")
paths = {name: getattr(module, "__file__", None) for name, module in sys.modules.items()}
found = [name for name, path in paths.items() if path and "site-packages" in path]
print(json.dumps([name for name in found if not name.startswith("_")]))
"""
_LIGHT = {"click", "rich"}


def all_commands(
    command: click.Command = cli, path: str = ""
) -> Iterator[tuple[str, click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in command.commands:
            yield from all_commands(command.commands[name], f"{path} {name}".strip())


def test_every_help_is_shown_without_what_only_a_run_needs() -> None:
    """Dagster and pandas take two seconds, which each `--help` and each TAB key would take."""
    # Where coverage is measured, it would load itself into this process, too.
    environ = {name: text for name, text in os.environ.items() if "COVERAGE" not in name}
    shown = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", _SHOW_EVERY_HELP],
        capture_output=True,
        text=True,
        check=True,
        env=environ,
    )
    others = {name.partition(".")[0] for name in json.loads(shown.stdout)}
    assert others - {"flux_assets"} == _LIGHT


@pytest.mark.parametrize(("path", "command"), list(all_commands()), ids=str)
def test_every_help_ends_with_examples_of_its_own_command(
    path: str, command: click.Command
) -> None:
    shown = command.get_help(click.Context(command, info_name=path))
    heading, *lines = shown[shown.index("Examples:") :].splitlines()
    assert heading == "Examples:"
    assert len(lines) >= 2
    assert lines[0].startswith(f"    flux-assets {path}".rstrip())
    assert all(line.startswith("    flux-assets ") for line in lines)
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize(
    "line",
    [
        "pla",
        "plan --limit many",
        "plan --no-such-flag",
        "refresh --product-ids-file none.txt",
        "reroll 00123",
        "ledger release",
        "ledger --json release 12345678",
        "simulator --requests-per-minute 0",
        "verify something",
    ],
)
def test_a_line_that_is_not_understood_has_an_exit_code_of_its_own(
    line: str, tmp_path: Path
) -> None:
    done = Workplace(folder=tmp_path).run(*line.split())
    assert done.exit_code == 64
    assert "Error: " in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_the_package_s() -> None:
    shown = subprocess.run(  # noqa: S603 - our own command
        [COMMAND, "--version"], capture_output=True, text=True, check=True
    )
    assert shown.stdout == f"flux-assets {version('flux-assets')}\n"
