"""A refresh as a person follows it: its progress, and what it came to."""

from functools import partial

import click
from rich.markup import escape

from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.launch import RefreshReport, run_refresh
from flux_assets.commands.people import answers, people
from flux_assets.commands.progress import show_progress
from flux_assets.commands.reports_shown import show_report
from flux_assets.commands.shop import read_names
from flux_assets.commands.signals import FindSignal
from flux_assets.defs.reports import summary_report
from flux_assets.planning.choices import Choices
from flux_assets.settings import Settings

_REASONS_SHOWN = 10


def refresh_shop(settings: Settings, choices: Choices) -> RefreshReport:
    """Run the job, telling how far it is."""
    prepare_dagster_home()
    find_signal: FindSignal = click.get_current_context().find_root().obj
    with show_progress(settings) as progress:
        return run_refresh(
            settings,
            read_names(settings),
            choices,
            tell=partial(people.print, markup=False, soft_wrap=True),
            is_told_to_end=lambda: find_signal() is not None,
            progress=progress,
        )


def show_pictures(settings: Settings, report: RefreshReport) -> None:
    """Print what became of each picture, and where they lie."""
    summary = report.summary
    show_report(summary_report(summary, cost_usd_per_image=settings.cost_usd_per_image))
    for shot, count in report.pictures_by_shot.items():
        answers.print(f"{escape(shot)}: {_count(count)}")
        _print_line(report.store.uri_for(f"images/{shot}/"))
    if report.before_and_after:
        answers.print("A photo, and the picture made from it:")
        for uri in report.before_and_after:
            _print_line(uri)
    if report.failure:
        people.print(f"[bold red]Failed:[/] {escape(report.failure)}", soft_wrap=True)
    _show_missing(report)
    if not report.shortfalls and not summary.calls:
        answers.print("Nothing was bought: every picture was there already.")
    if settings.is_sample:
        answers.print("These are samples: nothing was paid, and no real picture was made.")


def _show_missing(report: RefreshReport) -> None:
    if report.missing:
        answers.print(
            f"[bold red]{_count(len(report.missing))} missing[/]; the check of `image_manifest` "
            "and tables/missing_pictures.json in the store give each one's reason.",
            soft_wrap=True,
        )
    for product_id, shot, kind, reason in report.missing[:_REASONS_SHOWN]:
        _print_line(f"{product_id}, {shot}: {kind}, {reason}")
    if len(report.missing) > _REASONS_SHOWN:
        more = len(report.missing) - _REASONS_SHOWN
        answers.print(f"and {more} more: `flux-assets plan --reasons FILE` writes them all.")
    if report.left:
        answers.print(f"To come: {_count(report.left)} that this run was not asked for.")


def _print_line(text: str) -> None:
    """A line that can be copied: never broken, nothing left out."""
    answers.print(text, markup=False, soft_wrap=True)


def _count(pictures: int) -> str:
    return f"{pictures} {'picture' if pictures == 1 else 'pictures'}"
