"""`flux-assets init`: a folder to begin with, for one's own export or the sample."""

from pathlib import Path

import click

from flux_assets.commands.calling import examples


@click.command(
    epilog=examples(
        "flux-assets init                                  here, with the sample catalog",
        "flux-assets init shoes --catalog export.csv       for your own export",
    )
)
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
@click.option(
    "--catalog",
    metavar="FILE",
    help="The shop's export: a path, s3:// or https://. A copy of it goes into the folder.",
)
def init(*, folder: Path, catalog: str | None) -> None:
    """Lay down what a shop needs: a catalog, shots, channels, dagster.yaml and .env.example.

    Says how the export is read, and proposes columns, shots and channels for it. In a project of
    `dg` it is a component with its defs.yaml. A .gitignore keeps your key and what runs make
    out of your repository. No file that is there is overwritten; what yours lacks is told.
    Free: nothing is bought.
    """
    from flux_assets.commands.laying_down import lay_down

    lay_down(folder, catalog)
