"""`flux-assets ledger`: requests that wait for a person, and releasing them."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from flux_assets.bill.waiting_states import WAITING_STATES
from flux_assets.commands.calling import examples, json_option
from flux_assets.commands.choosing import product_ids_option, shots_option

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FILTERS = (
    click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(WAITING_STATES),
        help="Only those in this state; repeatable.",
    ),
    product_ids_option,
    shots_option(),
)


def _filter_options(command: _Command) -> _Command:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "flux-assets ledger                            all that waits, and why",
        "flux-assets ledger --state refused --shots hero",
        "flux-assets ledger release 3f9c21aa",
    ),
)
@_filter_options
@json_option
@click.pass_context
def ledger(context: click.Context, /, *, as_json: bool, **filters: tuple[str, ...]) -> None:
    """List the requests that wait for a person.

    They are held, refused, failed, unfetched, undecoded, lost, missing or unknown.
    """
    if context.invoked_subcommand:
        if as_json or any(filters.values()):
            raise click.UsageError(f"options of {context.invoked_subcommand} come after its name")
        return
    from flux_assets.bill.waiting import WaitingFilter
    from flux_assets.commands.releasing import list_waiting

    list_waiting(WaitingFilter(**filters), as_json=as_json)


@ledger.command(
    epilog=examples(
        "flux-assets ledger release 3f9c21aa 77e0b1d2",
        "flux-assets ledger release --state failed --yes",
    )
)
@click.argument("fingerprints", nargs=-1)
@_filter_options
@click.option("--yes", is_flag=True, help="Do not ask, even if a picture may be paid twice.")
def release(*, fingerprints: tuple[str, ...], yes: bool, **filters: tuple[str, ...]) -> None:
    """Let requests be sent again: those of FINGERPRINTS (8 digits or more), or chosen by filters.

    Given both, those of the fingerprints that the filters take. Where one cannot be released,
    none is. What is paid is asked for once more, and stored if it comes. Nothing is bought before
    the next refresh.
    """
    if not fingerprints and not any(filters.values()):
        raise click.UsageError("name fingerprints, or choose with --state, --product-ids, --shots")
    from flux_assets.bill.waiting import WaitingFilter
    from flux_assets.commands.releasing import release_waiting

    release_waiting(fingerprints, WaitingFilter(**filters), yes=yes)
