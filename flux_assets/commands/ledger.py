"""`flux-assets ledger`: requests that wait for a person, and releasing them."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from rich.markdown import Markdown

from flux_assets.bill.send_rules import SendRules
from flux_assets.bill.waiting import (
    WAITING_STATES,
    ReleaseError,
    WaitingFilter,
    WaitingRequest,
    WaitingRequests,
)
from flux_assets.commands.people import people
from flux_assets.commands.plan_flags import json_option
from flux_assets.commands.shop import open_shop, read_settings
from flux_assets.defs.reports import waiting_table
from flux_assets.settings import Settings

_Command = TypeVar("_Command", bound=Callable[..., Any])

_FILTERS = (
    click.option(
        "--state",
        "states",
        multiple=True,
        type=click.Choice(WAITING_STATES),
        help="Only those in this state; repeatable.",
    ),
    click.option(
        "--product-ids", multiple=True, metavar="ID", help="Only this product; repeatable."
    ),
    click.option("--shots", multiple=True, metavar="NAME", help="Only this shot; repeatable."),
)


def _filter_options(command: _Command) -> _Command:
    for option in reversed(_FILTERS):
        command = option(command)
    return command


@click.group(invoke_without_command=True)
@_filter_options
@json_option
@click.pass_context
def ledger(context: click.Context, /, *, as_json: bool, **filters: tuple[str, ...]) -> None:
    """List the requests that wait for a person: held, refused, failed, lost, missing, unknown."""
    if context.invoked_subcommand:
        if as_json or any(filters.values()):
            raise click.UsageError(f"options of {context.invoked_subcommand} come after its name")
        return
    with _open_waiting(read_settings()) as waiting:
        found = sorted(
            waiting.find(WaitingFilter(**filters)),
            key=lambda item: (item.state, item.product_id, item.shot),
        )
    if as_json:
        counts = Counter(item.state for item in found)
        shown = {
            "counts": {state: counts[state] for state in WAITING_STATES},
            "entries": [item.to_json() for item in found],
        }
        click.echo(json.dumps(shown, indent=2))
    elif found:
        people.print(Markdown(waiting_table([item.to_json() for item in found])))
    else:
        people.print("No request waits for a person.")


@ledger.command()
@click.argument("fingerprints", nargs=-1)
@_filter_options
@click.option("--yes", is_flag=True, help="Do not ask, even if a picture may be paid twice.")
def release(*, fingerprints: tuple[str, ...], yes: bool, **filters: tuple[str, ...]) -> None:
    """Let requests be sent again: those of FINGERPRINTS (8 digits or more), or chosen by filters.

    Given both, those of the fingerprints that the filters take. Where one cannot be released,
    none is. Nothing is bought before the next refresh.
    """
    if not fingerprints and not any(filters.values()):
        raise click.UsageError("name fingerprints, or choose with --state, --product-ids, --shots")
    settings = read_settings()
    wanted = WaitingFilter(**filters)
    with _open_waiting(settings) as waiting:
        if fingerprints:
            chosen = [item for item in waiting.find_named(fingerprints) if wanted.takes(item)]
        else:
            chosen = list(waiting.find(wanted))
        if not chosen:
            raise ReleaseError("no request that waits is so chosen; nothing was released")
        waiting.check(chosen)
        people.print(Markdown(waiting_table([item.to_json() for item in chosen])))
        if not yes and not _is_agreed(settings, chosen):
            raise ReleaseError("nothing was released")
        for item in chosen:
            waiting.release(item)
    people.print(
        f"Released: {len(chosen)}. `flux-assets plan` shows what the next refresh buys.",
        soft_wrap=True,
    )


def _is_agreed(settings: Settings, chosen: Sequence[WaitingRequest]) -> bool:
    """Whether nothing can be paid twice, or a person says so."""
    maybe_paid = sum(item.may_be_paid for item in chosen)
    if not maybe_paid:
        return True
    cost_usd = maybe_paid * settings.cost_usd_per_image
    question = (
        "Buying them may pay a second time for "
        f"{maybe_paid} {'picture' if maybe_paid == 1 else 'pictures'}, about {cost_usd:.2f} USD. "
        "Release them?"
    )
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody there to ask
        people.print("\nWhere nobody can answer, --yes does.")
        return False


@contextmanager
def _open_waiting(settings: Settings) -> Iterator[WaitingRequests]:
    with open_shop(settings, step="release") as shop:
        yield WaitingRequests(store=shop.store, ledger=shop.ledger, rules=SendRules.of(settings))
