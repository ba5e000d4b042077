"""`flux-assets verify`: the store's pictures, ledger and manifest held against each other."""

import json
import os
import sys

import click
from rich.console import Console
from rich.markdown import Markdown

from flux_assets.bill.open_ledger import open_ledger
from flux_assets.buying.picture_records import open_records
from flux_assets.commands.launch import open_run_identity, prepare_dagster_home
from flux_assets.commands.plan_flags import json_option
from flux_assets.defs.reports import audit_report
from flux_assets.defs.resources import StoreResource
from flux_assets.manifest.audit import verify_store
from flux_assets.settings import load_settings

_people = Console(stderr=True, highlight=False)


@click.command()
@click.option("--deep", is_flag=True, help="Read every picture and compare its sha256.")
@click.option(
    "--repair", is_flag=True, help="Mend what needs no call: ledger entries and the manifest."
)
@json_option
def verify(*, deep: bool, repair: bool, as_json: bool) -> None:
    """Say whether every paid picture is where the ledger and the manifest say. Free.

    Nothing is bought, nothing removed.

    Exit code 0: nothing is wrong, or no longer so; 1: something is.
    """
    settings = load_settings(os.environ)
    prepare_dagster_home()
    store = StoreResource.of(settings).open().shop
    with open_run_identity("verify") as run:
        ledger = open_ledger(settings, store, run)
        records = open_records(settings, store, ledger, preview_px=0)
        findings = verify_store(records, deep=deep, repair=repair)
    if as_json:
        click.echo(json.dumps(findings.to_json(), indent=2))
    else:
        _people.print(Markdown(audit_report(findings)))
    sys.exit(0 if findings.is_sound else 1)
