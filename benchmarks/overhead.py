"""What our own work adds to each picture: wall time against the ideal, and CPU time.

Run with `make bench`. The simulator is a process of its own on this machine, so its drawing
competes for the same cores.
"""

import argparse
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from flux_assets.api_access import open_api
from flux_assets.assembly import RunIdentity, Stores, open_generation
from flux_assets.image_request import ImageRequest, build_image_request
from flux_assets.settings import load_settings
from flux_assets.simulator.options import SAMPLE_KEY
from flux_assets.store.directory import DirectoryStore

MEGAPIXELS = 0.26  # 512 x 512


def main() -> None:
    """Print one row per case, each the median of several rounds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=240)
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{'case':<28}{'wall s':>9}{'ideal s':>9}{'ratio':>7}{'CPU ms a picture':>18}")
    for latency_seconds, in_flight in ((0.0, 32), (1.0, 16), (1.0, 32)):
        rounds = [
            measure(arguments.pictures, latency_seconds, in_flight) for _ in range(arguments.rounds)
        ]
        wall = statistics.median(wall for wall, _ in rounds)
        cpu = statistics.median(cpu for _, cpu in rounds)
        ideal = arguments.pictures * latency_seconds / in_flight
        ratio = f"{wall / ideal:.2f}" if ideal else "-"
        case = f"{latency_seconds:g} s, {in_flight} in flight"
        per_picture = cpu / arguments.pictures * 1000
        print(f"{case:<28}{wall:>9.2f}{ideal:>9.2f}{ratio:>7}{per_picture:>18.1f}")


def measure(pictures: int, latency_seconds: float, in_flight: int) -> tuple[float, float]:
    """Wall and CPU seconds to generate so many pictures into a fresh directory store."""
    settings = load_settings(
        {"FLUX_ASSETS_MAX_IN_FLIGHT": str(in_flight), "FLUX_ASSETS_DAILY_IMAGE_LIMIT": "100000"}
    )
    with (
        tempfile.TemporaryDirectory() as folder,
        simulator(folder, latency_seconds, megapixels=MEGAPIXELS) as base_url,
    ):
        store = DirectoryStore(Path(folder) / "store")
        api = open_api(
            base_url=base_url,
            api_key=SecretStr(SAMPLE_KEY),
            max_in_flight=in_flight,
            requests_per_minute=1_000_000,
            call_timeout_seconds=180,
            result_hosts=(),
        )
        run = RunIdentity(run_id="bench", step="bench", is_run_dead=lambda _: False)
        started, cpu_started = time.monotonic(), time.process_time()
        with open_generation(
            settings,
            Stores(shop=store, root=store),
            api,
            run,
            to_obtain=pictures,
            retry_refused=False,
        ) as generation:
            outcomes = list(generation.obtain(build_requests(pictures)))
        wall, cpu = time.monotonic() - started, time.process_time() - cpu_started
    if {outcome.kind for outcome in outcomes} != {"generated"}:
        sys.exit("not every picture was generated")
    return wall, cpu


def build_requests(pictures: int) -> Iterator[ImageRequest]:
    """So many requests that differ."""
    for number in range(pictures):
        yield build_image_request(
            product_id=str(number),
            shot="hero",
            prompt=f"Studio photograph of product {number}",
            parameters={},
        )


@contextmanager
def simulator(
    folder: str, latency_seconds: float, *options: str, megapixels: float
) -> Iterator[str]:
    """Serve the simulator from a process of its own; gives its base URL."""
    command = [
        str(Path(sys.executable).with_name("flux-assets")),
        *("simulator", "--port", "0", "--state-dir", f"{folder}/simulator"),
        *("--latency", str(latency_seconds), "--megapixels", str(megapixels), *options),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as process:
        if process.stdout is None:
            sys.exit("the simulator says nothing")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
