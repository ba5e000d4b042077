"""The storm itself: runs that are started, killed and started again."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.buying.outcome import WITH_PICTURE
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from storm_audit import Life, read_reserved

IN_FLIGHT = 32
MAX_ATTEMPTS = 20
CALL_TIMEOUT_SECONDS = 600
"""A claim's lease is longer still: no storm lasts so long that a lease could help it."""
MOST_RUNS_TO_FINISH = 20
PAIRED_KILLS = 3
_LOOK_SECONDS = 0.02


@dataclass(slots=True, kw_only=True)
class Run:
    """One run under way; `is_alone` while no other ever ran beside it; times in epoch seconds."""

    process: "subprocess.Popen[bytes]"
    log: IO[bytes]
    is_alone: bool
    began_at: float

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
    lives: list[Life] = field(default_factory=list)
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
        began_at = time.time()
        process = subprocess.Popen(
            [
                *(sys.executable, str(Path(__file__).with_name("storm_run.py"))),
                *(f"run-{self.started}", self.base_url, str(len(self.requests))),
            ],
            stdout=log,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **self._environ()},
        )
        run = Run(process=process, log=log, is_alone=not self.alive, began_at=began_at)
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
            self.lives.append(Life(began_at=run.began_at, ended_at=time.time()))
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
