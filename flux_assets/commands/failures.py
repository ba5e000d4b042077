"""What ends a command: one sentence that says what to do, and a traceback if one is asked for."""

import os
import sqlite3
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
from rich.markup import escape

from flux_assets.commands.people import people
from flux_assets.commands.signals import FindSignal
from flux_assets.errors import FluxAssetsError
from flux_assets.os_errors import MachineError, explain_refusal

TRACEBACK = "--traceback"


class UnexpectedError(FluxAssetsError):
    """A fault of ours or of a library."""


def run_cli(cli: click.Group, find_signal: FindSignal) -> None:
    """Run the command line; whatever goes wrong comes as an error that a person can act on.

    Commands get `find_signal` as their context's object.
    With `--traceback` anywhere among the arguments, where it went wrong is shown as well.

    Raises:
        FluxAssetsError: the command ended so.
        ClickException, Abort, KeyboardInterrupt: it was not understood, or interrupted.
    """
    arguments = [argument for argument in sys.argv[1:] if argument != TRACEBACK]
    try:
        cli.main(arguments, standalone_mode=False, obj=find_signal)
    except (click.ClickException, click.Abort):
        raise
    except Exception as error:
        if TRACEBACK in sys.argv:
            people.print(escape(traceback.format_exc().rstrip()), soft_wrap=True)
        if isinstance(error, FluxAssetsError):
            raise
        raise _explain(error) from error


def _explain(error: Exception) -> FluxAssetsError:
    """By the cause that is known, however deep it lies; each in one line."""
    told = " ".join(str(error).split())
    for cause in _causes(error):
        if isinstance(cause, FluxAssetsError):
            return cause
        if isinstance(cause, OSError) and (refused := explain_refusal(cause)):
            return MachineError(refused)
        if isinstance(cause, sqlite3.Error):
            from flux_assets.commands.dagster_home import (
                DEFAULT_HOME,
                DagsterHomeError,
                explain_dagster_error,
            )

            home = Path(os.environ.get("DAGSTER_HOME", DEFAULT_HOME))
            return DagsterHomeError(str(home), explain_dagster_error(cause, home))
    return UnexpectedError(
        f"{type(error).__name__}: {told or 'no reason is given'}. This is a fault of flux_assets "
        f"or of a library: start again with {TRACEBACK} to see where, and report it. What is paid "
        "is kept"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
