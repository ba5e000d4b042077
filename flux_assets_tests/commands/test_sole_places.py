"""A place that one process has alone, for as long as it lives."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flux_assets.commands.sole_places import take_alone

_TAKE = """
import sys
from pathlib import Path
from flux_assets.commands.sole_places import take_alone
told = take_alone(Path(sys.argv[1]), "the first")
"""
_WAIT = "print(told, flush=True); sys.stdin.read()"
_BECOME = "import os; print(told, flush=True); os.execv('/bin/cat', ['cat'])"
# A child has the place, too, until it is another program: from then on it is told.
_LEAVE_A_CHILD = f"import subprocess; subprocess.Popen(['/bin/cat']); {_WAIT}"


@contextmanager
def _running(path: Path, then: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that has taken the place, and goes on with `then`."""
    with subprocess.Popen(  # noqa: S603 - this interpreter and the text above
        [sys.executable, "-c", _TAKE + then, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "None\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("then", [_WAIT, _BECOME], ids=["itself", "after exec"])
def test_another_is_told_what_its_holder_says(tmp_path: Path, then: str) -> None:
    path = tmp_path / "lock"
    with _running(path, then):
        assert take_alone(path, "the second") == "the first"
        assert take_alone(path, "the third") == "the first"


@pytest.mark.parametrize("then", [_WAIT, _BECOME, _LEAVE_A_CHILD])
def test_once_its_holder_is_killed_it_is_free(tmp_path: Path, then: str) -> None:
    path = tmp_path / "lock"
    with _running(path, then) as process:
        process.kill()
        process.wait()
        assert take_alone(path, "me") is None
        assert path.read_text("utf-8") == "me"


def test_where_no_lock_can_be_had_everybody_has_the_place(tmp_path: Path) -> None:
    assert take_alone(tmp_path / "nowhere" / "lock", "me") is None
    target = tmp_path / "somebodys"
    target.write_text("kept")
    (tmp_path / "lock").symlink_to(target)
    assert take_alone(tmp_path / "lock", "me") is None
    assert target.read_text() == "kept"
