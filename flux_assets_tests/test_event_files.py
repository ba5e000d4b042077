"""SQLite's files of a run's events, which stay open while many events are logged."""

from pathlib import Path

import dagster as dg

from flux_assets.defs.event_files import event_files_held_open

NO_RUN = ""
"""Where Dagster keeps events that are of no run."""


def _log_event(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization("picture"))


def test_no_event_moves_the_log_into_its_database_while_the_files_are_held_open(
    tmp_path: Path,
) -> None:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        _log_event(instance)
        assert not list(tmp_path.rglob("*.db-wal"))
        with event_files_held_open(instance, NO_RUN):
            _log_event(instance)
            logs = {path.name for path in tmp_path.rglob("*.db-wal")}
        assert not list(tmp_path.rglob("*.db-wal"))
        materialized = instance.fetch_materializations(dg.AssetKey("picture"), limit=10)

    assert logs == {"index.db-wal", ".db-wal"}
    assert len(materialized.records) == 2


def test_events_are_logged_where_a_run_has_no_file_yet(tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        event_files_held_open(instance, "a-run-without-events"),
    ):
        _log_event(instance)
        assert len(instance.fetch_materializations(dg.AssetKey("picture"), limit=10).records) == 1
    assert not list(tmp_path.rglob("a-run-without-events.db"))


def test_another_event_storage_is_left_alone() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        event_files_held_open(instance, "a-run"),
    ):
        _log_event(instance)
        assert len(instance.fetch_materializations(dg.AssetKey("picture"), limit=10).records) == 1
