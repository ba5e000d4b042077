"""`flux-assets`: the shell's way to everything that the Dagster UI can do, and the simulator."""

import gc
import json
import os
import signal
import sys
import warnings
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TextIO

import click
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from flux_assets.commands.check import check
from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.failures import TRACEBACK, run_cli
from flux_assets.commands.launch import RefreshReport, run_refresh
from flux_assets.commands.ledger import ledger
from flux_assets.commands.people import people, tell_logs, tell_usage
from flux_assets.commands.plan_flags import choice_options, json_option, read_choices, show_plan
from flux_assets.commands.prune import prune
from flux_assets.commands.run_watch import RunProgress
from flux_assets.commands.runs import runs
from flux_assets.commands.sample_files import put_sample_files
from flux_assets.commands.shop import open_shop, read_settings
from flux_assets.commands.signals import FindSignal, note_signals
from flux_assets.commands.verify import verify
from flux_assets.defs.reports import catalog_report, summary_report
from flux_assets.errors import FluxAssetsError
from flux_assets.image_api.open_api import SIMULATOR_STATE_DIR
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import plan_catalog
from flux_assets.planning.reasons import write_reasons_csv
from flux_assets.prompts.reroll import raise_takes
from flux_assets.settings import Settings

_REASONS_SHOWN = 10
_SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a command."""
_OBJECTS_BETWEEN_COLLECTIONS = 10_000
"""Python's own 700 let garbage collection take a twentieth of a refresh that buys."""


def main() -> None:
    """Run the command line; errors that a person can act on come without a traceback."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    tell_logs()
    warnings.simplefilter("ignore")  # third parties' warnings are for developers, and tests
    with note_signals() as find_signal:
        try:
            run_cli(cli, find_signal)
        except click.ClickException as error:
            tell_usage(error)
            sys.exit(error.exit_code)
        except (FluxAssetsError, click.Abort, KeyboardInterrupt) as error:
            number = find_signal()  # whatever went wrong after one came of it
            if isinstance(error, FluxAssetsError) and number is None:
                people.print(f"[bold red]Error:[/] {escape(str(error))}", soft_wrap=True)
            else:
                people.print("Interrupted. Paid pictures are kept; run it again to go on.")
            sys.exit(1 if number is None else _SIGNALLED + number)
        finally:
            gc.freeze()  # what is left at the end is not worth a second of looking through it


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    TRACEBACK, is_flag=True, expose_value=False, help="Also show where an error came from."
)
def cli() -> None:
    """Turn a product catalog into pictures, in Dagster."""


cli.add_command(check)
cli.add_command(ledger)
cli.add_command(prune)
cli.add_command(runs)
cli.add_command(verify)


@cli.command()
def demo() -> None:
    """Run the whole job in sample mode: free, no key, nothing leaves this machine."""
    os.environ["FLUX_ASSETS_MODE"] = "sample"
    settings = read_settings()
    if not settings.model_fields_set & {"catalog", "shots"} and put_sample_files(Path()):
        people.print("Put the sample catalog, its shots and photos into data/.")
    report = _refresh(settings, Choices())
    _show_pictures(settings, report)
    command = "make dev" if Path("Makefile").exists() else "flux-assets dev"
    people.print(f"\nSee them in the Dagster UI: [bold]{command}[/]")
    sys.exit(report.exit_code)


@cli.command()
@choice_options
@click.option(
    "--reasons",
    type=click.File("w", encoding="utf-8", lazy=True),
    help="Write why products have no picture into this CSV file, each with its reason.",
)
@json_option
def plan(*, as_json: bool, reasons: TextIO | None, **flags: Any) -> None:  # noqa: ANN401 - what click parsed
    """Show what a refresh with the same flags would do and cost. Free: nothing is sent."""
    settings = read_settings()
    choices = read_choices(flags)
    with open_shop(settings, step="plan") as shop:
        dry_run = plan_catalog(settings, shop.store, shop.run, choices)
    if reasons:
        write_reasons_csv(dry_run.reasons, reasons)
    if as_json:
        click.echo(json.dumps(dry_run.to_json(), indent=2))
        return
    people.print(Markdown(catalog_report(dry_run.catalog)))
    show_plan(dry_run)


@cli.command()
@choice_options
@json_option
def refresh(*, as_json: bool, **flags: Any) -> None:  # noqa: ANN401 - what click parsed
    """Run the refresh job: buy what is new or changed, and write the manifest.

    Exit code 0: complete; 2: finished, but pictures are missing; 1: stopped, with the reason.
    """
    settings = read_settings()
    report = _refresh(settings, read_choices(flags))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=2))
    else:
        _show_pictures(settings, report)
    sys.exit(report.exit_code)


@cli.command()
@click.argument("product_id")
@click.option("--shot", "shots", multiple=True, required=True, metavar="NAME", help="Repeatable.")
@click.option("--now", is_flag=True, help="Buy it at once, and nothing else.")
def reroll(product_id: str, shots: tuple[str, ...], *, now: bool) -> None:
    """Ask for another picture of a product, with the same words.

    Raises its take in the file that FLUX_ASSETS_OVERRIDES names, and shows what will be bought:
    by the next refresh, or at once with --now.
    """
    settings = read_settings()
    raise_takes(settings, product_id, shots)
    people.print(f"Asked for another picture of {escape(product_id)}: {', '.join(shots)}.")
    choices = Choices(product_ids=(product_id,), shots=shots)
    with open_shop(settings, step="reroll") as shop:
        dry_run = plan_catalog(settings, shop.store, shop.run, choices)
    show_plan(dry_run)
    if now:
        report = _refresh(settings, choices)
        _show_pictures(settings, report)
        sys.exit(report.exit_code)


@cli.command()
@click.option("--port", default=3000, show_default=True, help="Where the UI listens.")
def dev(*, port: int) -> None:
    """Open the Dagster UI on this machine, with its daemon."""
    read_settings()
    prepare_dagster_home()
    dagster = Path(sys.executable).with_name("dagster")
    arguments = ["dev", "-h", "127.0.0.1", "-p", str(port)]
    workspace = Path("workspace.yaml")
    # A script starts what it puts into the background deaf to Ctrl-C, and Dagster then to SIGTERM.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    arguments += ["-w", str(workspace)] if workspace.exists() else ["-m", "flux_assets.definitions"]
    os.execv(dagster, [str(dagster), *arguments])  # noqa: S606 - our own environment's Dagster


@cli.command()
@click.option("--port", default=8333, show_default=True, help="0 takes any free one.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(SIMULATOR_STATE_DIR),
    show_default=True,
    help="What it remembers, and its bill.",
)
@click.option("--latency", type=float, default=0.3, show_default=True, help="Seconds a call takes.")
@click.option(
    "--latency-jitter",
    type=float,
    default=0.0,
    show_default=True,
    help="Up to so many seconds more, by the request.",
)
@click.option("--megapixels", type=float, default=1.0, show_default=True, help="Picture size.")
@click.option("--requests-per-minute", type=click.IntRange(min=1), help="More are answered by 429.")
@click.option(
    "--faults",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="What goes wrong, and how often (JSON).",
)
def simulator(
    *,
    port: int,
    state_dir: Path,
    latency: float,
    latency_jitter: float,
    megapixels: float,
    requests_per_minute: int | None,
    faults: Path | None,
) -> None:
    """Serve a stand-in for the image API on this machine, for tests and first runs."""
    from flux_assets.image_api.simulator.faults import Faults, read_faults
    from flux_assets.image_api.simulator.options import SimulatorOptions
    from flux_assets.image_api.simulator.server import serve

    options = SimulatorOptions(
        latency_seconds=latency,
        latency_jitter_seconds=latency_jitter,
        megapixels=megapixels,
        requests_per_minute=requests_per_minute,
        faults=read_faults(faults) if faults else Faults(),
    )
    with suppress(KeyboardInterrupt):  # which is how it is ended
        serve(state_dir, options=options, port=port, announce=click.echo)


def _refresh(settings: Settings, choices: Choices) -> RefreshReport:
    prepare_dagster_home()
    find_signal: FindSignal = click.get_current_context().find_root().obj
    run = partial(
        run_refresh,
        tell=partial(people.print, markup=False, soft_wrap=True),
        is_told_to_end=lambda: find_signal() is not None,
    )
    if not people.is_terminal:  # no bar can move there, and reading each event costs CPU
        return run(settings, choices)
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

        return run(settings, choices, on_progress=show)


def _show_pictures(settings: Settings, report: RefreshReport) -> None:
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


if __name__ == "__main__":  # else `python -m` with this module would end well, with nothing done
    main()
