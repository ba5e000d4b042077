"""`flux-assets refresh`: the job that buys what is new or changed."""

import json
import sys
from typing import Any

import click

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.plan_flags import choice_options, read_choices


@click.command(
    epilog=examples(
        "flux-assets refresh                      all that is new or changed",
        "flux-assets refresh --limit 20           the first 20 pictures, to look at them",
        "flux-assets refresh --product-ids 00123 --shots hero",
    )
)
@choice_options
@json_option
def refresh(*, as_json: bool, **flags: Any) -> None:  # noqa: ANN401 - what click parsed
    """Run the refresh job: buy what is new or changed, and write the manifest.

    Exit code 0: complete; 2: finished, but pictures are missing; 1: stopped, with the reason.
    """
    from flux_assets.commands.refreshing import refresh_shop, show_pictures
    from flux_assets.commands.shop import read_settings

    settings = read_settings()
    report = refresh_shop(settings, read_choices(flags))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        show_pictures(settings, report)
    sys.exit(report.exit_code)
