"""Old pictures, shown and deleted as `flux-assets prune` does."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import click
import dagster as dg
from rich.console import Console
from rich.markup import escape

from flux_assets.commands.dagster_home import look_at_instance
from flux_assets.commands.people import answers, people
from flux_assets.commands.pruning_files import OldFiles, find_table_parts, show_megabytes
from flux_assets.commands.pruning_renditions import OldRenditions
from flux_assets.commands.reports_shown import show_report
from flux_assets.commands.shop import look_at_shop, read_names, read_settings
from flux_assets.defs.markdown import markdown_table
from flux_assets.defs.runs import describe_run, find_refresh, find_runs
from flux_assets.errors import StoreError
from flux_assets.manifest.prune import (
    KEPT_REASONS,
    Deletion,
    KeptReason,
    PrunePlan,
    delete_pictures,
    find_old_pictures,
)
from flux_assets.manifest.wanted import PruneError, read_wanted_pictures
from flux_assets.publishing.kept import KeptForChannels, read_kept
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

_SHOWN = 10
_KEPT: dict[KeptReason, str] = {
    "wanted": "shown, asked for, or pinned",
    "published": "shown by a channel within FLUX_ASSETS_ROLLBACK_DAYS, or to go back to",
    "no_successor": "no newer picture is stored as the catalog asks for it now",
    "not_asked": "of products or shots that are gone; --orphaned takes them, too",
    "younger": "not as old as --older-than-days asks",
    "unsettled": "no ledger entry says that it is stored; see `flux-assets verify`",
}


def prune_store(
    *,
    deletes: bool,
    orphaned: bool,
    renditions: bool,
    table_parts: bool,
    older_than_days: int,
    as_json: bool,
) -> bool:
    """Print what could be deleted, and delete it if asked for; gives whether all of it could be.

    Raises:
        NoStoreError: there is no store to look at.
        PruneError: a refresh is under way, or something that names pictures cannot be read.
    """
    settings = read_settings()
    min_age = timedelta(days=older_than_days)
    with look_at_shop(settings, step="prune") as shop, look_at_instance() as instance:
        store, ledger = shop.store, shop.ledger
        find_obstacle = partial(_find_obstacle, instance, settings)
        obstacle = find_obstacle() if deletes else ""
        if obstacle:
            raise PruneError(obstacle)
        kept = _read_kept(settings, store)
        wanted = read_wanted_pictures(
            settings, store, ledger, judges_owners=orphaned, published=kept.fingerprints
        )
        plan = find_old_pictures(store, ledger, wanted, min_age=min_age, orphaned=orphaned)
        others: dict[str, OldFiles] = {}
        if renditions:
            others["renditions"] = OldRenditions(store, kept, min_age=min_age)
        if table_parts:
            find_run = partial(_find_run, instance, settings)
            others["table_parts"] = find_table_parts(store, min_age=min_age, find_run=find_run)
        if not as_json:
            show_report("\n\n".join([_report(plan), *(old.report() for old in others.values())]))
        console = people if as_json else answers
        _say_what_it_means(console, settings, plan)
        if not deletes and (plan.pictures or any(old.files for old in others.values())):
            console.print("Nothing was deleted; the same with [bold]--delete[/] does it.")
        deletions: list[Deletion] = []
        if deletes and plan.pictures:
            deletions += delete_pictures(store, ledger, plan.pictures, find_obstacle=find_obstacle)
        for old in others.values() if deletes else ():
            old.delete(find_obstacle)
    if as_json:
        _print_json(plan, deletions, others, dry_run=not deletes)
    elif deletes:
        _show(deletions, others)
    return not any(it.problem for it in deletions) and not any(it.failed for it in others.values())


def _print_json(
    plan: PrunePlan,
    deletions: Sequence[Deletion],
    others: Mapping[str, OldFiles],
    *,
    dry_run: bool,
) -> None:
    failed = [deletion for deletion in deletions if deletion.problem]
    told = [{"key": it.picture.key, "problem": it.problem} for it in failed]
    counts = {"deleted": len(deletions) - len(failed), "failed": told}
    of_others = {name: old.to_json() for name, old in others.items()}
    shown = {"dry_run": dry_run, **plan.to_json(), **counts, **of_others}
    click.echo(json.dumps(shown, indent=2))


def _read_kept(settings: Settings, store: ObjectStore) -> KeptForChannels:
    try:
        return read_kept(store, settings.rollback_days)
    except StoreError as error:
        raise PruneError(str(error)) from error


def _find_obstacle(instance: dg.DagsterInstance, settings: Settings) -> str:
    """A refresh may have read other inputs, and take a picture that is about to be deleted."""
    under_way = find_refresh(instance, read_names(settings))
    return describe_run(under_way) if under_way else ""


def _find_run(instance: dg.DagsterInstance, settings: Settings) -> str:
    runs = find_runs(instance, read_names(settings))
    return describe_run(runs[0]) if runs else ""


def _report(plan: PrunePlan) -> str:
    parts = [f"**{_count(len(plan.pictures))} to delete, {show_megabytes(_size(plan))}**"]
    if plan.pictures:
        rows = [
            (reason, shot, count, show_megabytes(size_bytes))
            for (reason, shot), (count, size_bytes) in plan.sums().items()
        ]
        parts.append(markdown_table(("why", "shot", "pictures", "size"), rows))
        keys = [(picture.reason, picture.key) for picture in plan.pictures[:_SHOWN]]
        parts.append(markdown_table(("why", "the first keys"), keys))
    kept = [(plan.kept.get(it, 0), _KEPT[it]) for it in KEPT_REASONS if plan.kept.get(it)]
    if kept:
        parts.append(markdown_table(("kept", "because"), kept))
    return "\n\n".join(parts)


def _say_what_it_means(console: Console, settings: Settings, plan: PrunePlan) -> None:
    if not plan.pictures:
        return
    cost_usd = len(plan.pictures) * settings.cost_usd_per_image
    console.print(
        "Whatever of it is ever wanted again (words that are changed back, a product that comes "
        f"back) must be paid again: up to about {cost_usd:.2f} USD. A bucket that keeps versions "
        "keeps these as older ones, and their price, until a lifecycle rule expires them.",
        soft_wrap=True,
    )


def _show(deletions: Sequence[Deletion], others: Mapping[str, OldFiles]) -> None:
    failed = [deletion for deletion in deletions if deletion.problem]
    answers.print(f"Deleted: {len(deletions) - len(failed)}.")
    if failed:
        answers.print(f"[bold red]{_count(len(failed))} could not be deleted[/]; run it again:")
    for deletion in failed[:_SHOWN]:
        answers.print(f"{escape(deletion.picture.key)}: {escape(deletion.problem)}", soft_wrap=True)
    for old in others.values():
        old.show()


def _size(plan: PrunePlan) -> int:
    return sum(picture.size_bytes for picture in plan.pictures)


def _count(pictures: int) -> str:
    return f"{pictures} {'picture' if pictures == 1 else 'pictures'}"
