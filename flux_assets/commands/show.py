"""`flux-assets show`: what is with a product."""

import click

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.choosing import shots_option
from flux_assets.commands.completion import complete_products


@click.command(
    epilog=examples(
        "flux-assets show 00123                    its pictures, and what stands in their way",
        "flux-assets show 00123 00124 --shots hero",
        "flux-assets show 00123 --json             with every column of the manifest",
    )
)
@click.argument("products", nargs=-1, required=True, shell_complete=complete_products)
@shots_option()
@json_option
def show(*, products: tuple[str, ...], shots: tuple[str, ...], as_json: bool) -> None:
    """Show what is stored of PRODUCTS and asked for, what was paid, decided and published. Free.

    Of each shot: the picture, what the next refresh does with it and why, its ledger entry,
    overrides, decision and places in feeds. The last refresh's tables are asked, and the store;
    neither the export is read nor Dagster.
    """
    from flux_assets.commands.showing import show_products

    show_products(products, shots, as_json=as_json)
