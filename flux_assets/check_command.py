"""`flux-assets check`: everything that must be right before pictures are bought."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from uuid import uuid4

import click
import yaml
from rich.console import Console
from rich.markup import escape

from flux_assets.checks.account import check_api, check_key, check_mode
from flux_assets.checks.finding import Check, Finding, run_checks
from flux_assets.checks.inputs import check_inputs
from flux_assets.checks.store import check_store
from flux_assets.defs.images import API_POOL
from flux_assets.defs.instance_checks import check_instance
from flux_assets.defs.resources import SIMULATOR_STATE_DIR
from flux_assets.errors import SettingsError
from flux_assets.launch import prepare_dagster_home
from flux_assets.settings import Settings, load_settings

_STYLES = {"ok": "green", "warning": "bold yellow", "problem": "bold red"}

_people = Console(stderr=True, highlight=False)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def check(*, as_json: bool) -> None:
    """Say what is right and what is not: settings, API, catalog, store, Dagster. Free.

    Exit code 0: no problem, though there may be warnings; 1: a problem.
    """
    findings: list[Finding] = []
    for finding in _find():
        findings.append(finding)
        if not as_json:
            _show(finding)
    is_ok = all(finding.verdict != "problem" for finding in findings)
    if as_json:
        shown = {"checks": [finding.to_json() for finding in findings], "ok": is_ok}
        click.echo(json.dumps(shown, indent=2))
    sys.exit(0 if is_ok else 1)


def _find() -> Iterator[Finding]:
    try:
        settings = load_settings(os.environ)
    except SettingsError as error:
        yield Finding(name="settings", verdict="problem", detail=str(error))
        return
    yield from run_checks(_checks(settings))


def _checks(settings: Settings) -> Mapping[str, Check]:
    return {
        "mode": partial(check_mode, settings),
        "key": partial(check_key, settings),
        "api": partial(check_api, settings, Path(SIMULATOR_STATE_DIR)),
        "inputs": partial(check_inputs, settings),
        "store": partial(check_store, settings, f"check-{uuid4().hex}"),
        "dagster": _check_dagster,
    }


def _check_dagster() -> Iterable[Finding]:
    try:
        prepare_dagster_home()
    except (OSError, yaml.YAMLError) as error:
        detail = f"no home for Dagster can be made of dagster.yaml: {error}"
        return [Finding(name="dagster", verdict="problem", detail=" ".join(detail.split()))]
    return check_instance(API_POOL)


def _show(finding: Finding) -> None:
    style = _STYLES[finding.verdict]
    line = " ".join(finding.detail.split())
    _people.print(
        f"[{style}]{finding.verdict:<8}[/] [bold]{finding.name}[/]: {escape(line)}", soft_wrap=True
    )
