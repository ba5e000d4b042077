"""CPU time per picture at an API that answers at once, beside a bare loop.

Pictures of 512 x 512, 32 threads. The simulator and S3 are processes of their own, whose time
does not count. The whole job is what a refresh that buys takes, less one that buys nothing. What
https adds is a row of its own; all others are over plain http.
"""

import itertools
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from bare_loop import run_bare_loop
from buying import build_requests, buy
from figures import ROUNDS, Figure, at_most, median_of_rounds, run_alone
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.s3 import S3Store
from flux_assets.storage.s3_client import build_s3_client
from scratch import make_scratch_folder
from servers import s3, simulator
from shops import open_shop
from tls_front import tls_front

IN_FLIGHT = 32


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Milliseconds of user and system time per picture: core, core on S3, and the whole job."""
    logging.disable(logging.WARNING)
    pictures = 32 if quick else 480
    folder = make_scratch_folder()
    with (
        simulator(folder) as base_url,
        tls_front(folder, base_url) as (tls_url, bundle),
        s3(folder / "s3") as aws,
    ):
        os.environ["REQUESTS_CA_BUNDLE"] = str(bundle)
        bench = _Bench(folder, base_url, tls_url, aws, pictures)
        bare, core, core_tls, core_s3, job = median_of_rounds(
            1 if quick else ROUNDS,
            bench.bare,
            bench.core,
            bench.core_tls,
            bench.core_s3,
            bench.job,
        )
    over_tls = Figure(
        name="CPU a picture: core, directory store, over https, beside over http",
        unit="ms",
        ours=core_tls / pictures * 1000,
        peer=core / pictures * 1000,
        target=at_most(1.3),
    )
    figures = [
        Figure(
            name=f"CPU a picture: {what}, beside a bare loop",
            unit="ms",
            ours=ours / pictures * 1000,
            peer=bare / pictures * 1000,
            target=at_most(target),
        )
        for what, ours, target in (
            ("core, directory store", core, 2.7),
            ("core, S3", core_s3, 5.3),
            ("whole Dagster job with its events", job, 5.3),
        )
    ]
    return [*figures, over_tls]


class _Bench:
    """Each round buys anew, in a place of its own, from one simulator."""

    def __init__(
        self, folder: Path, base_url: str, tls_url: str, aws: Mapping[str, str], pictures: int
    ) -> None:
        self._folder = folder
        self._base_url = base_url
        self._tls_url = tls_url
        self._pictures = pictures
        self._names = itertools.count()
        os.environ.update(aws)
        self._s3 = build_s3_client(max_pool_connections=64, checksum="when_supported")
        self._s3.create_bucket(Bucket="bench")

    def bare(self) -> float:
        requests = list(build_requests(self._pictures))
        return run_bare_loop(self._place(), self._base_url, requests, threads=IN_FLIGHT)

    def core(self) -> float:
        return self._buy(DirectoryStore(self._place()), self._base_url)

    def core_tls(self) -> float:
        return self._buy(DirectoryStore(self._place()), self._tls_url)

    def core_s3(self) -> float:
        store = S3Store(self._s3, bucket="bench", prefix=self._place().name)
        return self._buy(store, self._base_url)

    def job(self) -> float:
        shop = open_shop(
            self._place(),
            self._base_url,
            products=self._pictures,
            one_shot=True,
            extra={"FLUX_ASSETS_MAX_IN_FLIGHT": str(IN_FLIGHT)},
        )
        shop.run("refresh", "--limit", "0")  # what a first run pays for once is not part of it
        buying, _ = shop.refresh()
        idle, _ = shop.refresh()
        return buying.cpu_seconds - idle.cpu_seconds

    def _buy(self, store: DirectoryStore | S3Store, base_url: str) -> float:
        return buy(store, base_url, pictures=self._pictures, in_flight=IN_FLIGHT)

    def _place(self) -> Path:
        return self._folder / f"place-{next(self._names)}"


if __name__ == "__main__":
    run_alone(measure, __doc__)
