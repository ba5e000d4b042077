"""Dagster's home where it cannot be used: one sentence that says what to do, for each cause."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml

from flux_assets.commands.dagster_home import (
    DagsterHomeError,
    explain_dagster_error,
    open_instance,
    prepare_dagster_home,
)
from flux_assets.defs.event_storage import storage_config
from flux_assets.errors import SettingsError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with databases in it."""
    home = tmp_path / "home"
    home.mkdir()
    config = {"storage": storage_config(str(home)), "telemetry": {"enabled": False}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with open_instance() as instance:
        assert instance.get_runs() == []
    return home


def _told() -> str:
    with pytest.raises(DagsterHomeError) as caught, open_instance() as instance:
        instance.get_runs()
    text = str(caught.value)
    assert text.startswith("Dagster's database in ")
    assert "\n" not in text
    return text


def test_a_database_that_is_damaged_is_told(home: Path) -> None:
    (home / "history/runs.db").write_bytes(b"no database, but longer than a header" * 400)
    assert "restore it, or move it away: the store has all that is paid" in _told()


def test_a_database_that_is_a_folder_is_told(home: Path) -> None:
    for path in (home / "history").glob("runs.db*"):
        path.unlink()
    (home / "history/runs.db").mkdir()
    assert "it cannot be opened; check its folder's owner and mode" in _told()


@pytest.mark.parametrize("given", ["/proc/self", "/proc"])
def test_a_home_that_cannot_be_written_to_is_told(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", given)
    assert given in _told()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("no/such/home", "absolute path, not 'no/such/home'"),
        ("/no/such/home", "'/no/such/home' is no folder; make it"),
        (__file__, "is no folder; make it"),
    ],
)
def test_a_home_that_cannot_be_one_is_told_why(
    given: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", given)
    with pytest.raises(SettingsError, match=told):
        prepare_dagster_home()


def test_where_a_home_cannot_be_made_it_is_told_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".flux_assets").write_text("a file where the folder should be")
    with pytest.raises(DagsterHomeError, match="set DAGSTER_HOME to the path of a folder that can"):
        prepare_dagster_home()


def test_a_lock_and_a_full_disk_are_told_as_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "some.db"
    with (
        closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as writer,
        closing(sqlite3.connect(path, timeout=0)) as other,
    ):
        writer.execute("create table t (x)")
        writer.execute("begin exclusive")
        with pytest.raises(sqlite3.OperationalError) as locked:
            other.execute("select * from t")
        writer.execute("rollback")
        writer.execute("pragma max_page_count = 2")
        with pytest.raises(sqlite3.OperationalError) as full:
            writer.execute("insert into t values (zeroblob(100000))")
    assert "another process holds it locked" in explain_dagster_error(locked.value, tmp_path)
    assert "its disk is full; make room there" in explain_dagster_error(full.value, tmp_path)
