"""Measures everything, prints one table, and puts it into docs/performance.md.

python benchmarks/run_all.py          # an hour and more
python benchmarks/run_all.py --quick  # a reduced version, which writes no page
"""

import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import cpu_per_picture
import editions
import efficiency
import growth
import large_shop
import listing
import naive_dagster
import no_change
import paid_memory
import renditions
import review_page
import start_up
import time_of_parts
import ui_partitions
from figures import Figure, build_table, read_quick_flag
from servers import simulator
from shops import PROJECT, open_filled_shop

_PAGE = PROJECT / "docs" / "performance.md"
_BEGIN, _END = "<!-- written by make bench -->", "<!-- the rest is written by hand -->"
_TEXT = """
What `make bench` measured on {day}. *Ours* is held against a floor (the least that can be done)
or a peer (another way to the same end), measured in turn in the same run; *ratio* is ours to
the floor or peer, the median of three rounds. Simulator and S3 (ministack) are processes of their
own on the same machine, so they compete for its processors.

{facts}

{table}

"""


def main() -> None:
    """Measure, print each subject's rows as they come, and write."""
    quick = read_quick_flag(__doc__)
    figures: list[Figure] = []
    for measured in measure(quick):
        print(build_table(measured), flush=True)
        figures += measured
    if not quick:
        text = _TEXT.format(
            day=f"{datetime.now(UTC):%Y-%m-%d}",
            facts="\n".join(f"- {fact}" for fact in machine_facts()),
            table=build_table(figures),
        )
        start, _, rest = _PAGE.read_text("utf-8").partition(_BEGIN)
        _, _, end = rest.partition(_END)
        _PAGE.write_text(f"{start}{_BEGIN}{text}{_END}{end}", "utf-8")


def measure(quick: bool) -> Iterator[Sequence[Figure]]:  # noqa: FBT001 - as every subject
    """Every subject's figures; the shops that are filled serve four of them."""
    yield start_up.measure(quick)
    yield time_of_parts.measure(quick)  # before the others delete files; see scratch.py
    yield cpu_per_picture.measure(quick)
    yield listing.measure(quick)
    yield efficiency.measure(quick)
    yield from _measure_filled(quick)
    yield large_shop.measure(quick)
    yield paid_memory.measure(quick)
    yield naive_dagster.measure(quick)
    yield renditions.measure(quick)
    yield editions.measure(quick)


def _measure_filled(quick: bool) -> Iterator[Sequence[Figure]]:  # noqa: FBT001 - as above
    sizes = (100, 200) if quick else growth.SIZES
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as base_url:
        shops = {
            size: open_filled_shop(Path(name) / f"shop-{size}", base_url, products=size)
            for size in sizes
        }
        grown = growth.measure_shops(shops.items(), quick=quick)
        largest = max(shops)
        yield no_change.measure_shop(shops[largest], products=largest, quick=quick)
        for size, shop in shops.items():
            yield ui_partitions.measure_shop(shop, products=size, quick=quick)
        yield review_page.measure_shop(shops[largest], products=largest, quick=quick)
    yield grown


def machine_facts() -> Iterator[str]:
    """What the figures depend on."""
    yield f"{os.cpu_count()} processors: {_processor()}, {_memory_gib():.0f} GiB of memory"
    yield f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    packages = ("dagster", "pandas", "pyarrow", "boto3", "pillow")
    yield ", ".join(f"{name} {version(name)}" for name in packages)


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if not facts.exists():
        return platform.processor() or "unknown"
    lines = facts.read_text("utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


if __name__ == "__main__":
    main()
