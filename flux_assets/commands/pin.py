"""`flux-assets pin`: one certain stored picture, shown whatever is asked for."""

import click

from flux_assets.commands.calling import examples
from flux_assets.commands.choosing import shots_option
from flux_assets.commands.completion import complete_products


@click.command(
    epilog=examples(
        "flux-assets pin 00123 --shots hero --previous    the picture before the one of now",
        "flux-assets pin 00123 --shots hero 3f9c21aa      the one of this fingerprint",
        "flux-assets pin 00123 --shots hero --remove      whatever is asked for again",
    )
)
@click.argument("product_id", shell_complete=complete_products)
@click.argument("fingerprint", required=False)
@shots_option(required=True, text="Of which shots; repeatable.")
@click.option("--previous", is_flag=True, help="The picture that came before the one of now.")
@click.option("--remove", is_flag=True, help="Take the pin off.")
def pin(
    product_id: str,
    fingerprint: str | None,
    shots: tuple[str, ...],
    *,
    previous: bool,
    remove: bool,
) -> None:
    """Keep one stored picture of a product, or bring it back. Free: nothing is sent.

    Writes its FINGERPRINT (8 digits or more) as a pin into the file that FLUX_ASSETS_OVERRIDES
    names. The next refresh shows it, without a call, and buys no other until the pin is off.
    """
    if sum((fingerprint is not None, previous, remove)) != 1:
        raise click.UsageError("give one of FINGERPRINT, --previous and --remove")
    if fingerprint is not None and len(set(shots)) > 1:
        raise click.UsageError("a fingerprint is one shot's; name that one")
    from flux_assets.commands.pinning import pin_pictures

    pin_pictures(product_id, shots, fingerprint=fingerprint, previous=previous)
