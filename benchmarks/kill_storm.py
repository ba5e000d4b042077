"""Runs that are killed again and again, on an API where much goes wrong; counts what was paid.

    python benchmarks/kill_storm.py
    python benchmarks/kill_storm.py --requests 200 --kills 5 --latency 0.2

Prints a table and exits with 1 where a guarantee does not hold. The simulator is a process of its
own; the runs are killed with SIGKILL at moments that `--seed` chooses, a stretch of them two at
a time.
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
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from buying import build_requests
from flux_assets.assembly import RunIdentity, open_ledger
from flux_assets.image_request import ImageRequest
from flux_assets.ledger_entry import LedgerEntry
from flux_assets.outcome import WITH_PICTURE
from flux_assets.settings import load_settings
from flux_assets.simulator.faults import parse_faults
from flux_assets.simulator.state import SimulatorState
from flux_assets.store.directory import DirectoryStore
from servers import simulator
from storm_audit import Audit, read_reserved

RATES = {
    "lost_reply": 0.05,
    # 3 % of 5xx and 52x, half of them paid
    **dict.fromkeys(("gateway_502", "gateway_520", "gateway_524"), 0.005),
    **dict.fromkeys(("gateway_500_billed", "gateway_504_billed", "gateway_522_billed"), 0.005),
    "rate_limited": 0.03,
    # 2 % FAILED and the like with HTTP 200, a quarter of them paid
    **dict.fromkeys(("failed", "failed_billed", "failure", "error_object"), 0.005),
    "late_object": 0.03,
    "truncated_download": 0.02,
    "corrupt_download": 0.02,
}
MEGAPIXELS = 0.02
IN_FLIGHT = 32
MAX_ATTEMPTS = 20
CALL_TIMEOUT_SECONDS = 600
"""A claim's lease is longer still: no storm lasts so long that a lease could help it."""
MOST_RUNS_TO_FINISH = 20
PAIRED_KILLS = 3
_LOOK_SECONDS = 0.02


@dataclass(slots=True, kw_only=True)
class Run:
    """One run under way; `is_alone` while no other ever ran beside it."""

    process: "subprocess.Popen[bytes]"
    log: IO[bytes]
    is_alone: bool

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, by itself or killed."""
        return self.process.poll() is not None

    def read_outcomes(self) -> list[dict[str, str]]:
        """What it said until its end; a killed one's last line may be cut."""
        lines = Path(self.log.name).read_bytes().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith(b"\n")]


@dataclass(slots=True, kw_only=True)
class Storm:
    """Starts, kills and starts again, until every picture is there."""

    folder: Path
    base_url: str
    requests: list[ImageRequest]
    dice: random.Random
    latency_seconds: float
    daily_limit: int
    store: DirectoryStore
    vendor: SimulatorState
    alive: list[Run] = field(default_factory=list)
    started: int = 0
    kills: int = 0
    killed_beside_another: int = 0
    in_flight_at_kills: int = 0
    accepted: dict[str, str] = field(default_factory=dict)
    held_by_nobody: int = 0
    over_limit: int = 0
    limit_raises: int = 0

    def strike(self, cuts: list[int]) -> None:
        """Kill a run each time that so many calls were paid; some of them while two run."""
        first_paired = len(cuts) // 2
        for number, cut in enumerate(cuts):
            wanted = 2 if first_paired <= number < first_paired + PAIRED_KILLS else 1
            while self.vendor.count_paid() < cut:
                self._keep_alive(wanted)
                time.sleep(_LOOK_SECONDS)
            time.sleep(self.dice.uniform(0, 2 * self.latency_seconds))
            self._keep_alive(wanted)
            self._kill(self.dice.choice(self.alive))

    def finish(self) -> None:
        """Run until one run gives every picture, or until runs no longer help."""
        for _ in range(MOST_RUNS_TO_FINISH):
            run = self._start()
            for each in self.alive:
                each.process.wait()
            self._bury()
            kinds = [outcome["kind"] for outcome in run.read_outcomes()]
            if len(kinds) == len(self.requests) and WITH_PICTURE.issuperset(kinds):
                return

    def read_entries(self) -> dict[str, LedgerEntry]:
        """The ledger as it stands; takes note of each paid call that it knows."""
        settings = load_settings(self._environ())
        run = RunIdentity(run_id="storm", step="storm", is_run_dead=lambda _: False)
        ledger = open_ledger(settings, self.store, run)
        entries = ledger.read_many([request.fingerprint for request in self.requests])
        for fingerprint, entry in entries.items():
            if entry.uuid:
                self.accepted.setdefault(fingerprint, entry.uuid)
        return entries

    def _keep_alive(self, wanted: int) -> None:
        """Have so many runs under way; who came to an end is started again."""
        self._bury()
        while len(self.alive) < wanted:
            self._start()

    def _start(self) -> Run:
        self.started += 1
        for other in self.alive:
            other.is_alone = False
        log = (self.folder / f"run-{self.started}.jsonl").open("wb")
        process = subprocess.Popen(
            [
                *(sys.executable, str(Path(__file__).with_name("storm_run.py"))),
                *(f"run-{self.started}", self.base_url, str(len(self.requests))),
            ],
            stdout=log,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self._environ()},
        )
        run = Run(process=process, log=log, is_alone=not self.alive)
        self.alive.append(run)
        return run

    def _kill(self, victim: Run) -> None:
        """Kill one run, and count what it had under way before another takes it over."""
        others = [run for run in self.alive if run is not victim]
        for run in others:
            run.process.send_signal(signal.SIGSTOP)
        victim.process.kill()
        victim.process.wait()
        entries = self.read_entries().values()
        self.in_flight_at_kills += sum(
            entry.state == "claimed" and entry.process.pid == victim.process.pid
            for entry in entries
        )
        for run in others:
            run.process.send_signal(signal.SIGCONT)
        self.kills += 1
        self.killed_beside_another += bool(others)
        self._bury()

    def _bury(self) -> None:
        """Take down what the runs that ended said; raise the daily limit where it is spent."""
        for run in [run for run in self.alive if run.has_ended]:
            self.alive.remove(run)
            run.log.close()
            outcomes = run.read_outcomes()
            kinds = Counter(outcome["kind"] for outcome in outcomes)
            self.held_by_nobody += kinds["held"] if run.is_alone else 0
            self._check_limit()
            if any("daily limit" in outcome["reason"] for outcome in outcomes):
                self.limit_raises += 1
                self.daily_limit += len(self.requests) // 2

    def _check_limit(self) -> None:
        most = max(read_reserved(self.store).values(), default=0)
        self.over_limit = max(self.over_limit, most - self.daily_limit)

    def _environ(self) -> dict[str, str]:
        return {
            "FLUX_ASSETS_STORE": self.store.uri,
            "FLUX_ASSETS_MAX_IN_FLIGHT": str(IN_FLIGHT),
            "FLUX_ASSETS_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
            "FLUX_ASSETS_CALL_TIMEOUT_SECONDS": str(CALL_TIMEOUT_SECONDS),
            "FLUX_ASSETS_REQUESTS_PER_MINUTE": "1000000",
            "FLUX_ASSETS_DAILY_IMAGE_LIMIT": str(self.daily_limit),
            "FLUX_ASSETS_PREVIEW_PX": "0",
        }


def main() -> None:
    """Make a storm and exit with 1 where something did not hold."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--latency", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    faults = {"rates": RATES, "seed": arguments.seed, "retry_after_seconds": 1}
    dice = random.Random(arguments.seed)  # noqa: S311 - moments, not secrets
    with tempfile.TemporaryDirectory() as folder:
        faults_file = Path(folder) / "faults.json"
        faults_file.write_text(json.dumps(faults))
        options = ("--faults", str(faults_file))
        with simulator(
            Path(folder), arguments.latency, *options, megapixels=MEGAPIXELS
        ) as base_url:
            storm = Storm(
                folder=Path(folder),
                base_url=base_url,
                requests=list(build_requests(arguments.requests)),
                dice=dice,
                latency_seconds=arguments.latency,
                daily_limit=arguments.requests // 2,
                store=DirectoryStore(Path(folder) / "store"),
                vendor=SimulatorState(Path(folder) / "simulator"),
            )
            began = time.monotonic()
            cuts = dice.sample(range(arguments.requests * 95 // 100), arguments.kills)
            storm.strike(sorted(cuts))
            storm.finish()
            seconds = time.monotonic() - began
            audit = Audit(
                requests=storm.requests,
                entries=storm.read_entries(),
                accepted=storm.accepted,
                store=storm.store,
                vendor=storm.vendor,
                faults=parse_faults(faults),
                base_url=base_url,
            )
            broken = report(storm, audit, seconds)
    sys.exit("\n".join(f"BROKEN: {guarantee}" for guarantee in broken) or 0)


def report(storm: Storm, audit: Audit, seconds: float) -> list[str]:
    """Print the storm's numbers, and give the guarantees that do not hold."""
    verdicts, paid = audit.judge_pictures(), audit.count_paid()
    sends, limited = audit.count_sends()
    resent, late = audit.count_resent(), audit.count_paid_after_accepted()
    reserved = sum(read_reserved(storm.store).values())
    wanted, strays = len(storm.requests), audit.count_strays()
    excused = storm.in_flight_at_kills + paid["lost replies"] + paid["billed 5xx"]
    extra = paid["pictures"] - wanted
    rows = {
        "requests": wanted,
        "runs started": storm.started,
        "killed": f"{storm.kills}, {storm.killed_beside_another} of them beside another run",
        "calls in flight at the kills": storm.in_flight_at_kills,
        "calls that reached the API": f"{sends}, and {limited} answered 429",
        "replies lost, and paid": paid["lost replies"],
        "5xx and 52x that were paid": paid["billed 5xx"],
        "pictures": ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items()),
        "pictures nobody asked for": strays,
        "paid pictures": f"{paid['pictures']}, so {extra} more than wanted, of {excused} excused",
        "sent after an unknown outcome": resent,
        "failures that were paid": paid["failures"],
        "paid after being accepted": late,
        "held although nobody works on it": storm.held_by_nobody,
        "reserved of the daily limit": f"{reserved} of {storm.daily_limit}, raised "
        f"{storm.limit_raises} times when it was used up",
        "seconds": round(seconds),
    }
    for name, value in rows.items():
        print(f"{name:<34}{value}")
    guarantees = {
        "every picture is the vendor's own, byte for byte": verdicts["right"] == wanted,
        "no other picture is there": strays == 0,
        "nothing is paid after being accepted": late == 0,
        "only calls without a reply are paid again": extra <= excused,
        "each of those is counted": extra <= resent,
        "no run waits for the dead": storm.held_by_nobody == 0,
        "every send is reserved": sends <= reserved,
        "the daily limit holds": storm.over_limit <= 0,
    }
    return [guarantee for guarantee, holds in guarantees.items() if not holds]


if __name__ == "__main__":
    main()
