"""A refresh as a person follows it: its progress, and what it came to."""

from functools import partial

import click
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.launch import RefreshReport, run_refresh
from flux_assets.commands.people import people
from flux_assets.commands.run_watch import RunProgress
from flux_assets.commands.shop import read_names
from flux_assets.commands.signals import FindSignal
from flux_assets.defs.reports import summary_report
from flux_assets.planning.choices import Choices
from flux_assets.settings import Settings

_REASONS_SHOWN = 10


def refresh_shop(settings: Settings, choices: Choices) -> RefreshReport:
    """Run the job, telling how far it is where that can be seen."""
    prepare_dagster_home()
    find_signal: FindSignal = click.get_current_context().find_root().obj
    run = partial(
        run_refresh,
        settings,
        read_names(settings),
        choices,
        tell=partial(people.print, markup=False, soft_wrap=True),
        is_told_to_end=lambda: find_signal() is not None,
    )
    if not people.is_terminal:  # no bar can move there, and reading each event costs CPU
        return run()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=people) as bar:
        task = bar.add_task("Reading the catalog", total=None)

        def show(progress: RunProgress) -> None:
            if progress.to_buy is not None:
                bar.update(
                    task,
                    description="Pictures",
                    total=max(progress.to_buy, progress.landed),
                    completed=progress.landed,
                )

        return run(on_progress=show)


def show_pictures(settings: Settings, report: RefreshReport) -> None:
    """Print what became of each picture, and where they lie."""
    summary = report.summary
    people.print(Markdown(summary_report(summary, cost_usd_per_image=settings.cost_usd_per_image)))
    table = Table("shot", "pictures", "where")
    for shot, count in report.pictures_by_shot.items():
        table.add_row(shot, str(count), report.store.uri_for(f"images/{shot}/"))
    people.print(table)
    if report.before_and_after:
        before, after = map(escape, report.before_and_after)
        people.print(f"A photo, and the picture made from it:\n{before}\n{after}", soft_wrap=True)
    if report.failure:
        people.print(f"[bold red]Failed:[/] {escape(report.failure)}", soft_wrap=True)
    if report.missing:
        people.print(
            f"[bold red]{report.missing} pictures are missing[/]; the check of `image_manifest` "
            "and tables/missing_pictures.json in the store give each one's reason."
        )
        for product_id, shot, kind, reason in report.shortfalls[:_REASONS_SHOWN]:
            people.print(escape(f"{product_id}, {shot}: {kind}, {reason}"), soft_wrap=True)
        if report.missing > _REASONS_SHOWN:
            more = report.missing - _REASONS_SHOWN
            people.print(f"and {more} more: `flux-assets plan --reasons FILE` writes them all.")
    elif not summary.calls:
        people.print("Nothing was bought: every picture was there already.")
    if settings.is_sample:
        people.print("These are samples: nothing was paid, and no real picture was made.")
