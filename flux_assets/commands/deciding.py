"""Decisions made, listed, exported and imported as `flux-assets decide` does."""

import getpass
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

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
    note: str | None,
    as_json: bool,
) -> bool:
    """Decide the pictures of a product's shots; False where somebody forestalled it.

    A picture keeps the note that it has where none is given.

    Raises:
        NoPictureError: one of the shots has no stored picture.
        FluxAssetsError: it cannot be kept.
    """
    with look_at_shop(read_settings(buys=False), step=_VIA) as shop:
        listed = [*_read_pictures(shop.store, read_decisions(shop.store), None, ())]
        found = _find_shots(listed, product_id, shots)
        wishes = [it.wish(verdict, reasons=reasons, note=note) for it in found]
        return _decide(shop.store, wishes, as_json=as_json)


def import_decisions(path: Path, *, as_json: bool) -> bool:
    """Decide what a person changed in an exported file; False where somebody forestalled it.

    Raises:
        FluxAssetsError: the file cannot be understood, or a decision not be kept.
    """
    with look_at_shop(read_settings(buys=False), step=_VIA) as shop:
        decisions = read_decisions(shop.store)
        wishes = read_csv(path.read_bytes(), str(path), decisions)
        _tell_absent(_read_pictures(shop.store, decisions, None, ()), wishes, str(path))
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
        to_file.write_text(write_csv(pictures), "utf-8-sig", newline="")  # as Excel needs it
        if as_json:
            click.echo(json.dumps({"pictures": len(pictures), "file": str(to_file)}))
        else:
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
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # as in a container that runs under any number
        return f"uid {os.getuid()}"


def answer_to_json(answer: Answer) -> dict[str, Any]:
    """What became of a batch, for a program."""
    return {
        "batch": answer.batch,
        "applied": [{"fingerprint": it.fingerprint, **it.to_json()} for it in answer.applied],
        "conflicts": [wish.fingerprint for wish, _ in answer.conflicts],
        "failed": dict(answer.failed),
    }


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


def _find_shots(
    listed: Sequence[DecidedPicture], product_id: str, shots: Sequence[str]
) -> list[DecidedPicture]:
    """The pictures of a product's shots, each once.

    Raises:
        NoPictureError: there is no such product, or no picture of a shot.
    """
    wanted = normalise_id(product_id)
    found = {it.shot: it for it in listed if it.product_id == wanted}
    nothing = "nothing was decided"
    if not found:
        near = get_close_matches(wanted, {it.product_id for it in listed})
        hint = f"; near it: {', '.join(map(repr, near))}" if near else ""
        problem = f"the manifest, which a refresh writes last, has no picture of this id{hint}"
        raise NoPictureError(f"product {product_id!r}: {problem}; {nothing}")
    for shot in shots:
        if shot not in found:
            problem = f"there is no stored picture of shot {shot}, only of {', '.join(found)}"
            raise NoPictureError(f"product {product_id!r}: {problem}; {nothing}")
    return [found[shot] for shot in dict.fromkeys(shots)]


def _tell_absent(listed: Iterable[DecidedPicture], wishes: Sequence[Wish], name: str) -> None:
    """Say that a file is of pictures which are not the current ones.

    Raises:
        NoPictureError: none is, so that it is another shop's file, or one of long ago.
    """
    current = {(it.fingerprint, it.sha256) for it in listed}
    absent = [it for it in wishes if (it.fingerprint, it.sha256) not in current]
    if absent and len(absent) == len(wishes):
        problem = "no picture that it decides is a current one; is it another shop's?"
        raise NoPictureError(f"{name}: {problem} Nothing was decided")
    if absent:
        told = f"{len(absent)} of {len(wishes)} pictures are not the current ones any more"
        people.print(f"[bold yellow]Note:[/] {escape(f'{name}: {told}')}", soft_wrap=True)


def _decide(store: ObjectStore, wishes: Sequence[Wish], *, as_json: bool) -> bool:
    by = name_person()
    answer = decide(store, wishes, by=by, via=_VIA)
    count = len(answer.conflicts)
    others = tuple(it for it in answer.conflicts if not (it[1] and it[1].says(it[0], by)))
    answer = replace(answer, conflicts=others)
    tell_answer(answer)
    if as_json:
        click.echo(json.dumps(answer_to_json(answer), indent=2, ensure_ascii=False))
    elif not wishes:
        answers.print("Nothing was changed, so nothing is decided.")
    else:
        answers.print(f"{len(answer.applied)} decided, in the batch {answer.batch}.")
        if repeated := count - len(others):
            answers.print(f"{repeated} you had decided just so before.")
        if answer.applied:
            answers.print(f"To take it back: flux-assets rollback --undo {answer.batch}")
        if any(it.verdict == "rejected" for it in answer.applied):
            told = "What is rejected leaves every channel with the next edition"
            answers.print(f"{told}; `flux-assets publish` makes it at once.", soft_wrap=True)
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
