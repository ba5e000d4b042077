import subprocess
import sys
from pathlib import Path

import pytest

_STORM = Path(__file__).parents[2] / "benchmarks" / "kill_storm.py"
_DAGSTER_STORM = _STORM.with_name("dagster_storm.py")


@pytest.mark.slow
def test_a_storm_of_kills_leaves_every_picture_and_pays_for_none_after_its_reply() -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter and our own script
        [sys.executable, str(_STORM), "--requests", "200", "--kills", "5", "--latency", "0.2"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    numbers = {line[:34].strip(): line[34:] for line in done.stdout.splitlines()}
    assert numbers["pictures"] == "200 right"
    assert numbers["of them edits"] == "66"
    assert ", 7 photos, " in numbers["photos uploaded"]
    assert numbers["killed"].startswith("5, ")
    assert numbers["paid after being accepted"] == "0"


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern",
    [
        "a command, multiprocess, pool 4, the run",
        "the daemon, in_process, pool 1, the run",
        "a command, celery, pool 4, the run",
    ],
)
def test_a_storm_through_dagster_pays_twice_only_what_was_in_flight(pattern: str) -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter and our own script
        [
            *(sys.executable, str(_DAGSTER_STORM), "--only", pattern),
            *("--pictures", "30", "--kills", "2"),
        ],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| {pattern} | " in done.stdout
