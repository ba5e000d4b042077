"""How time and memory grow with the catalog: reading it, planning, and a refresh without change."""

import statistics
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from figures import ROUNDS, Figure, run_alone
from growth_plot import draw_plot
from processes import Finished, run_measured
from servers import simulator
from shops import PROJECT, Shop, open_filled_shop

SIZES = (1_000, 10_000, 100_000)
PLOT = PROJECT / "docs" / "growth.svg"

_READ_CATALOG = """
import os
from flux_assets.prompts.inputs import load_catalog, load_shots
from flux_assets.settings import load_settings
settings = load_settings(os.environ)
assert load_catalog(settings, load_shots(settings)).products
"""
_MEBIBYTE = 2**20

_Sizes = Mapping[int, float]


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds and peak memory at each size; the whole version draws the plot anew."""
    sizes = (100, 200) if quick else SIZES
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        shops = (
            (size, open_filled_shop(Path(name) / f"shop-{size}", base_url, products=size))
            for size in sizes
        )
        return measure_shops(shops, quick=quick)


def measure_shops(shops: Iterable[tuple[int, Shop]], *, quick: bool) -> Sequence[Figure]:
    """The same, of filled shops by their number of products."""
    rounds = 1 if quick else ROUNDS
    measured = {size: _run_all(shop, rounds) for size, shop in shops}
    seconds = {
        work: {size: _median_seconds(runs[work]) for size, runs in measured.items()}
        for work in next(iter(measured.values()))
    }
    mebibytes = {
        work: {size: _peak_mebibytes(runs[work]) for size, runs in measured.items()}
        for work in seconds
    }
    if not quick:
        PLOT.write_text(draw_plot(seconds, mebibytes), "utf-8")
    return [
        *_build_figures("time of", seconds, "s"),
        *_build_figures("peak memory of", mebibytes, "MiB"),
    ]


def _run_all(shop: Shop, rounds: int) -> Mapping[str, Sequence[Finished]]:
    """Each kind of work, in turn, after a refresh that makes it usual."""
    shop.refresh()
    command = [sys.executable, "-c", _READ_CATALOG]
    turns = [
        {
            "reading the catalog": run_measured(command, folder=shop.folder, environ=shop.environ),
            "a plan": shop.run("plan", "--json"),
            "a no-change refresh": shop.refresh()[0],
        }
        for _ in range(rounds)
    ]
    return {work: [turn[work] for turn in turns] for work in turns[0]}


def _median_seconds(runs: Sequence[Finished]) -> float:
    return statistics.median(run.wall_seconds for run in runs)


def _peak_mebibytes(runs: Sequence[Finished]) -> float:
    return max(run.peak_bytes for run in runs) / _MEBIBYTE


def _build_figures(what: str, measured: Mapping[str, _Sizes], unit: str) -> Iterator[Figure]:
    for work, by_size in measured.items():
        for size, ours in by_size.items():
            yield Figure(name=f"{what} {work}, {size:,} products x 3 shots", unit=unit, ours=ours)


if __name__ == "__main__":
    run_alone(measure, __doc__)
