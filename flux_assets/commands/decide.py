"""`flux-assets decide`: a person's yes or no to stored pictures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.choosing import shots_option
from flux_assets.commands.completion import complete_products

if TYPE_CHECKING:
    from flux_assets.publishing.decision import DecisionVerdict


@click.command(
    epilog=examples(
        "flux-assets decide 00123 --shots hero --reject --reason artefact",
        "flux-assets decide 00123 --shots lifestyle,banner --approve",
        "flux-assets decide --list --verdict undecided    what nobody has looked at",
        "flux-assets decide --export pictures.csv         then change `verdict` in it",
        "flux-assets decide --import pictures.csv",
    )
)
@click.argument("product_id", required=False, shell_complete=complete_products)
@shots_option(text="Of which shots; repeatable.")
@click.option("--approve", "approves", is_flag=True, help="It may be shown.")
@click.option("--reject", "rejects", is_flag=True, help="No channel shows it any more.")
@click.option("--undecided", "takes_back", is_flag=True, help="Take the decision back.")
@click.option("--reason", "reasons", multiple=True, help="Why; repeatable.")
@click.option("--note", help="What else there is to say; without it, an earlier note stays.")
@click.option("--list", "lists", is_flag=True, help="Print the pictures with their decisions.")
@click.option(
    "--verdict",
    "only",
    type=click.Choice(["approved", "rejected", "undecided"]),
    help="Of --list and --export: only these.",
)
@click.option(
    "--export", "to_file", type=click.Path(path_type=Path, dir_okay=False), help="Write them all."
)
@click.option(
    "--import",
    "from_file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Decide what was changed in such a file.",
)
@json_option
def decide(
    *,
    product_id: str | None,
    shots: tuple[str, ...],
    approves: bool,
    rejects: bool,
    takes_back: bool,
    reasons: tuple[str, ...],
    note: str | None,
    only: str | None,
    to_file: Path | None,
    from_file: Path | None,
    lists: bool,
    as_json: bool,
) -> None:
    """Approve or reject the stored picture of a product's shots. Free: nothing is sent.

    A rejected picture leaves every channel with the next edition, and no refresh brings it back;
    another picture is another decision. Nobody's decision is written over unseen.

    Exit code 0: all is decided; 1: somebody else decided meanwhile, or it could not be kept.
    """
    flags: dict[DecisionVerdict, bool]
    flags = {"approved": approves, "rejected": rejects, "undecided": takes_back}
    verdicts = [verdict for verdict, is_given in flags.items() if is_given]
    if sum((len(verdicts), lists, to_file is not None, from_file is not None)) != 1:
        given = "--approve, --reject, --undecided, --list, --export and --import"
        raise click.UsageError(f"give one of {given}")
    if verdicts and (product_id is None or not shots):
        raise click.UsageError("name the product and its --shots")
    if (reasons or note is not None) and not verdicts:
        raise click.UsageError("--reason and --note go with --approve, --reject and --undecided")
    if only is not None and not (lists or to_file):
        raise click.UsageError("--verdict goes with --list and --export")
    if from_file is not None and (product_id or shots):
        raise click.UsageError("a file names its pictures itself")
    from flux_assets.commands import deciding

    for verdict in verdicts:
        is_done = deciding.decide_pictures(
            product_id or "", shots, verdict, reasons=reasons, note=note, as_json=as_json
        )
        sys.exit(0 if is_done else 1)
    if from_file is not None:
        sys.exit(0 if deciding.import_decisions(from_file, as_json=as_json) else 1)
    deciding.show_decisions(product_id, shots, only, to_file, as_json=as_json)
