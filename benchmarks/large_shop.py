"""A shop of a million products by buckets: its first plan, no change on S3, and one title changed.

Nobody stores three million pictures for it: a server of this machine lists their names, and has an
S3 stand-in behind it for all else. Held against a script that only hashes the prompts. Smaller ones
are measured once each, for the plot.

python benchmarks/large_shop.py
python benchmarks/large_shop.py --quick
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import requests

from figures import Figure, at_most, count_calls, run_alone
from growth_plot import draw_plot
from no_change import run_floor
from picture_listing import listed_pictures
from processes import run_measured
from servers import bucket_folder, s3, simulator
from shops import PROJECT, Shop, open_shop, write_catalog

PRODUCTS = 1_000_000
ROUNDS = 2
PLOT = PROJECT / "docs" / "growth_by_buckets.svg"
_SMALLER = (10_000, 100_000)
_MEBIBYTE = 2**20
_MOST_MEBIBYTES = 1536
_MOST_MEBIBYTES_OF_A_FIRST_PLAN = 2048
_SHOTS = 3


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds, calls, memory and bytes written; the whole version draws the plot anew."""
    if quick:
        return measure_shop(60, rounds=1)
    smaller = {size: measure_shop(size, rounds=1) for size in _SMALLER}
    figures = measure_shop(PRODUCTS, rounds=ROUNDS)
    _draw({**smaller, PRODUCTS: figures})
    return figures


def measure_shop(products: int, *, rounds: int) -> Sequence[Figure]:
    """The same of so many products."""
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        folder = Path(name)
        extra = {"FLUX_ASSETS_PARTITION_BY": "bucket"}
        shop = open_shop(folder / "shop", base_url, products=products, extra=extra)
        first_plan = _measure_first_plan(shop, products)
        extra |= {"FLUX_ASSETS_STORE": "s3://bench"}
        with s3(folder / "s3") as aws:
            endpoint = aws["AWS_ENDPOINT_URL_S3"]
            requests.put(f"{endpoint}/bench", timeout=60).raise_for_status()
            first = _fill(replace(shop, extra={**extra, **aws}), folder / "keys")
            with listed_pictures(endpoint, folder / "keys") as front:
                extra |= {**aws, "AWS_ENDPOINT_URL_S3": front}
                bucket = bucket_folder(folder / "s3", "bench")
                figures = _measure(replace(shop, extra=extra), bucket, products, rounds)
    what = f"{products:,} products x {_SHOTS} shots, by buckets on S3"
    return [
        *first_plan,
        Figure(name=f"{what}: all rendered and written the first time", unit="s", ours=first),
        *figures,
    ]


def _measure_first_plan(shop: Shop, products: int) -> Sequence[Figure]:
    """Of a shop of which nothing is known yet, on a directory; the peak is that of one process."""
    what = f"the first plan of {products:,} products x {_SHOTS} shots, by buckets"
    floor, plan = run_floor(shop), shop.run("plan", "--json")
    return [
        Figure(
            name=f"{what}, beside hashing the prompts",
            unit="s",
            ours=plan.wall_seconds,
            peer=floor.wall_seconds,
            target=at_most(2.5),
        ),
        Figure(name=f"{what}: CPU time", unit="s", ours=plan.cpu_seconds),
        Figure(
            name=f"{what}: peak memory, beside 2 GiB",
            unit="MiB",
            ours=plan.peak_bytes / _MEBIBYTE,
            peer=_MOST_MEBIBYTES_OF_A_FIRST_PLAN,
            target=at_most(1.0),
        ),
    ]


def _fill(shop: Shop, keys: Path) -> float:
    """Write its tables and its pictures' keys; gives the CPU seconds that it took."""
    script = Path(__file__).with_name("fill_large_shop.py")
    command = [sys.executable, str(script), str(keys)]
    return run_measured(command, folder=shop.folder, environ=shop.environ).cpu_seconds


def _measure(shop: Shop, bucket: Path, products: int, rounds: int) -> Sequence[Figure]:
    what = f"{products:,} products x {_SHOTS} shots, by buckets on S3"
    shop.refresh()  # tells Dagster of all buckets
    floors = [run_floor(shop).cpu_seconds for _ in range(rounds)]
    floor = statistics.median(floors)
    unchanged = [shop.refresh() for _ in range(rounds)]
    cpu_seconds = statistics.median(run.cpu_seconds for run, _ in unchanged)
    plans = [shop.run("plan", "--json") for _ in range(rounds)]
    before = _list_tables(bucket)
    write_catalog(shop.catalog, products, changed_title="Another title")
    planned = shop.run("plan", "--json")
    changed, counts = shop.refresh()
    after = _list_tables(bucket)
    written = sum(size for path, (_, size) in after.items() if after[path] != before.get(path))
    peaks = {
        "no change": max(run.peak_bytes for run, _ in unchanged),
        "a plan of no change": max(run.peak_bytes for run in plans),
        "a plan of one changed title": planned.peak_bytes,
        "one changed title": changed.peak_bytes,
    }
    return [
        count_calls(
            f"{what}, no change",
            max(counts["calls"] for _, counts in unchanged),
            wanted=0,
        ),
        Figure(
            name=f"{what}, no change: CPU time, beside hashing the prompts",
            unit="s",
            ours=cpu_seconds,
            peer=floor,
            target=at_most(0.4),
        ),
        Figure(
            name=f"{what}, a plan of no change: CPU time, beside its refresh",
            unit="s",
            ours=statistics.median(run.cpu_seconds for run in plans),
            peer=cpu_seconds,
            target=at_most(0.8),
        ),
        Figure(
            name=f"{what}, a plan of one changed title: CPU time, beside its refresh",
            unit="s",
            ours=planned.cpu_seconds,
            peer=changed.cpu_seconds,
            target=at_most(0.8),
        ),
        count_calls(
            f"{what}, one changed title",
            counts["calls"],
            wanted=_SHOTS,
        ),
        Figure(
            name=f"{what}, one changed title: CPU time, beside hashing the prompts",
            unit="s",
            ours=changed.cpu_seconds,
            peer=floor,
        ),
        Figure(
            name=f"{what}, one changed title: bytes of tables written, beside all of them",
            unit="MB",
            ours=written / 1e6,
            peer=sum(size for _, size in after.values()) / 1e6,
            target=at_most(0.01),
        ),
        *(
            Figure(
                name=f"{what}, {case}: peak memory, beside 1.5 GiB",
                unit="MiB",
                ours=peak / _MEBIBYTE,
                peer=_MOST_MEBIBYTES,
                target=at_most(1.0),
            )
            for case, peak in peaks.items()
        ),
    ]


def _draw(measured: Mapping[int, Sequence[Figure]]) -> None:
    """The plot, of the figures of each size."""

    def find(case: str, what: str) -> Mapping[int, float]:
        start = f", {case}: {what}"
        return {
            size: next(it.ours for it in figures if start in it.name)
            for size, figures in measured.items()
        }

    cases = ("no change", "a plan of no change", "one changed title")
    seconds = {case: find(case, "CPU time") for case in cases}
    mebibytes = {case: find(case, "peak memory") for case in cases}
    PLOT.write_text(draw_plot(seconds, mebibytes, time="CPU time"), "utf-8")


def _list_tables(bucket: Path) -> dict[str, tuple[int, int]]:
    """When each table and part was written, and how large it is."""
    return {
        entry.path: (entry.stat().st_mtime_ns, entry.stat().st_size)
        for folder, _, _ in os.walk(bucket / "tables")
        for entry in os.scandir(folder)
        if entry.is_file()
    }


if __name__ == "__main__":
    run_alone(measure, __doc__)
