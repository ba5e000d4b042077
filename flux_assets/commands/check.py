"""`flux-assets check`: everything that must be right before pictures are bought."""

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import uuid4

import click
from rich.markup import escape

from flux_assets.commands.checks.account import check_api, check_key, check_mode
from flux_assets.commands.checks.finding import Check, Finding, run_checks
from flux_assets.commands.checks.inputs import check_inputs
from flux_assets.commands.checks.instance import check_instance
from flux_assets.commands.checks.photos import check_photos
from flux_assets.commands.checks.public import check_public
from flux_assets.commands.checks.purchase import buy_one
from flux_assets.commands.checks.store import check_store
from flux_assets.commands.people import people
from flux_assets.commands.shop import open_shop
from flux_assets.defs.automation import check_schedule
from flux_assets.errors import SettingsError
from flux_assets.settings import Settings, load_settings

_STYLES = {"ok": "green", "warning": "bold yellow", "problem": "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
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
    help="Also look at FLUX_ASSETS_PUBLIC_URL as a stranger would: no ledger, no tables.",
)
def check(*, as_json: bool, buys: bool, looks_from_outside: bool) -> None:
    """Say what is right and what is not: settings, API, catalog, store, Dagster.

    Free, but for --buy-one, which does not ask before it buys. That picture is kept like any other.

    Exit code 0: no problem, though there may be warnings; 1: a problem.
    """
    findings: list[Finding] = []
    for finding in _find(findings, buys=buys, looks_from_outside=looks_from_outside):
        findings.append(finding)
        if not as_json:
            _show(finding)
    is_ok = _is_ok(findings)
    if as_json:
        shown = {"checks": [finding.to_json() for finding in findings], "ok": is_ok}
        click.echo(json.dumps(shown, indent=2))
    sys.exit(0 if is_ok else 1)


def _find(found: Sequence[Finding], *, buys: bool, looks_from_outside: bool) -> Iterator[Finding]:
    """Every finding; `found` is what the caller keeps of them."""
    try:
        settings = load_settings(os.environ)
        check_schedule(settings)
    except SettingsError as error:
        yield Finding(name="settings", verdict="problem", detail=str(error))
        return
    run_id = f"check-{uuid4().hex}"
    yield from run_checks(_checks(settings, run_id))
    if looks_from_outside:
        yield from run_checks({"public": partial(check_public, settings)})
    if buys and _is_ok(found):
        yield from run_checks({"purchase": partial(_buy_one, settings, run_id)})
    elif buys:
        detail = "nothing was bought: first mend what is a problem"
        yield Finding(name="purchase", verdict="problem", detail=detail)


def _is_ok(findings: Iterable[Finding]) -> bool:
    return all(finding.verdict != "problem" for finding in findings)


def _checks(settings: Settings, run_id: str) -> Mapping[str, Check]:
    return {
        "mode": partial(check_mode, settings),
        "key": partial(check_key, settings),
        "api": partial(check_api, settings),
        "inputs": partial(check_inputs, settings),
        "photos": partial(check_photos, settings),
        "store": partial(check_store, settings, run_id),
        "dagster": partial(_check_dagster, settings),
    }


def _check_dagster(settings: Settings) -> Iterable[Finding]:
    is_rate_shared = not settings.is_sample and settings.rate_limiter is not None
    return check_instance(settings.shop, is_rate_shared=is_rate_shared)


def _buy_one(settings: Settings, run_id: str) -> Iterator[Finding]:
    with open_shop(settings, step="check") as shop:
        yield from buy_one(
            settings,
            shop.stores,
            replace(shop.run, run_id=run_id),
            announce=lambda text: people.print(escape(text), soft_wrap=True),
        )


def _show(finding: Finding) -> None:
    style = _STYLES[finding.verdict]
    line = " ".join(finding.detail.split())
    people.print(
        f"[{style}]{finding.verdict:<8}[/] [bold]{finding.name}[/]: {escape(line)}", soft_wrap=True
    )
