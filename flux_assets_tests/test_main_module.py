import subprocess
import sys

import pytest


def run(module: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "simulator", "--faults", "no-such-file"]
    return subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own command


@pytest.mark.parametrize("module", ["flux_assets", "flux_assets.commands.main"])
def test_python_runs_the_command_by_its_modules_name(module: str) -> None:
    ran = run(module)
    assert ran.returncode == 64
    assert "'no-such-file' does not exist" in ran.stderr


def test_python_has_no_module_of_the_commands_old_name() -> None:
    ran = run("flux_assets.cli")
    assert ran.returncode == 1
    assert "No module named flux_assets.cli" in ran.stderr


@pytest.mark.parametrize("module", ["flux_assets", "flux_assets.definitions"])
def test_on_windows_one_sentence_names_the_way_out(module: str) -> None:
    program = f"import os, sys; sys.platform = 'win32'; import {module}"
    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert ran.returncode == 1
    assert ran.stderr.startswith("ImportError: flux_assets does not run on Windows")
    assert "run it in WSL" in ran.stderr
    assert len(ran.stderr.splitlines()) == 1
