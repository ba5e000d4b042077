"""`flux-assets check`: everything that must be right before pictures are bought."""

import json
import sys
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.people import answers

if TYPE_CHECKING:
    from flux_assets.commands.checks.finding import Finding

_STYLES = {"ok": "green", "warning": "bold yellow", "problem": "bold red"}


@click.command(
    epilog=examples(
        "flux-assets check              free",
        "flux-assets check --buy-one    the first real picture, once nothing is a problem",
    )
)
@json_option
@click.option(
    "--buy-one",
    "buys",
    is_flag=True,
    help="If there is no problem, buy one picture and describe it.",
)
@click.option(
    "--public",
    "looks_from_outside",
    is_flag=True,
    help="Also look from outside as a stranger would: no ledger, and files as they were made.",
)
def check(*, as_json: bool, buys: bool, looks_from_outside: bool) -> None:
    """Say what is right and what is not: settings, API, catalog, store, Dagster.

    Free, but for --buy-one, which does not ask before it buys. That picture is kept like any other.

    Exit code 0: no problem, though there may be warnings; 1: a problem.
    """
    from flux_assets.commands.checks.every import find, is_ok

    findings: list[Finding] = []
    for finding in find(findings, buys=buys, looks_from_outside=looks_from_outside):
        findings.append(finding)
        if not as_json:
            _show(finding)
    ends_well = is_ok(findings)
    if as_json:
        shown = {"checks": [finding.to_json() for finding in findings], "ok": ends_well}
        click.echo(json.dumps(shown, indent=2))
    sys.exit(0 if ends_well else 1)


def _show(finding: "Finding") -> None:
    style = _STYLES[finding.verdict]
    line = " ".join(finding.detail.split())
    answers.print(
        f"[{style}]{finding.verdict:<8}[/] [bold]{finding.name}[/]: {escape(line)}", soft_wrap=True
    )
