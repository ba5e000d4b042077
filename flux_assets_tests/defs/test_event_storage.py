"""SQLite's files of a step's events, which stay open while it logs."""

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster import DagsterEvent, DagsterEventType
from dagster._core.events import StepMaterializationData

from flux_assets.defs.event_storage import StepEventLogStorage, storage_config
from flux_assets_tests.fixtures.command_line import PROJECT

RUN = "a-run"
PICTURE = dg.AssetKey("picture")
LOG_FROM_A_FORKED_CHILD = """
import os, sys, pathlib
from flux_assets_tests.defs.test_event_storage import log_event, open_instance
with open_instance(pathlib.Path(sys.argv[1])) as instance:
    log_event(instance)
    child = os.fork()
    log_event(instance)
    if not child:
        instance.dispose()
        os._exit(0)
    sys.exit(os.waitpid(child, 0)[1])
"""


def open_instance(home: Path, storage: dict[str, Any] | None = None) -> dg.DagsterInstance:
    config = {"storage": storage or storage_config(str(home)), "telemetry": {"enabled": False}}
    (home / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return dg.DagsterInstance.from_config(str(home))


def log_event(
    instance: dg.DagsterInstance, partition: str | None = None, *, run_id: str = RUN
) -> None:
    materialization = dg.AssetMaterialization(
        PICTURE, partition=partition, tags={"dagster/data_version": "1"}
    )
    event = DagsterEvent(
        event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="a_job",
        step_key="a_step",
        event_specific_data=StepMaterializationData(materialization, []),
    )
    instance.report_dagster_event(event, run_id)


def log_run_event(instance: dg.DagsterInstance) -> None:
    instance.report_runless_asset_event(dg.AssetMaterialization(PICTURE))


def count_events(instance: dg.DagsterInstance) -> int:
    return len(instance.fetch_materializations(PICTURE, limit=100).records)


def open_logs(home: Path) -> set[str]:
    return {path.name for path in home.rglob("history/runs/*.db-wal")}


def fill_the_disk_while_writing(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    assert isinstance(storage, StepEventLogStorage)
    with storage.index_connection() as connection:
        connection.exec_driver_sql("DELETE FROM event_logs")
        raise OSError("the disk is full")


def test_a_steps_events_leave_the_files_open_until_another_event_or_the_end(
    tmp_path: Path,
) -> None:
    with open_instance(tmp_path) as instance:
        assert open_logs(tmp_path) == set()
        log_event(instance)
        assert open_logs(tmp_path) == {"index.db-wal", f"{RUN}.db-wal"}
        log_event(instance, run_id="another-run")
        assert open_logs(tmp_path) == {"index.db-wal", "another-run.db-wal"}
        log_run_event(instance)
        assert open_logs(tmp_path) == set()
        log_event(instance)
    assert open_logs(tmp_path) == set()
    assert not [file for file in Path("/proc/self/fd").iterdir() if _leads_into(tmp_path, file)]


def _leads_into(folder: Path, link: Path) -> bool:
    try:
        return link.readlink().is_relative_to(folder)
    except FileNotFoundError:
        return False


def test_each_event_is_there_for_others_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance, open_instance(tmp_path) as web_server:
        for number in range(1, 4):
            log_event(instance, str(number))
            tags = web_server.event_log_storage.get_latest_tags_by_partition(
                PICTURE,
                DagsterEventType.ASSET_MATERIALIZATION,
                tag_keys=["dagster/data_version"],
            )
            assert set(tags) == {str(n) for n in range(1, number + 1)}
            assert count_events(web_server) == number
            assert len(web_server.all_logs(RUN)) == number


def test_an_event_that_cannot_be_logged_leaves_nothing_behind_and_the_next_is_logged(
    tmp_path: Path,
) -> None:
    with open_instance(tmp_path) as instance:
        log_event(instance)
        with pytest.raises(OSError, match="full"):
            fill_the_disk_while_writing(instance)
        log_event(instance)
        assert count_events(instance) == 2


def test_another_thread_may_log_while_this_one_is_in_the_middle_of_it(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        log_event(instance)
        other = threading.Thread(target=log_event, args=(instance,))
        storage = instance.event_log_storage
        assert isinstance(storage, StepEventLogStorage)
        with storage.index_connection():
            other.start()
            other.join(60)
        log_event(instance)
        assert count_events(instance) == 3


def test_threads_may_log_for_several_runs_and_end_in_any_order(tmp_path: Path) -> None:
    has_begun, may_end = threading.Event(), threading.Event()

    def log_between(instance: dg.DagsterInstance) -> None:
        log_event(instance, run_id="another-run")
        has_begun.set()
        may_end.wait(60)
        log_event(instance, run_id="another-run")
        log_run_event(instance)

    with open_instance(tmp_path) as instance:
        log_event(instance)
        other = threading.Thread(target=log_between, args=(instance,))
        other.start()
        assert has_begun.wait(60)
        log_event(instance)
        log_run_event(instance)
        log_event(instance)
        may_end.set()
        other.join()
        assert count_events(instance) == 7
    assert open_logs(tmp_path) == set()


@pytest.mark.slow
def test_a_forked_child_logs_over_connections_of_its_own(tmp_path: Path) -> None:
    subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", LOG_FROM_A_FORKED_CHILD, str(tmp_path)], check=True
    )
    with open_instance(tmp_path) as instance:
        assert count_events(instance) == len(instance.all_logs(RUN)) == 3


def test_events_are_wiped_while_the_files_are_open(tmp_path: Path) -> None:
    with open_instance(tmp_path) as instance:
        log_event(instance)
        instance.event_log_storage.wipe()
        log_event(instance)
        assert count_events(instance) == len(instance.all_logs(RUN)) == 1


def test_a_home_of_dagsters_own_sqlite_goes_on_with_its_history_and_back(tmp_path: Path) -> None:
    plain = {"sqlite": {"base_dir": str(tmp_path)}}
    for number, storage in enumerate((plain, storage_config(str(tmp_path)), plain), start=1):
        with open_instance(tmp_path, storage) as instance:
            run = instance.create_run_for_job(_job)
            log_event(instance, run_id=run.run_id)
            assert count_events(instance) == instance.get_runs_count() == number


def test_the_projects_instance_and_each_process_of_it_have_the_storage(tmp_path: Path) -> None:
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text("utf-8"))
    assert config["storage"] == storage_config(".flux_assets/dagster")
    with (
        open_instance(tmp_path) as instance,
        dg.DagsterInstance.from_ref(instance.get_ref()) as of_a_step,
    ):
        assert isinstance(of_a_step.event_log_storage, StepEventLogStorage)


@dg.job
def _job() -> None: ...
