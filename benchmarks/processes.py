"""Processes of our own, and what each of them needed, as the operating system counted it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

_OURS = ("FLUX_ASSETS_", "ONEMIN_", "DAGSTER_", "AWS_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A process that ended well: its output, its time, and its peak memory."""

    stdout: str
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def clean_environ(extra: Mapping[str, str]) -> dict[str, str]:
    """This environment without its own settings of ours, of Dagster or of AWS."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(_OURS)}
    return {**kept, **extra}


def command_of(name: str) -> str:
    """A command of the environment that runs this."""
    return str(Path(sys.executable).with_name(name))


def run_measured(
    command: Sequence[str], *, folder: Path, environ: Mapping[str, str] | None = None
) -> Finished:
    """Run to the end; user and system time together are its CPU time.

    Linux counts the memory of whoever starts a process as that process's own peak, so whoever
    measures memory with it must stay small.
    """
    output, errors = folder / "measured.out", folder / "measured.err"
    with output.open("wb") as stdout, errors.open("wb") as stderr:
        began = monotonic()
        process = subprocess.Popen(
            command, cwd=folder, env=clean_environ(environ or {}), stdout=stdout, stderr=stderr
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{errors.read_text()}")
    return Finished(
        stdout=output.read_text("utf-8"),
        wall_seconds=wall_seconds,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * 1024,
    )
