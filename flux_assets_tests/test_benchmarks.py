import subprocess
import sys
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.dagster_dev import CHROMIUM

_BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
_ROWS = {
    "start_up": ("import flux_assets.definitions", "--help"),
    "efficiency": ("32 in flight", "64 in flight", "pictures a minute"),
    "cpu_per_picture": ("core, directory store", "core, S3", "whole Dagster job", "over https"),
    "paid_memory": ("within 32 megapixels", "without a budget"),
    "time_of_parts": (
        *("the ledger's claim", "the call", "note of the paid reply", "the download"),
        *("decoding", "the preview", "durable file", "lineage", "its event"),
    ),
    "listing": ("a LIST page of 1,000 objects",),
    "no_change": (
        *("shots: calls", "the job, beside hashing", "shots: peak memory"),
        *("changed: calls", "the job, beside no change", "changed: peak memory"),
        *("on S3: calls", "on S3: the job", "on S3: its own CPU time", "on S3: peak memory"),
    ),
    "large_shop": (
        *("by buckets, beside hashing", "by buckets: CPU time", "by buckets: peak memory"),
        *("written the first time", "no change: calls", "no change: CPU time"),
        *("a plan of no change: CPU time", "a plan of one changed title: CPU time"),
        *("changed title: calls", "changed title: CPU time", "bytes of tables written"),
        *("S3, no change: peak", "a plan of no change: peak"),
        *("a plan of one changed title: peak", "changed title: peak"),
    ),
    "growth": tuple(
        f"{what} {work}, {size} products x 3 shots"
        for what in ("time of", "peak memory of")
        for work in ("reading the catalog", "a plan", "a no-change refresh")
        for size in (100, 200)
    ),
    "ui_partitions": (
        *("of a shot's partitions, the first time", "of a shot's partitions"),
        *("one product there", "the asset graph", "peak memory"),
    ),
    "review_page": (
        *("the first card", "all pictures that can be seen", "a filter", "a jump to the middle"),
    ),
    "renditions": ("CPU a master", "peak memory of a shard", "nothing is new"),
    "editions": (
        *("peak memory of the first merge", "CPU time of the first merge"),
        *("CPU time of an edition", "CPU time of the next", "CPU time of none"),
        "size of an edition",
        "peak memory of an edition",
    ),
    "naive_dagster": ("overhead a picture in a backfill", "runs of such a backfill"),
}
_CHROMIUM_NEEDED = pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
_NEEDS = {"ui_partitions": _CHROMIUM_NEEDED, "review_page": _CHROMIUM_NEEDED}


@pytest.mark.slow
@pytest.mark.parametrize(
    "subject", [pytest.param(subject, marks=_NEEDS.get(subject, ())) for subject in _ROWS]
)
def test_each_benchmark_gives_its_rows(subject: str) -> None:
    """Not how fast: that is for a machine that does nothing else."""
    done = subprocess.run(  # noqa: S603 - this interpreter and our own script
        [sys.executable, str(_BENCHMARKS / f"{subject}.py"), "--quick"],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    heading, _, *rows = done.stdout.splitlines()
    assert [cell.strip() for cell in heading.strip("|").split("|")] == [
        *("what", "ours", "floor or peer", "ratio", "target", "met"),
    ]
    names = [row.strip("|").split("|")[0].strip() for row in rows]
    assert len(names) == len(_ROWS[subject])
    for name, part in zip(names, _ROWS[subject], strict=True):
        assert part in name
    calls = [row for row in rows if "calls" in row]
    assert all("| yes |" in row for row in calls), "who pays is the same on any machine"
