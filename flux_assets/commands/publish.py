"""`flux-assets publish`: what channels read, made of the stored pictures, without Dagster."""

import json
import sys
from dataclasses import asdict

import click

from flux_assets.commands.calling import examples, json_option


@click.command(
    epilog=examples(
        "flux-assets publish",
        "flux-assets publish --json     what was made, for a program",
    )
)
@click.option(
    "--accept-drop", is_flag=True, help="Go on although many products would show nothing any more."
)
@json_option
def publish(*, accept_drop: bool, as_json: bool) -> None:
    """Make what the channels file asks for of each stored picture. Free; nothing is bought.

    First the files of each picture, then each channel's next edition and its feeds, then the
    gallery. What is made already is not made again: run it at any time, as often as you like.

    Exit code 0: complete; 2: finished, but of some pictures nothing could be made; 1: stopped, with
    the reason, or a feed that would lose too much was left as it is.
    """
    from flux_assets.commands.feeds_shown import feeds_to_json
    from flux_assets.commands.publishing import publish_pictures, show_publication
    from flux_assets.commands.shop import read_settings

    settings = read_settings(buys=False)
    publication = publish_pictures(settings, accept_drop=accept_drop)
    if as_json:
        made = {**publication.renditions.to_json(), "renditions": publication.row_count}
        gallery = asdict(publication.gallery) if publication.gallery else None
        told = {**made, "channels": feeds_to_json(publication.feeds), "gallery": gallery}
        click.echo(json.dumps(told, indent=2))
    else:
        show_publication(settings, publication)
    sys.exit(publication.exit_code)
