"""Channels back to what they showed before, as `flux-assets rollback` does."""

import json
from collections.abc import Sequence
from datetime import date

import click

from flux_assets.catalog.identity import normalise_id
from flux_assets.commands.deciding import answer_to_json, name_person, tell_answer
from flux_assets.commands.people import answers
from flux_assets.commands.shop import look_at_shop, read_settings
from flux_assets.publishing.decisions import undo_batch
from flux_assets.publishing.interrupted import finish_or_refuse
from flux_assets.publishing.publish import Published
from flux_assets.publishing.rollback import (
    RollbackUnfinishedError,
    RolledBack,
    roll_back_before,
    roll_back_product,
    roll_back_to_edition,
)
from flux_assets.storage.object_store import ObjectStore

_STEP = "rollback"


def roll_back(
    *,
    product: str | None,
    shots: Sequence[str],
    before: str | None,
    edition: tuple[str, int] | None,
    reason: str,
    as_json: bool,
) -> bool:
    """Go back by one of product, date and edition; False where somebody decided meanwhile.

    Raises:
        NothingToRollBackError: there is nothing to go back from, or to.
        RollbackUnfinishedError: it is decided, but some channels' feeds could not be written.
        StoreError: the store cannot be read or written.
    """
    day = _read_day(before) if before is not None else ""
    with look_at_shop(read_settings(buys=False), step=_STEP) as shop:
        finish_or_refuse(shop.store)
        try:
            done = _roll_back(
                shop.store, product=product, shots=shots, day=day, edition=edition, reason=reason
            )
        except RollbackUnfinishedError as error:
            _show(error.done, as_json=as_json)
            raise
    _show(done, as_json=as_json)
    return not (done.answer.conflicts or done.answer.failed)


def undo(batch: str, *, as_json: bool) -> bool:
    """Give back the decisions from before a batch; False where not all could be.

    Raises:
        DecisionError: there is no such batch.
        StoreError: the store cannot be read or written.
    """
    with look_at_shop(read_settings(buys=False), step=_STEP) as shop:
        answer = undo_batch(shop.store, batch, by=name_person())
    tell_answer(answer)
    if as_json:
        click.echo(json.dumps(answer_to_json(answer), indent=2, ensure_ascii=False))
        return not (answer.conflicts or answer.failed)
    answers.print(f"{len(answer.applied)} decisions are as they were before {batch}.")
    if answer.applied:
        answers.print("What may be shown again comes with the next edition.")
    return not (answer.conflicts or answer.failed)


def _roll_back(
    store: ObjectStore,
    *,
    product: str | None,
    shots: Sequence[str],
    day: str,
    edition: tuple[str, int] | None,
    reason: str,
) -> RolledBack:
    by = name_person()
    if product is not None:
        return roll_back_product(store, normalise_id(product), shots=shots, reason=reason, by=by)
    if edition is not None:
        return roll_back_to_edition(store, *edition, reason=reason, by=by)
    return roll_back_before(store, day, reason=reason, by=by)


def _read_day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise click.UsageError(f"--before is {text!r}, not a day such as 2026-11-26") from error


def _show(done: RolledBack, *, as_json: bool) -> None:
    tell_answer(done.answer)
    if not as_json:
        _tell(done)
        return
    channels = {
        it.edition.channel: {
            "edition": it.edition.number,
            "is_new": it.is_new,
            "withdrawn": len(it.plan.withdrawn),
        }
        for it in done.published
        if it.edition
    }
    told = {"channels": channels, "failed_channels": {k: str(v) for k, v in done.failed.items()}}
    click.echo(json.dumps({**answer_to_json(done.answer), **told}, indent=2))


def _tell(done: RolledBack) -> None:
    for published in done.published:
        _tell_channel(published)
    if done.answer.batch:
        answers.print(f"{len(done.answer.applied)} pictures rejected, in one batch.")
        answers.print(f"To take it back: flux-assets rollback --undo {done.answer.batch}")
    else:
        answers.print("Nothing was shown that is not rejected already.")


def _tell_channel(published: Published) -> None:
    edition = published.edition
    if edition is None:
        return
    told = (
        f"edition {edition.number} is out, {len(published.plan.withdrawn)} pictures withdrawn"
        if published.is_new
        else f"edition {edition.number} stays as it is"
    )
    answers.print(f"{edition.channel}: {told}.", soft_wrap=True, markup=False)
