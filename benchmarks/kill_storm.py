"""Runs that are killed again and again, on an API where much goes wrong; counts what was paid.

    python benchmarks/kill_storm.py
    python benchmarks/kill_storm.py --requests 200 --kills 5 --latency 0.2

Prints a table and exits with 1 where a guarantee does not hold. The simulator is a process of its
own; the runs are killed with SIGKILL at moments that `--seed` chooses, a stretch of them two at
a time. A third of the pictures edit photos, each uploaded for several of them.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

from flux_assets.image_api.simulator.faults import parse_faults
from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets.storage.directory import DirectoryStore
from servers import simulator
from storm import Storm
from storm_audit import Audit, read_reserved
from storm_requests import build_requests, keep_photos

RATES = {
    "lost_reply": 0.05,
    # 3 % of 5xx and 52x, half of them paid
    **dict.fromkeys(("gateway_502", "gateway_520", "gateway_524"), 0.005),
    **dict.fromkeys(("gateway_500_billed", "gateway_504_billed", "gateway_522_billed"), 0.005),
    "editor_522": 0.03,  # unpaid, and of edits only
    "rate_limited": 0.03,
    # 2 % FAILED and the like with HTTP 200, a quarter of them paid
    **dict.fromkeys(("failed", "failed_billed", "failure", "error_object"), 0.005),
    "late_object": 0.03,
    "truncated_download": 0.02,
    "corrupt_download": 0.02,
}
MEGAPIXELS = 0.02


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
            keep_photos(storm.store, arguments.requests)
            began = time.monotonic()
            cuts = dice.sample(range(arguments.requests * 95 // 100), arguments.kills)
            storm.strike(sorted(cuts))
            storm.finish()
            seconds = time.monotonic() - began
            audit = Audit(
                requests=storm.requests,
                entries=storm.read_entries(),
                accepted=storm.accepted,
                lives=storm.lives,
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
    uploads = audit.list_uploads()
    again = sum(len(upload.asset_keys) > 1 for upload in uploads)
    excused = storm.in_flight_at_kills + paid["lost replies"] + paid["billed 5xx"]
    extra = paid["pictures"] - wanted
    rows = {
        "requests": wanted,
        "of them edits": sum(request.mode == "edit" for request in storm.requests),
        "runs started": storm.started,
        "killed": f"{storm.kills}, {storm.killed_beside_another} of them beside another run",
        "calls in flight at the kills": storm.in_flight_at_kills,
        "calls that reached the API": f"{sends}, and {limited} answered 429",
        "photos uploaded": f"{sum(len(upload.asset_keys) for upload in uploads)} times, "
        f"{len(uploads)} photos, {again} of them more than once",
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
        "every photo is uploaded, and its key noted": all(upload.is_noted for upload in uploads),
        "no photo is uploaded again once its key is noted": all(
            len(upload.asset_keys) <= upload.runs for upload in uploads
        ),
    }
    return [guarantee for guarantee, holds in guarantees.items() if not holds]


if __name__ == "__main__":
    main()
