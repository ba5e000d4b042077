"""`flux-assets publish`: what channels read, made of the stored pictures, without Dagster."""

import json
import sys

import click

from flux_assets.commands.calling import examples, json_option


@click.command(
    epilog=examples(
        "flux-assets publish",
        "flux-assets publish --json     what was made, for a program",
    )
)
@json_option
def publish(*, as_json: bool) -> None:
    """Make what the channels file asks for of each stored picture. Free; nothing is bought.

    What is made already is not made again: it may run at any time, and as often as you like.

    Exit code 0: complete; 2: finished, but of some pictures nothing could be made; 1: stopped, with
    the reason.
    """
    from flux_assets.commands.publishing import publish_pictures, show_publication
    from flux_assets.commands.shop import read_settings

    settings = read_settings()
    report, row_count = publish_pictures(settings)
    if as_json:
        click.echo(json.dumps({**report.to_json(), "renditions": row_count}, indent=2))
    else:
        show_publication(settings, report, row_count)
    sys.exit(2 if report.problems else 0)
