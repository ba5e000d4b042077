"""`flux-assets simulator`: a stand-in for the image API."""

from contextlib import suppress
from pathlib import Path

import click

from flux_assets.commands.calling import examples
from flux_assets.image_api.simulator import STATE_DIR


@click.command(
    epilog=examples(
        "flux-assets simulator --port 8333",
        "flux-assets simulator --latency 12 --requests-per-minute 180    as slow as the real one",
    )
)
@click.option("--port", default=8333, show_default=True, help="0 takes any free one.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(STATE_DIR),
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
    """Serve a stand-in for the image API on this machine, for tests and first runs.

    It takes the key `sample-key`, as ONEMIN_API_KEY, and no other.
    """
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
