"""`flux-assets rollback`: channels back to what they showed before."""

import sys

import click

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.choosing import shots_option
from flux_assets.commands.completion import complete_products


@click.command(
    epilog=examples(
        "flux-assets rollback --product 00123 --shots hero --reason 'too dark'",
        "flux-assets rollback --before 2026-11-26 --reason 'wrong template'",
        "flux-assets rollback --channel google --edition 41 --reason 'wrong template'",
        "flux-assets rollback --undo 2026-11-26-0123456789ab",
    )
)
@click.option("--product", shell_complete=complete_products, help="What is shown of this product.")
@shots_option(text="Of --product: only these shots; repeatable.")
@click.option("--before", metavar="DATE", help="What came since the start of this day, in UTC.")
@click.option("--channel", help="Of --edition: whose.")
@click.option("--edition", type=click.IntRange(min=1), help="What came since this edition.")
@click.option("--undo", metavar="BATCH", help="Give back the decisions from before a batch.")
@click.option("--reason", help="Why; it is kept with each decision.")
@json_option
def rollback(
    *,
    product: str | None,
    shots: tuple[str, ...],
    before: str | None,
    channel: str | None,
    edition: int | None,
    undo: str | None,
    reason: str | None,
    as_json: bool,
) -> None:
    """Reject what channels show since, and let all of them show what came before. Free.

    It holds at once, and no refresh brings the pictures back; another picture is another decision.

    Exit code 0: none of it is shown any more; 1: it could not be done, or somebody else decided
    meanwhile.
    """
    if sum(it is not None for it in (product, before, edition, undo)) != 1:
        raise click.UsageError("give one of --product, --before, --edition and --undo")
    if (channel is None) != (edition is None):
        raise click.UsageError("--channel and --edition go together")
    if shots and product is None:
        raise click.UsageError("--shots goes with --product")
    if undo is None and not (reason or "").strip():
        raise click.UsageError("say why, by --reason")
    from flux_assets.commands import rolling_back

    if undo is not None:
        sys.exit(0 if rolling_back.undo(undo, as_json=as_json) else 1)
    is_done = rolling_back.roll_back(
        product=product,
        shots=shots,
        before=before,
        edition=(channel, edition) if channel and edition else None,
        reason=reason or "",
        as_json=as_json,
    )
    sys.exit(0 if is_done else 1)
