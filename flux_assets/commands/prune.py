"""`flux-assets prune`: old pictures deleted from the store, once somebody has seen which."""

import sys

import click

from flux_assets.commands.calling import examples, json_option


@click.command(
    epilog=examples(
        "flux-assets prune                 which could be deleted",
        "flux-assets prune --delete",
        "flux-assets prune --orphaned --older-than-days 90",
        "flux-assets prune --renditions    also what was made of pictures and is shown no more",
    )
)
@click.option("--delete", "deletes", is_flag=True, help="Delete them; without it, nothing is.")
@click.option(
    "--orphaned",
    is_flag=True,
    help="Also those of products and shots that the catalog or shots file has no more.",
)
@click.option(
    "--renditions",
    is_flag=True,
    help="Also the files for channels that none of them shows, or can go back to.",
)
@click.option(
    "--table-parts",
    is_flag=True,
    help="Also the parts of tables that no table names any more.",
)
@click.option(
    "--older-than-days",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    metavar="N",
    help="Only what was stored at least N days ago, by the store's clock; renditions at least 7, "
    "table parts 30.",
)
@json_option
def prune(
    *,
    deletes: bool,
    orphaned: bool,
    renditions: bool,
    table_parts: bool,
    older_than_days: int,
    as_json: bool,
) -> None:
    """Show which old pictures could be deleted to save room; --delete deletes them.

    Old is what has a newer picture beside it that is shown now. What the manifest, the catalog, the
    shots file or the overrides name stays, what feeds showed within FLUX_ASSETS_ROLLBACK_DAYS, and
    the ledger. A deleted picture must be paid again if it is ever wanted again; a rendition costs
    nothing but time, and an old part of a table is never wanted again.

    Exit code 0: complete; 2: finished, but some could not be deleted; 1: stopped, with the reason.
    """
    from flux_assets.commands.pruning import prune_store

    is_done = prune_store(
        deletes=deletes,
        orphaned=orphaned,
        renditions=renditions,
        table_parts=table_parts,
        older_than_days=older_than_days,
        as_json=as_json,
    )
    sys.exit(0 if is_done else 2)
