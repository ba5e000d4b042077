"""Runs that Dagster starts, killed again and again, whole or a step of them; counts what was paid.

    python benchmarks/dagster_storm.py
    python benchmarks/dagster_storm.py --pictures 40 --kills 3 --only "a command" --only backfill

Each row is a shop of its own: who starts its runs, what runs their steps, how many steps may buy at
a time, and what is killed with SIGKILL at moments that `--seed` chooses, while all the rest lives.
Exits with 1 where a guarantee does not hold.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml

from flux_assets.defs.names import Names
from flux_assets.defs.pools import read_pool
from flux_assets.defs.runs import find_runs
from flux_assets_tests.fixtures.dagster_dev import dagster_dev
from flux_assets_tests.fixtures.live_dagster import LiveDagster
from flux_assets_tests.fixtures.live_shops import LiveShop, open_live_shop
from flux_assets_tests.fixtures.redis_server import running_redis
from processes import command_of

SHARD_SIZE = 10
IN_FLIGHT = 4
WORKERS = 4
_LOOK_SECONDS = 0.1
_PATIENCE_SECONDS = 900
_SILENCE_SECONDS = 90

Launch = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """Who starts the runs of a shop, what runs their steps, and what of them is killed."""

    starter: Literal["a command", "the daemon", "a backfill"]
    executor: Literal["in_process", "multiprocess", "celery"]
    pool: int
    victim: Literal["the run", "a step"]

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.starter}, {self.executor}, pool {self.pool}, {self.victim}"


PATTERNS = (
    Pattern(starter="a command", executor="in_process", pool=1, victim="the run"),
    Pattern(starter="a command", executor="in_process", pool=4, victim="the run"),
    Pattern(starter="a command", executor="multiprocess", pool=1, victim="a step"),
    Pattern(starter="a command", executor="multiprocess", pool=4, victim="the run"),
    Pattern(starter="the daemon", executor="in_process", pool=1, victim="the run"),
    Pattern(starter="the daemon", executor="multiprocess", pool=4, victim="a step"),
    Pattern(starter="a backfill", executor="in_process", pool=1, victim="the run"),
    Pattern(starter="a backfill", executor="multiprocess", pool=4, victim="a step"),
    Pattern(starter="a command", executor="celery", pool=1, victim="a step"),
    Pattern(starter="a command", executor="celery", pool=4, victim="a step"),
    Pattern(starter="a command", executor="celery", pool=4, victim="the run"),
)


@dataclass(slots=True, kw_only=True)
class Score:
    """What a storm counted."""

    launches: int = 0
    kills: int = 0
    in_flight_at_kills: int = 0


def main() -> None:
    """Make the storms and print their table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=80)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--latency", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", default=[], help="patterns whose name has this")
    arguments = parser.parse_args()
    broken: list[str] = []
    print("| started by, steps, pool, killed | kills | in flight then | paid | more than wanted |")
    print("|---|---|---|---|---|")
    for pattern in PATTERNS:
        if arguments.only and not any(part in pattern.name for part in arguments.only):
            continue
        with tempfile.TemporaryDirectory() as folder:
            broken += strike(pattern, Path(folder) / "shop", arguments)
    sys.exit("\n".join(f"BROKEN: {guarantee}" for guarantee in broken) or 0)


def strike(pattern: Pattern, folder: Path, arguments: argparse.Namespace) -> list[str]:
    """Make one storm, print its row, and give the guarantees that do not hold."""
    dice = random.Random(arguments.seed)  # noqa: S311 - moments, not secrets
    with open_storm_shop(pattern, folder, arguments) as (shop, launch):
        score = Score()
        for _ in range(arguments.kills):
            billed = len(shop.bill())
            wait_for_calls(shop, launch, score, more_than=billed + dice.randrange(IN_FLIGHT))
            if len(shop.bill()) >= arguments.pictures - IN_FLIGHT:
                break
            kill(shop, pattern, score, dice)
        finish(shop, launch, score, pictures=arguments.pictures)
        paid, pictures = len(shop.bill()), len(shop.workplace.pictures())
        more = paid - arguments.pictures
        print(
            f"| {pattern.name} | {score.kills} | {score.in_flight_at_kills} | {paid} | {more} |",
            flush=True,
        )
        holds = {
            "every picture is there, once": pictures == arguments.pictures,
            "the store is sound": shop.run("verify", "--deep").exit_code == 0,
            "only calls in flight at a kill are paid again": more <= score.in_flight_at_kills,
            "no slot is held by the dead": not read_pool(shop.instance, Names()).slots,
            "no run is left": not find_runs(shop.instance, Names()),
            "something was killed": score.kills > 0,
        }
    return [f"{pattern.name}: {text}" for text, is_held in holds.items() if not is_held]


@contextmanager
def open_storm_shop(
    pattern: Pattern, folder: Path, arguments: argparse.Namespace
) -> Iterator[tuple[LiveShop, Launch]]:
    """A shop whose runs are started as the pattern says, and what starts one."""
    settings = {
        "FLUX_ASSETS_EXECUTOR": pattern.executor,
        "FLUX_ASSETS_SHARD_SIZE": str(SHARD_SIZE),
        "FLUX_ASSETS_MAX_IN_FLIGHT": str(IN_FLIGHT),
        "FLUX_ASSETS_MAX_ATTEMPTS": "20",
        "FLUX_ASSETS_MAX_IMAGES_PER_RUN": str(arguments.pictures),
    }
    folder.mkdir()
    with ExitStack() as stack:
        if pattern.executor == "celery":
            redis = stack.enter_context(running_redis(folder))
            settings["FLUX_ASSETS_CELERY_BROKER"] = f"{redis}/0"
            # No shard may take longer than another worker waits before it takes it over.
            settings["FLUX_ASSETS_CALL_TIMEOUT_SECONDS"] = "30"
        shop = stack.enter_context(
            open_live_shop(
                folder, products=arguments.pictures, latency=arguments.latency, **settings
            )
        )
        set_pool(folder, pattern.pool)
        if pattern.executor == "celery":
            start_workers(shop, stack)
        if pattern.starter == "a command":
            yield shop, lambda: shop.start("refresh")
            return
        # Makes the products partitions.
        shop.run("refresh", "--limit", "0", FLUX_ASSETS_EXECUTOR="in_process")
        base_url = stack.enter_context(dagster_dev(shop.workplace, **shop.environ))
        dagster = LiveDagster(workplace=shop.workplace, base_url=base_url, instance=shop.instance)
        if pattern.starter == "the daemon":
            yield shop, lambda: dagster.launch("refresh_catalog_images", location="flux_assets")
            return
        products = [f"{number:03}" for number in range(arguments.pictures)]
        yield shop, lambda: dagster.backfill(["images", "hero"], products)


def set_pool(folder: Path, limit: int) -> None:
    """Let so many steps buy at a time."""
    for path in (folder / ".flux_assets/dagster/dagster.yaml", folder / "dagster.yaml"):
        config = yaml.safe_load(path.read_text("utf-8"))
        config["concurrency"]["pools"]["default_limit"] = limit
        path.write_text(yaml.safe_dump(config), "utf-8")


def start_workers(shop: LiveShop, stack: ExitStack) -> None:
    """Workers of this machine that take the steps, one at a time each."""
    home = shop.workplace.folder / ".flux_assets/dagster"
    for number in range(WORKERS):
        log = stack.enter_context((shop.workplace.folder / f"worker-{number}.log").open("wb"))
        process = subprocess.Popen(
            [
                *(command_of("dagster-celery"), "worker", "start"),
                *("-A", "flux_assets.defs.celery_worker", "-n", f"worker-{number}"),
                *("--", "--concurrency", "1", "--without-mingle", "--without-gossip"),
            ],
            cwd=shop.workplace.folder,
            env=shop.workplace.environ(
                {
                    **shop.environ,
                    "DAGSTER_HOME": str(home),
                    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                }
            ),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        stack.callback(os.killpg, process.pid, signal.SIGKILL)


def wait_for_calls(shop: LiveShop, launch: Launch, score: Score, *, more_than: int) -> None:
    """Wait for more calls; where no run lives, or all is silent, start one."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    silent_since = time.monotonic()
    billed = len(shop.bill())
    while len(shop.bill()) <= more_than:
        if time.monotonic() > give_up_at:
            sys.exit(f"nothing is bought any more in {shop.workplace.folder}")
        if len(shop.bill()) > billed:
            billed, silent_since = len(shop.bill()), time.monotonic()
        is_silent = time.monotonic() - silent_since > _SILENCE_SECONDS
        if is_silent or not has_living_run(shop):
            launch()
            score.launches += 1
            silent_since = time.monotonic()
            wait_for_a_run(shop)
        time.sleep(_LOOK_SECONDS)


def wait_for_a_run(shop: LiveShop) -> None:
    """Wait until what was started is a run."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at and not has_living_run(shop):
        time.sleep(_LOOK_SECONDS)


def has_living_run(shop: LiveShop) -> bool:
    """Whether a run is under way that is not proven dead; the dead wait for whoever comes next."""
    return any(it.life != "dead" for it in find_runs(shop.instance, Names()))


def kill(shop: LiveShop, pattern: Pattern, score: Score, dice: random.Random) -> None:
    """Kill one process, and count the calls that it had under way."""
    victims = list(list_victims(shop, pattern))
    if not victims:
        return
    victim, *dependents = dice.choice(victims)
    os.kill(victim, signal.SIGKILL)
    score.kills += 1
    score.in_flight_at_kills += count_claims(shop, {victim, *dependents})


def list_victims(shop: LiveShop, pattern: Pattern) -> Iterator[list[int]]:
    """Process ids of what the pattern kills and lives, each with those that may end with it."""
    for run in find_runs(shop.instance, Names()):
        alive = [it for it in run.processes if it.life == "alive"]
        for it in alive:
            if pattern.victim == "a step" and it.step:
                yield [it.process.pid]
            elif pattern.victim == "the run" and not it.step:
                yield [it.process.pid, *(each.process.pid for each in alive)]


def count_claims(shop: LiveShop, pids: set[int]) -> int:
    """The calls that processes had under way when they died."""
    entries = [
        json.loads(path.read_bytes()) for path in shop.workplace.store.glob("ledger/*/*.json")
    ]
    return sum(it["state"] == "claimed" and it["process"]["pid"] in pids for it in entries)


def finish(shop: LiveShop, launch: Launch, score: Score, *, pictures: int) -> None:
    """Start runs, and kill none, until every picture is there and no run lives."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < give_up_at:
        if has_living_run(shop):
            time.sleep(_LOOK_SECONDS)
        elif len(shop.workplace.pictures()) >= pictures:
            shop.run("runs")  # which ends the dead, and frees what they hold
            return
        else:
            launch()
            score.launches += 1
            wait_for_a_run(shop)


if __name__ == "__main__":
    main()
