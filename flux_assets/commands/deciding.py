"""Decisions made, listed, exported and imported as `flux-assets decide` does."""

import getpass
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
from rich.markup import escape

from flux_assets.catalog.identity import normalise_id
from flux_assets.commands.people import answers, people
from flux_assets.commands.shop import look_at_shop, read_settings
from flux_assets.errors import FluxAssetsError
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.decision import DecisionVerdict, Wish
from flux_assets.publishing.decision_log import read_batches
from flux_assets.publishing.decision_table import (
    DecidedPicture,
    list_decided,
    read_csv,
    write_csv,
)
from flux_assets.publishing.decisions import (
    Answer,
    Decisions,
    decide,
    find_interrupted,
    read_decisions,
)
from flux_assets.storage.object_store import ObjectStore

_VIA = "decide"


class NoPictureError(FluxAssetsError):
    """The manifest has no such picture."""


def decide_pictures(
    product_id: str,
    shots: Sequence[str],
    verdict: DecisionVerdict,
    *,
    reasons: Sequence[str],
    note: str,
    as_json: bool,
) -> bool:
    """Decide the pictures of a product's shots; False where somebody forestalled it.

    Raises:
        NoPictureError: one of the shots has no stored picture.
        FluxAssetsError: it cannot be kept.
    """
    with look_at_shop(read_settings(buys=False), step=_VIA) as shop:
        found = {
            it.shot: it
            for it in _read_pictures(shop.store, read_decisions(shop.store), product_id, shots)
        }
        absent = [shot for shot in shots if shot not in found]
        if absent:
            problem = f"there is no stored picture of shot {absent[0]}"
            raise NoPictureError(f"product {product_id!r}: {problem}; nothing was decided")
        wishes = [found[shot].wish(verdict, reasons=reasons, note=note) for shot in found]
        return _decide(shop.store, wishes, as_json=as_json)


def import_decisions(path: Path, *, as_json: bool) -> bool:
    """Decide what a person changed in an exported file; False where somebody forestalled it.

    Raises:
        FluxAssetsError: the file cannot be understood, or a decision not be kept.
    """
    with look_at_shop(read_settings(buys=False), step=_VIA) as shop:
        wishes = read_csv(path.read_bytes(), str(path), read_decisions(shop.store))
        return _decide(shop.store, wishes, as_json=as_json)


def show_decisions(
    product_id: str | None,
    shots: Sequence[str],
    only: str | None,
    to_file: Path | None,
    *,
    as_json: bool,
) -> None:
    """Print the pictures with their decisions, or write them into a file.

    Raises:
        FluxAssetsError: the store cannot be read.
    """
    with look_at_shop(read_settings(buys=False), step=_VIA) as shop:
        listed = _read_pictures(shop.store, read_decisions(shop.store), product_id, shots)
        pictures = [it for it in listed if only in {None, it.verdict}]
    if to_file is not None:
        to_file.write_text(write_csv(pictures), "utf-8", newline="")
        told = f"{len(pictures)} pictures are in"
        answers.print(f"{told} {escape(str(to_file))}.", soft_wrap=True)
    elif as_json:
        click.echo(json.dumps([it.to_json() for it in pictures], indent=2, ensure_ascii=False))
    else:
        _show(pictures)


def list_interrupted(store: ObjectStore) -> list[str]:
    """Each batch that was noted and, by a crash, never applied as a whole; in words.

    Raises:
        StoreError: the log or the decisions cannot be read, or are damaged.
    """
    batches = [*read_batches(store)]
    found = find_interrupted(batches, read_decisions(store)) if batches else ()
    return [
        f"{batch.batch}, by {batch.by}: {len(batch.wishes)} decisions were noted and not applied, "
        f"as of {', '.join(wish.fingerprint[:16] for wish in batch.wishes[:5])}; the next publish "
        "within a week goes on with it, later decide again"
        for batch in found
    ]


def name_person() -> str:
    """Whoever runs the command, as the machine knows them."""
    return getpass.getuser()


def tell_answer(answer: Answer) -> None:
    """Say what of a batch was not applied, and why."""
    for wish, theirs in answer.conflicts:
        what = f"{theirs.verdict} by {theirs.by} at {theirs.at}" if theirs else "not decided"
        people.print(
            f"[bold yellow]Not changed:[/] {wish.fingerprint[:16]} is {escape(what)}, which you "
            "had not seen; look again, then decide",
            soft_wrap=True,
        )
    for fingerprint, problem in answer.failed.items():
        people.print(
            f"[bold red]Noted, not applied yet:[/] {fingerprint[:16]}: {escape(problem)}; the next "
            "edition or decision goes on with it",
            soft_wrap=True,
        )


def _read_pictures(
    store: ObjectStore, decisions: Decisions, product_id: str | None, shots: Sequence[str]
) -> Iterator[DecidedPicture]:
    manifest = open_manifest(store)
    if manifest is None:
        return
    wanted = None if product_id is None else normalise_id(product_id)
    for it in list_decided(manifest, decisions):
        if wanted in {None, it.product_id} and (not shots or it.shot in shots):
            yield it


def _decide(store: ObjectStore, wishes: Sequence[Wish], *, as_json: bool) -> bool:
    answer = decide(store, wishes, by=name_person(), via=_VIA)
    tell_answer(answer)
    if as_json:
        plain = {
            "batch": answer.batch,
            "applied": [{"fingerprint": it.fingerprint, **it.to_json()} for it in answer.applied],
            "conflicts": [wish.fingerprint for wish, _ in answer.conflicts],
            "failed": dict(answer.failed),
        }
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
    elif not wishes:
        answers.print("Nothing was changed, so nothing is decided.")
    else:
        answers.print(f"{len(answer.applied)} decided, in the batch {answer.batch}.")
        answers.print(f"To take it back: flux-assets rollback --undo {answer.batch}")
    return not (answer.conflicts or answer.failed)


def _show(pictures: Sequence[DecidedPicture]) -> None:
    for it in pictures:
        made = it.decision
        who = f" by {made.by}, {made.at}" if made else ""
        why = f": {'; '.join((*made.reasons, made.note)).strip('; ')}" if made else ""
        told = f"{it.product_id}, {it.shot}  {it.verdict}{who}{why.rstrip(': ')}"
        answers.print(escape(told), soft_wrap=True)
    if not pictures:
        answers.print("There is no such picture.")
