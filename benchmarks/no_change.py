"""A refresh in which nothing changed, or one title, beside a script that only hashes prompts.

100,000 products of three shots, the whole job as `flux-assets refresh` runs it, from a cold
start. Every picture is stored and known to Dagster; none is bought to get there.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from figures import ROUNDS, Figure, at_most, count_calls, run_alone
from processes import Finished, run_measured
from servers import bucket_folder, s3, simulator
from shops import Shop, open_filled_shop, write_catalog

PRODUCTS = 100_000
_MEBIBYTE = 2**20
_MOST_MEBIBYTES = 500
_MOST_MEBIBYTES_ON_S3 = 550
_MOST_MEBIBYTES_OF_A_CHANGE = 1024
_SHOTS = 3


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds, calls and memory, of a shop filled for it."""
    products = 200 if quick else PRODUCTS
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        shop = open_filled_shop(Path(name) / "shop", base_url, products=products)
        return measure_shop(shop, products=products, quick=quick)


def measure_shop(shop: Shop, *, products: int, quick: bool) -> Sequence[Figure]:
    """The same, of a filled shop of so many products; one picture of each shot is bought in it."""
    rounds = 1 if quick else ROUNDS
    shop.refresh()  # the shop's first refresh, which writes what later ones compare with
    floors, refreshes = [], []
    for _ in range(rounds):
        floors.append(run_floor(shop))
        refreshes.append(shop.refresh())
    floor = statistics.median(run.wall_seconds for run in floors)
    unchanged = statistics.median(run.wall_seconds for run, _ in refreshes)
    what = f"no change of {products:,} products x {_SHOTS} shots"
    figures = [
        count_calls(
            what,
            max(counts["calls"] for _, counts in refreshes),
            wanted=0,
        ),
        Figure(
            name=f"{what}: the job, beside hashing the prompts",
            unit="s",
            ours=unchanged,
            peer=floor,
            target=at_most(1.2),
        ),
        _build_peak(what, refreshes, _MOST_MEBIBYTES),
    ]
    on_s3 = _measure_on_s3(shop, what=what, floor=floor, rounds=rounds)
    return [*figures, *_measure_one_title(shop, products, unchanged, rounds), *on_s3]


def _build_peak(what: str, runs: Sequence[tuple[Finished, object]], most: int) -> Figure:
    return Figure(
        name=f"{what}: peak memory, beside {most} MiB",
        unit="MiB",
        ours=max(run.peak_bytes for run, _ in runs) / _MEBIBYTE,
        peer=most,
        target=at_most(1.0),
    )


def _measure_one_title(
    shop: Shop, products: int, unchanged: float, rounds: int
) -> Sequence[Figure]:
    """Each round gives the first product another title."""
    changes = []
    for number in range(rounds):
        write_catalog(shop.catalog, products, changed_title=f"Title of round {number}")
        changes.append(shop.refresh())
    return [
        count_calls(
            f"one title of {products:,} changed",
            max(counts["calls"] for _, counts in changes),
            wanted=_SHOTS,
        ),
        Figure(
            name=f"one title of {products:,} changed: the job, beside no change",
            unit="s",
            ours=statistics.median(run.wall_seconds for run, _ in changes),
            peer=unchanged,
            target=at_most(1.25),
        ),
        _build_peak(f"one title of {products:,} changed", changes, _MOST_MEBIBYTES_OF_A_CHANGE),
    ]


def _measure_on_s3(shop: Shop, *, what: str, floor: float, rounds: int) -> Sequence[Figure]:
    """The same store as a bucket, whose pages the stand-in lists slowly: only reported."""
    folder = shop.folder / "s3"
    bucket = bucket_folder(folder, "bench")
    _link(shop.store, bucket, ("images", "tables"))
    identity = json.loads((shop.store / "store.json").read_bytes())
    (bucket / "store.json").write_text(json.dumps(identity), "utf-8")
    with s3(folder) as aws:
        on_s3 = replace(shop, extra={**shop.extra, **aws, "FLUX_ASSETS_STORE": "s3://bench"})
        on_s3.refresh()  # writes the manifest with its new addresses
        runs = [on_s3.refresh() for _ in range(rounds)]
    return [
        count_calls(
            f"{what}, on S3",
            max(counts["calls"] for _, counts in runs),
            wanted=0,
        ),
        Figure(
            name=f"{what}, on S3: the job, beside hashing the prompts",
            unit="s",
            ours=statistics.median(run.wall_seconds for run, _ in runs),
            peer=floor,
        ),
        Figure(
            name=f"{what}, on S3: its own CPU time, beside hashing the prompts",
            unit="s",
            ours=statistics.median(run.cpu_seconds for run, _ in runs),
            peer=floor,
            target=at_most(1.5),
        ),
        _build_peak(f"{what}, on S3", runs, _MOST_MEBIBYTES_ON_S3),
    ]


def run_floor(shop: Shop) -> Finished:
    """Only hash the prompts of a shop's catalog."""
    script = Path(__file__).with_name("floor_refresh.py")
    command = [sys.executable, str(script), str(shop.catalog), str(shop.folder / "shots.yaml")]
    return run_measured(command, folder=shop.folder)


def _link(store: Path, bucket: Path, folders: Sequence[str]) -> None:
    """Give the store's files a second name each: a server that replaces them harms none."""
    for folder in folders:
        for path, _, names in os.walk(store / folder):
            target = bucket / Path(path).relative_to(store)
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                os.link(os.path.join(path, name), target / name)  # noqa: PTH118 - 300,000 of them


if __name__ == "__main__":
    run_alone(measure, __doc__)
