"""Dagster's home, as the commands prepare and open it; what is wrong with it, in a sentence."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import yaml
from dagster import DagsterError
from sqlalchemy.exc import SQLAlchemyError  # what Dagster's storage raises

from flux_assets.commands.component import base_folder
from flux_assets.defs.event_storage import storage_config
from flux_assets.errors import FluxAssetsError, SettingsError
from flux_assets.os_errors import find_obstacle

DEFAULT_HOME = ".flux_assets/dagster"
_MAX_CHARS = 300
_LEAST_FREE_BYTES = 1_000_000
_FULL = "its disk is full; make room there, and run this again"
_ADVICE = (
    ("locked", "another process holds it locked; run this again once that one is done"),
    ("full", _FULL),
    ("readonly", "it cannot be written to; check its owner, its mode and how its disk is mounted"),
    ("unable to open", "it cannot be opened; check its folder's owner and mode"),
    ("disk I/O", "its disk fails; look at the system's log, and restore it elsewhere"),
    ("malformed", "it is damaged; restore it, or move it away: the store has all that is paid"),
    ("not a database", "it is none; restore it, or move it away: the store has all that is paid"),
)


class DagsterHomeError(FluxAssetsError):
    """Dagster's own database or folder cannot be used; what is paid is in the store, and kept."""

    def __init__(self, home: str, problem: str) -> None:
        super().__init__(f"Dagster's database in {home} cannot be used: {problem}")
        self.home = home
        self.problem = problem


def prepare_dagster_home() -> Path:
    """Give Dagster a home where none is set: under the working folder, as `dagster.yaml` says.

    Raises:
        SettingsError: the home that is set cannot be one, or `dagster.yaml` is no settings file.
        DagsterHomeError: it cannot be written to.
    """
    home = _name_home()
    if not os.environ.get("DAGSTER_HOME"):
        try:
            _make_home(home)
        except OSError as error:
            raise _unwritable(home, error.strerror or str(error)) from error
        os.environ["DAGSTER_HOME"] = str(home)
    return home


def is_home_made() -> bool:
    """Whether there is a home already, so that looking at it makes none.

    Raises:
        SettingsError: the home that is set cannot be one.
    """
    return _name_home().is_dir()


def check_place_of_home() -> None:
    """Look whether a home that is not there yet could be made.

    Raises:
        SettingsError: the home that is set cannot be one.
        DagsterHomeError: something is in its way.
    """
    home = _name_home()
    if obstacle := "" if home.is_dir() else find_obstacle(home):
        raise _unwritable(home, obstacle)


def _unwritable(home: Path, why: str) -> DagsterHomeError:
    problem = f"it cannot be written to ({why}); set DAGSTER_HOME to the path of a folder that can"
    return DagsterHomeError(str(home), problem)


def _name_home() -> Path:
    given = os.environ.get("DAGSTER_HOME")
    if given and not Path(given).is_absolute():
        raise SettingsError("DAGSTER_HOME", f"must be a folder's absolute path, not {given!r}")
    if given and not Path(given).is_dir():
        problem = f"must be a folder's absolute path, and {given!r} is no folder; make it"
        raise SettingsError("DAGSTER_HOME", problem)
    return Path(given or base_folder() / DEFAULT_HOME).absolute()


def _make_home(home: Path) -> None:
    home.mkdir(parents=True, exist_ok=True)
    source = base_folder() / "dagster.yaml"
    if source.exists():
        config = _read_instance_config(source)
        config["storage"] = storage_config(str(home))
        _write_changed(home / "dagster.yaml", yaml.safe_dump(config))


def _write_changed(path: Path, text: str) -> None:
    """Leave a file as it is that has the text already: others may be reading it."""
    if not path.exists() or path.read_bytes() != text.encode():
        path.write_text(text, "utf-8")


@contextmanager
def open_instance() -> Iterator[dg.DagsterInstance]:
    """Dagster's instance, in the home that this prepares.

    Raises:
        SettingsError: as `prepare_dagster_home`.
        DagsterHomeError: it cannot be opened, or failed within the block.
    """
    with _open(prepare_dagster_home()) as instance:
        yield instance


@contextmanager
def look_at_instance() -> Iterator[dg.DagsterInstance]:
    """As `open_instance`; where there is no home yet, one that nothing stays of stands for it.

    Raises:
        SettingsError, DagsterHomeError: as `open_instance`.
    """
    if is_home_made():
        with open_instance() as instance:
            yield instance
        return
    with TemporaryDirectory() as folder:
        home = Path(folder)
        _make_home(home)
        with _open(home) as instance:
            yield instance


@contextmanager
def _open(home: Path) -> Iterator[dg.DagsterInstance]:
    try:
        instance = dg.DagsterInstance.from_config(str(home))
    except (DagsterError, SQLAlchemyError, sqlite3.Error, yaml.YAMLError, OSError) as error:
        raise DagsterHomeError(str(home), explain_dagster_error(error, home)) from error
    try:
        with instance:
            yield instance
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise DagsterHomeError(str(home), explain_dagster_error(error, home)) from error


def explain_dagster_error(error: BaseException, home: Path) -> str:
    """What a database's or Dagster's own error means, and what to do, in one line."""
    told = " ".join(str(getattr(error, "orig", None) or error).split())[:_MAX_CHARS]
    if isinstance(error, SQLAlchemyError | sqlite3.Error):
        advices = [advice for word, advice in _ADVICE if word in told]
        # SQLite calls a full disk an I/O error, too, or one that it cannot open a file on.
        if advices and "locked" not in told and _has_no_room(home):
            advices = [_FULL]
        if advices:
            return f"{advices[0]} ({told})"
    return told


def _has_no_room(home: Path) -> bool:
    return home.exists() and disk_usage(home).free < _LEAST_FREE_BYTES


def _read_instance_config(path: Path) -> dict[str, Any]:
    try:
        config = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = f"{path} is not YAML: {' '.join(str(error).split())}"
        raise SettingsError("DAGSTER_HOME", problem) from error
    if not isinstance(config, dict):
        raise SettingsError("DAGSTER_HOME", f"{path} holds no settings; restore it or delete it")
    return config
