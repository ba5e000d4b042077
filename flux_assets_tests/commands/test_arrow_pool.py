"""Where the commands' processes have Arrow take its memory from."""

import os
import subprocess
import sys

import pytest

_VARIABLE = "ARROW_DEFAULT_MEMORY_POOL"
_PROGRAM = """
import sys
from flux_assets.commands.main import main
sys.argv = ["flux-assets", "--version"]
main()
import pyarrow
print(pyarrow.default_memory_pool().backend_name)
"""


@pytest.mark.parametrize(("told", "used"), [({}, "system"), ({_VARIABLE: "mimalloc"}, "mimalloc")])
def test_memory_is_the_systems_unless_another_pool_is_named(
    told: dict[str, str], used: str
) -> None:
    environ = {name: text for name, text in os.environ.items() if name != _VARIABLE} | told
    command = [sys.executable, "-c", _PROGRAM]
    finished = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert finished.stdout.splitlines()[-1] == used
