"""`flux-assets demo`: the whole job in sample mode."""

import os
import sys
from pathlib import Path

import click

from flux_assets.commands.calling import examples


@click.command(
    epilog=examples(
        "flux-assets demo         in an empty folder: lays down a sample catalog first",
        "flux-assets dev          then look at the pictures in Dagster",
    )
)
def demo() -> None:
    """Run the whole job in sample mode: free, no key, nothing leaves this machine.

    It ends with the files that sales channels would read, and says where they are.
    """
    from flux_assets.commands.component import find_settings
    from flux_assets.commands.people import people
    from flux_assets.commands.publishing import publish_pictures, show_demo
    from flux_assets.commands.refreshing import refresh_shop, show_pictures
    from flux_assets.commands.sample_files import name_channels, put_sample_files
    from flux_assets.commands.shop import read_settings
    from flux_assets.planning.choices import Choices

    os.environ["FLUX_ASSETS_MODE"] = "sample"
    settings = read_settings()
    if not settings.is_sample:  # which only a component's file can say here
        raise click.UsageError(
            "the demo is free, and this project's shop says `mode: live`; `flux-assets plan` shows "
            "what a refresh of it would buy"
        )
    command = "flux-assets dev"
    if not settings.model_fields_set & {"catalog", "shots"}:
        if put_sample_files(Path()):
            people.print("Put the sample catalog, its shots and photos into data/.")
        if named := name_channels(Path(), os.environ):
            settings, command = find_settings(), f"{named} {command}"
    report = refresh_shop(settings, Choices())
    show_pictures(settings, report)
    exit_code = report.exit_code
    if settings.channels and not report.failure:
        publication = publish_pictures(settings, accept_drop=False)
        show_demo(publication)
        exit_code = exit_code or publication.exit_code
    is_checkout = Path("Makefile").exists()
    look = "make review" if is_checkout else command.replace("assets dev", "assets review")
    people.print(f"\nLook at them, and decide: [bold]{look}[/]", soft_wrap=True)
    command = "make dev" if is_checkout else command
    people.print(f"See them in the Dagster UI: [bold]{command}[/]", soft_wrap=True)
    sys.exit(exit_code)
