"""What loading the code location costs, beside loading Dagster alone.

Dagster loads it at every reload, and once in each process of a run.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from figures import ROUNDS, Figure, at_most, median_of_rounds, run_alone
from processes import run_measured
from shops import PROJECT

_IMPORTS = ("flux_assets.definitions", "dagster")


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds of each import in a new process, and its peak memory."""
    with tempfile.TemporaryDirectory() as folder:
        for module in _IMPORTS:  # so that neither pays for compiling
            _load(module, Path(folder))
        ours, peer = median_of_rounds(
            1 if quick else ROUNDS + 2,
            *(lambda module=module: _load(module, Path(folder)) for module in _IMPORTS),
        )
    return [
        Figure(
            name="start-up: import flux_assets.definitions, beside import dagster",
            unit="s",
            ours=ours,
            peer=peer,
            target=at_most(1.6),
        )
    ]


def _load(module: str, folder: Path) -> float:
    command = [sys.executable, "-c", f"import {module}"]
    environ = {"FLUX_ASSETS_SHOTS": str(PROJECT / "data" / "shots.yaml")}
    return run_measured(command, folder=folder, environ=environ).wall_seconds


if __name__ == "__main__":
    run_alone(measure, __doc__)
