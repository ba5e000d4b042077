"""How a command is called: what the commands' options, examples and exit codes share."""

import click

EX_USAGE = 64
"""A command line that cannot be understood, as sysexits.h has it."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output."
)


def examples(*lines: str) -> str:
    """What stands below a command's help: how it is called, and what for, a line each."""
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))
