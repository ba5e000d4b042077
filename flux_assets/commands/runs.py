"""`flux-assets runs`: what is under way, what it does, and the end of what is proven dead."""

import click

from flux_assets.commands.calling import examples, json_option


@click.command(
    epilog=examples(
        "flux-assets runs",
        "flux-assets runs --end 3f9c21aa    its machine is gone",
    )
)
@click.option(
    "--end",
    "to_end",
    multiple=True,
    metavar="RUN",
    help="Report this run as failed, which you know is dead; 8 digits of its id do. Repeatable.",
)
@json_option
def runs(*, to_end: tuple[str, ...], as_json: bool) -> None:
    """List the runs that are under way or wait, since when, and whether their processes live.

    A run whose processes are proven dead is reported as failed, and the pool's slots that it held
    are free again. Where nothing is proven, as on another machine, --end does that; it refuses a
    run whose process is seen to live. What a run has paid for is kept either way.
    """
    from flux_assets.commands.runs_shown import show_runs

    show_runs(to_end, as_json=as_json)
