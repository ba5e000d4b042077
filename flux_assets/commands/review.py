"""`flux-assets review`: the page on which people look at the pictures, and decide."""

import click

from flux_assets.commands.calling import examples


@click.command(
    epilog=examples(
        "flux-assets review                     then open the address that it names",
        "flux-assets review --allow-rerolls     other pictures may be asked for on the page",
    )
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="Where."
)
@click.option(
    "--bind",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Another address takes a proxy that says who asks (docs/review.md).",
)
@click.option(
    "--allow-rerolls",
    is_flag=True,
    help="Let the page write wishes for other pictures into the overrides file; it never buys.",
)
def review(*, port: int, bind: str, allow_rerolls: bool) -> None:
    """Serve the review page: all pictures side by side, to approve, reject and compare.

    It answers this machine alone, runs without Dagster, and buys nothing.
    """
    from flux_assets.commands.reviewing import serve_review

    serve_review(port=port, address=bind, rerolls=allow_rerolls)
