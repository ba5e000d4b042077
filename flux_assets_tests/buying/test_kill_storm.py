import subprocess
import sys
from pathlib import Path

import pytest

_STORM = Path(__file__).parents[2] / "benchmarks" / "kill_storm.py"


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
