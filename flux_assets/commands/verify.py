"""`flux-assets verify`: the store's pictures, ledger and manifest held against each other."""

import json
import sys

import click

from flux_assets.commands.calling import examples, json_option


@click.command(
    epilog=examples(
        "flux-assets verify             what the ledger and the manifest say, without the bytes",
        "flux-assets verify --deep      every picture is read",
        "flux-assets verify --repair",
    )
)
@click.option("--deep", is_flag=True, help="Read every picture and compare its sha256.")
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what needs no call: ledger entries, the manifest and the table of renditions.",
)
@json_option
def verify(*, deep: bool, repair: bool, as_json: bool) -> None:
    """Say whether every paid picture is where the ledger and the manifest say. Free.

    So it is said of the files that channels read. Nothing is bought, nothing removed. Decisions
    that a crash left unapplied are named, too.

    Exit code 0: nothing is wrong, or no longer so; 1: something is, or there is no store.
    """
    from rich.markup import escape

    from flux_assets.buying.picture_records import open_records
    from flux_assets.commands.deciding import list_interrupted
    from flux_assets.commands.people import answers
    from flux_assets.commands.reports_shown import show_report
    from flux_assets.commands.shop import look_at_shop, read_settings
    from flux_assets.defs.reports import audit_report
    from flux_assets.manifest.audit import verify_store
    from flux_assets.publishing.audit import audit_renditions
    from flux_assets.publishing.channels import load_channels

    settings = read_settings()
    channels = load_channels(settings) if repair else None
    with look_at_shop(settings, step="verify") as shop:
        records = open_records(settings, shop.store, shop.ledger, preview_px=0)
        findings = verify_store(records, deep=deep, repair=repair)
        audit_renditions(shop.store, findings, deep=deep, repair_by=channels)
        interrupted = list_interrupted(shop.store)
    is_sound = findings.is_sound and not interrupted
    if as_json:
        told = {"store": shop.store.uri, **findings.to_json(), "ok": is_sound}
        click.echo(json.dumps({**told, "interrupted_decisions": interrupted}, indent=2))
    else:
        answers.print(f"The store is {escape(shop.store.uri)}.", soft_wrap=True)
        show_report(audit_report(findings))
        for line in interrupted:
            answers.print(f"[bold yellow]Interrupted:[/] {escape(line)}", soft_wrap=True)
    sys.exit(0 if is_sound else 1)
