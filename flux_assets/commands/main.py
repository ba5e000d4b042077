"""`flux-assets`: the shell's way to everything that the Dagster UI can do, and the simulator."""

import gc
import os
import sys
import warnings
from collections import UserDict
from importlib import import_module
from pathlib import Path
from typing import Any

import click
from rich.markup import escape

from flux_assets.commands.calling import EX_USAGE, examples
from flux_assets.commands.failures import TRACEBACK, run_cli
from flux_assets.commands.people import hold_standard_error, people, tell_logs, tell_usage
from flux_assets.commands.signals import note_signals
from flux_assets.errors import FluxAssetsError

_COMMANDS = (
    "check",
    "decide",
    "demo",
    "dev",
    "init",
    "ledger",
    "pin",
    "plan",
    "prune",
    "publish",
    "refresh",
    "reroll",
    "review",
    "rollback",
    "runs",
    "show",
    "simulator",
    "verify",
)
"""Each stands in the module of its name, which loads what it needs only once it runs."""
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a command."""
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""Python's own 700 let garbage collection take a twentieth of a refresh that buys."""

_ARROW_POOL = "ARROW_DEFAULT_MEMORY_POOL"
"""Where Arrow takes its memory from; its usual pool keeps a tenth of a refresh's for later."""


def main() -> None:
    """Run the command line; errors that a person can act on come without a traceback."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    os.environ.setdefault(_ARROW_POOL, "system")
    hold_standard_error()
    tell_logs()
    warnings.simplefilter("ignore")  # third parties' warnings are for developers, and tests
    with note_signals() as find_signal:
        try:
            run_cli(cli, find_signal)
        except click.ClickException as error:
            tell_usage(error)
            sys.exit(EX_USAGE if isinstance(error, click.UsageError) else error.exit_code)
        except (FluxAssetsError, click.Abort, KeyboardInterrupt) as error:
            number = find_signal()  # whatever went wrong after one came of it
            if isinstance(error, FluxAssetsError) and number is None:
                people.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
            else:
                people.print("Interrupted. Paid pictures are kept; run it again to go on.")
            sys.exit(1 if number is None else _SIGNALLED + number)
        finally:
            gc.freeze()  # what is left at the end is not worth a second of looking through it


class _Commands(UserDict[str, Any]):
    """The commands by their names, each loaded when it is looked at."""

    def __getitem__(self, name: str) -> click.Command:
        command: click.Command = getattr(import_module(self.data[name]), name)
        return command


@click.group(
    commands=_Commands({name: f"flux_assets.commands.{name}" for name in _COMMANDS}),
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "flux-assets demo                  a first run: free, nothing leaves this machine",
        "flux-assets plan                  what a refresh would do and cost",
        "flux-assets refresh --limit 20    the first 20 pictures",
        "flux-assets show 00123            what is with a product",
    ),
)
@click.version_option(package_name="flux-assets", message="%(prog)s %(version)s")
@click.option(
    TRACEBACK, is_flag=True, expose_value=False, help="Also show where an error came from."
)
@click.option(
    "--component",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The defs.yaml of the shop; else the only one of the dg project that you are in, else "
    "the environment says what the shop is.",
)
def cli(component: Path | None) -> None:
    """Turn a product catalog into pictures, in Dagster."""


if __name__ == "__main__":  # else `python -m` with this module would end well, with nothing done
    main()
