import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import click
import pytest

from flux_assets.commands.dagster_home import DagsterHomeError
from flux_assets.commands.failures import UnexpectedError, run_cli
from flux_assets.errors import ChoiceError, FluxAssetsError
from flux_assets.os_errors import MachineError
from flux_assets_tests.fixtures.command_line import COMMAND, Workplace, make_workplace

COMMANDS = [("demo",), ("plan",), ("refresh",), ("verify",), ("ledger",)]


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def run_without_rights(
    workplace: Workplace, *arguments: str, **environ: str
) -> "subprocess.CompletedProcess[str]":
    """Run the command as a user with no more rights than a file gives him, even as root."""
    dropped = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    if dropped and shutil.which(dropped[0]) is None:
        pytest.skip("dropping root's rights needs setpriv")
    return subprocess.run(  # noqa: S603 - our own command
        [*dropped, str(COMMAND), *arguments],
        cwd=workplace.folder,
        env=workplace.environ({"HOME": "/nonexistent", **environ}),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.parametrize(
    "command", [("refresh",), pytest.param(("check",), marks=pytest.mark.slow)], ids=" ".join
)
def test_a_folder_that_may_not_be_written_to_is_named(
    workplace: Workplace, command: tuple[str, ...]
) -> None:
    workplace.folder.chmod(0o555)
    try:
        done = run_without_rights(workplace, *command)
    finally:
        workplace.folder.chmod(0o755)
    assert done.returncode == 1
    told = done.stdout + done.stderr
    assert re.search(r"dagster cannot be used: it cannot be written to \(Perm", told)
    assert "Traceback" not in told


@pytest.mark.parametrize("folder", [".", "new"])
def test_a_shop_that_may_not_be_laid_down_is_told_where(workplace: Workplace, folder: str) -> None:
    place = workplace.folder / "closed"
    place.mkdir()
    place.chmod(0o555)
    done = run_without_rights(workplace, "init", f"closed/{folder}")
    place.chmod(0o755)
    assert done.returncode == 1
    assert "permission denied: give this user access, or work in a folder of its own" in done.stderr
    assert "FLUX_ASSETS_STORE" not in done.stderr
    assert "Traceback" not in done.stderr
    assert list(place.iterdir()) == []


def test_a_simulator_that_cannot_keep_its_state_is_named_and_buys_nothing(
    workplace: Workplace,
) -> None:
    counts = workplace.folder / ".flux_assets" / "simulator" / "counts"
    counts.mkdir(parents=True)
    counts.chmod(0o555)
    done = run_without_rights(workplace, "refresh")
    counts.chmod(0o755)
    assert done.returncode == 1
    assert "the simulator cannot keep its state: .flux_assets/simulator/counts" in done.stderr
    assert "permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    assert workplace.pictures() == []


@pytest.mark.parametrize("command", [*COMMANDS, ("check",)], ids=" ".join)
def test_a_file_where_a_folder_is_needed_is_named(
    workplace: Workplace, command: tuple[str, ...]
) -> None:
    (workplace.folder / ".flux_assets").write_text("in the way")
    done = workplace.run(*command)
    assert done.exit_code == 1
    told = done.stdout + done.stderr
    assert ".flux_assets" in told
    assert re.search(r"(cannot be written to \(|could not write .*: )(File ex|Not a dir)", told)
    assert "Traceback" not in told


@pytest.mark.parametrize("arguments", [("--traceback", "plan"), ("plan", "--traceback")])
def test_a_traceback_is_shown_where_it_is_asked_for(
    workplace: Workplace, arguments: tuple[str, ...]
) -> None:
    (workplace.folder / ".flux_assets").write_text("in the way")
    done = workplace.run(*arguments)
    assert done.exit_code == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert ".flux_assets/store: Not a directory; correct" in done.stderr.splitlines()[-1]


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    @click.group()
    def group() -> None:
        pass

    @group.command()
    def fail() -> None:
        raise RuntimeError from error

    monkeypatch.setattr(sys, "argv", ["flux-assets", "fail"])
    run_cli(group, lambda: None)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (OSError(28, "No space left on device", "/a/b"), MachineError, "^/a/b: the disk is full"),
        (OSError(122, "Quota", "/a"), MachineError, "^/a: the disk quota is used up"),
        (OSError(30, "Read-only file system", "/a"), MachineError, "read-only: work in a folder"),
        (OSError(98, "Address already in use"), MachineError, "choose another one with --port"),
        (OSError(24, "Too many open files"), MachineError, "ulimit -n"),
        (
            sqlite3.OperationalError("database or disk is full"),
            DagsterHomeError,
            "its disk is full",
        ),
        (ChoiceError("shots", ["a"]), ChoiceError, "there is no 'a'"),
        (ValueError("a\nb"), UnexpectedError, "^RuntimeError: no reason .*--traceback"),
    ],
)
def test_whatever_a_library_raises_becomes_one_sentence_by_its_cause(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[FluxAssetsError], told: str
) -> None:
    with pytest.raises(FluxAssetsError, match=told) as caught:
        run_failing(monkeypatch, error)
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("verify",), marks=pytest.mark.slow),
        pytest.param(("ledger",), marks=pytest.mark.slow),
        ("plan", "--json"),
    ],
    ids=" ".join,
)
def test_what_only_looks_needs_no_folder_that_can_be_written_to(
    workplace: Workplace, command: tuple[str, ...]
) -> None:
    workplace.make_store()
    (workplace.folder / ".flux_assets").rename(workplace.folder / "shelf")
    store = str(workplace.folder / "shelf" / "store")
    workplace.folder.chmod(0o555)
    try:
        done = run_without_rights(workplace, *command, FLUX_ASSETS_STORE=store)
    finally:
        workplace.folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
