"""What loading the code location costs, beside loading Dagster alone, and what a help does.

Dagster loads it at every reload, and once in each process of a run. A shell starts the command at
each `--help` and each TAB key.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from figures import ROUNDS, Figure, at_most, median_of_rounds, run_alone
from processes import Finished, command_of, run_measured
from shops import PROJECT

_IMPORTS = ("flux_assets.definitions", "dagster")
_HELP = (command_of("flux-assets"), "plan", "--help")
_CLICK = (sys.executable, "-c", "import click")


def measure(quick: bool) -> Sequence[Figure]:  # noqa: FBT001 - as every subject
    """Seconds of each import in a new process, and the CPU of a help."""
    rounds = 1 if quick else ROUNDS + 2
    with tempfile.TemporaryDirectory() as folder:
        for module in _IMPORTS:  # so that neither pays for compiling
            _load(module, Path(folder))
        ours, peer = median_of_rounds(
            rounds, *(lambda module=module: _load(module, Path(folder)) for module in _IMPORTS)
        )
        help_cpu, click_cpu = median_of_rounds(
            rounds, *(lambda it=it: _run(it, Path(folder)).cpu_seconds for it in (_HELP, _CLICK))
        )
    return [
        Figure(
            name="start-up: import flux_assets.definitions, beside import dagster",
            unit="s",
            ours=ours,
            peer=peer,
            target=at_most(1.6),
        ),
        Figure(
            name="start-up: CPU of a command's --help, beside import click",
            unit="s",
            ours=help_cpu,
            peer=click_cpu,
            target=at_most(4),
        ),
    ]


def _load(module: str, folder: Path) -> float:
    return _run((sys.executable, "-c", f"import {module}"), folder).wall_seconds


def _run(command: Sequence[str], folder: Path) -> Finished:
    environ = {"FLUX_ASSETS_SHOTS": str(PROJECT / "data" / "shots.yaml")}
    return run_measured(command, folder=folder, environ=environ)


if __name__ == "__main__":
    run_alone(measure, __doc__)
