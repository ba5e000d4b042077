"""`flux-assets dev`: the Dagster UI on this machine."""

import click

from flux_assets.commands.calling import examples


@click.command(
    epilog=examples(
        "flux-assets dev                 at http://127.0.0.1:3000",
        "flux-assets dev --port 3001",
    )
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Where the UI listens.",
)
def dev(*, port: int) -> None:
    """Open the Dagster UI on this machine, with its daemon, and say which pages to open first.

    One runs for each Dagster home, and one on each port: a second says where the first is.

    Needs the web server: `pip install 'flux-assets[ui]'`.
    """
    from flux_assets.commands.serving import serve_ui

    serve_ui(port)
