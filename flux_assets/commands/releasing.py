"""Requests that wait for a person, listed and released as `flux-assets ledger` does."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import click
from rich.markup import escape

from flux_assets.bill.send_rules import SendRules
from flux_assets.bill.waiting import (
    ReleaseError,
    WaitingFilter,
    WaitingRequest,
    WaitingRequests,
)
from flux_assets.bill.waiting_states import WAITING_STATES
from flux_assets.buying.generation import open_generation
from flux_assets.commands.people import answers, people
from flux_assets.commands.reports_shown import show_report
from flux_assets.commands.shop import Shop, look_at_shop, read_settings
from flux_assets.defs.reports import waiting_table
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.settings import Settings


def list_waiting(wanted: WaitingFilter, *, as_json: bool) -> None:
    """Print those that wait and are wanted."""
    with _open_waiting(read_settings()) as (shop, waiting):
        found = sorted(
            waiting.find(wanted),
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
        show_report(waiting_table([item.to_json() for item in found]))
    else:
        answers.print(f"No request waits for a person in {escape(shop.store.uri)}.", soft_wrap=True)


def release_waiting(fingerprints: Sequence[str], wanted: WaitingFilter, *, yes: bool) -> None:
    """Let those be sent again; asks first where that may pay twice, unless told `yes`.

    Raises:
        ReleaseError: none was released.
    """
    settings = read_settings()
    with _open_waiting(settings) as (shop, waiting):
        if fingerprints:
            chosen = [item for item in waiting.find_named(fingerprints) if wanted.takes(item)]
        else:
            chosen = list(waiting.find(wanted))
        if not chosen:
            raise ReleaseError("no request that waits is so chosen; nothing was released")
        waiting.check(chosen)
        chosen = list(_ask_once_more(shop, chosen))
        if not chosen:
            answers.print("There is nothing left to release.")
            return
        show_report(waiting_table([item.to_json() for item in chosen]))
        if not yes and not _is_agreed(settings, chosen):
            raise ReleaseError("nothing was released")
        for item in chosen:
            waiting.release(item)
    answers.print(
        f"Released: {len(chosen)}. `flux-assets plan` shows what the next refresh buys.",
        soft_wrap=True,
    )


def _ask_once_more(shop: Shop, chosen: Sequence[WaitingRequest]) -> Iterator[WaitingRequest]:
    """Those that the vendor does not have either, with what it said just now."""
    settings = shop.settings
    fetchable = [item for item in chosen if item.may_be_fetched]
    yield from (item for item in chosen if not item.may_be_fetched)
    if not fetchable:
        return
    with (
        open_api(
            ApiOptions.of(settings),
            api_key=settings.onemin_api_key,
            rate_limiter=settings.rate_limiter,
        ) as api,
        open_generation(
            settings, shop.stores, api, shop.run, to_obtain=0, retry_refused=False
        ) as generation,
    ):
        for item in fetchable:
            problem = generation.ask_once(item.entry)
            if problem:
                yield replace(item, reason=problem)
            else:
                answers.print(
                    f"Fetched and stored, without a call: product {item.product_id!r}, "
                    f"shot {item.shot}.",
                    markup=False,
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
def _open_waiting(settings: Settings) -> Iterator[tuple[Shop, WaitingRequests]]:
    with look_at_shop(settings, step="release") as shop:
        rules = SendRules.of(settings)
        yield shop, WaitingRequests(store=shop.store, ledger=shop.ledger, rules=rules)
