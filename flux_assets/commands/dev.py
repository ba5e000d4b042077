"""`flux-assets dev`: the Dagster UI on this machine."""

import os
import signal
import sys
from pathlib import Path

import click

from flux_assets.commands.calling import examples


@click.command(
    epilog=examples(
        "flux-assets dev                 at http://127.0.0.1:3000",
        "flux-assets dev --port 3001",
    )
)
@click.option("--port", default=3000, show_default=True, help="Where the UI listens.")
def dev(*, port: int) -> None:
    """Open the Dagster UI on this machine, with its daemon."""
    from flux_assets.commands.dagster_home import prepare_dagster_home
    from flux_assets.commands.shop import read_settings

    read_settings()
    prepare_dagster_home()
    dagster = Path(sys.executable).with_name("dagster")
    arguments = ["dev", "-h", "127.0.0.1", "-p", str(port)]
    workspace = Path("workspace.yaml")
    # A script starts what it puts into the background deaf to Ctrl-C, and Dagster then to SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    arguments += ["-w", str(workspace)] if workspace.exists() else ["-m", "flux_assets.definitions"]
    os.execv(dagster, [str(dagster), *arguments])  # noqa: S606 - our own environment's Dagster
