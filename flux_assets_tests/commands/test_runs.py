"""`flux-assets runs` as a person runs it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
import yaml

from flux_assets.bill.process_identity import ProcessIdentity, this_process
from flux_assets.defs.event_storage import storage_config
from flux_assets.defs.run_processes import RunProcess, log_process
from flux_assets_tests.fixtures.command_line import PROJECT, Workplace, make_workplace

POOL = "flux_2_max"
DEAD = replace(this_process(), start_ticks=1)
ELSEWHERE = replace(this_process(), host="another-machine pid:[4026531836]")


@dg.job
def refresh_catalog_images() -> None:
    """A stand-in for the job, by its name."""


def _configure(home: Path) -> None:
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text("utf-8"))
    config["storage"] = storage_config(str(home))
    (home / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an instance that has run nothing; to be copied."""
    home = tmp_path_factory.mktemp("empty_home")
    _configure(home)
    with dg.DagsterInstance.from_config(str(home)):
        return home


@pytest.fixture
def workplace(empty_home: Path, tmp_path: Path) -> Workplace:
    workplace = make_workplace(tmp_path)
    _configure(shutil.copytree(empty_home, tmp_path / ".flux_assets/dagster"))
    return workplace


@pytest.fixture
def instance(workplace: Workplace) -> Iterator[dg.DagsterInstance]:
    home = workplace.folder / ".flux_assets/dagster"
    with dg.DagsterInstance.from_config(str(home)) as instance:
        yield instance


def _start_run(instance: dg.DagsterInstance, process: ProcessIdentity) -> str:
    """A run of this process that has the pool's slot, or waits for it."""
    run = instance.create_run_for_job(refresh_catalog_images, status=dg.DagsterRunStatus.STARTED)
    for step in ("", "buy"):
        log_process(instance, run, RunProcess(step=step, process=process))
    instance.event_log_storage.initialize_concurrency_limit_to_default(POOL)
    instance.event_log_storage.claim_concurrency_slot(POOL, run.run_id, "buy")
    return run.run_id


def test_the_dead_are_ended_and_the_rest_is_shown(
    workplace: Workplace, instance: dg.DagsterInstance
) -> None:
    dead, alive = _start_run(instance, DEAD), _start_run(instance, this_process())
    shown = workplace.run("runs", "--json").json
    assert [it["run_id"] for it in shown["ended"]] == [dead]
    [run] = shown["runs"]
    assert (run["run_id"], run["life"], run["of"]) == (alive, "alive", "refresh_catalog_images")
    assert run["since"].startswith("20")
    assert {it["pid"] for it in run["processes"]} == {this_process().pid}
    assert (shown["pool"]["name"], shown["pool"]["limit"]) == (POOL, 1)


def test_who_has_the_slot_and_who_waits_for_it_is_told(
    workplace: Workplace, instance: dg.DagsterInstance
) -> None:
    holder, waits = _start_run(instance, ELSEWHERE), _start_run(instance, this_process())
    done = workplace.run("runs")
    assert done.exit_code == 0
    assert f"{holder[:8]} refresh_catalog_images, since 20" in done.stdout
    assert "buys: buy; unknown, process" in done.stdout
    assert "waits to buy: buy; alive, process" in done.stdout
    assert f"Run {waits[:8]}: Waiting for the pool {POOL}" in done.stdout
    assert f"`flux-assets runs --end {holder[:8]}` frees the slot" in done.stdout


def test_what_a_person_knows_is_dead_can_be_ended(
    workplace: Workplace, instance: dg.DagsterInstance
) -> None:
    unknown = _start_run(instance, ELSEWHERE)
    done = workplace.run("runs", "--end", unknown[:8])
    assert (done.exit_code, "No run is under way." in done.stdout) == (0, True)
    assert "steps that buy: 0" in done.stdout
    again = workplace.run("runs", "--end", unknown[:8])
    assert (again.exit_code, "is the beginning of 0 runs" in again.stderr) == (1, True)


def test_what_lives_is_not_ended(workplace: Workplace, instance: dg.DagsterInstance) -> None:
    alive = _start_run(instance, this_process())
    done = workplace.run("runs", "--end", alive)
    assert (done.exit_code, "End it first" in done.stderr) == (1, True)


def test_check_names_what_may_hinder_a_refresh_for_ever(
    workplace: Workplace, instance: dg.DagsterInstance
) -> None:
    unknown = _start_run(instance, ELSEWHERE)
    findings = workplace.run("check", "--json").json["checks"]
    [finding] = [it for it in findings if it["name"] == "dagster runs"]
    assert finding["verdict"] == "warning"
    assert f"flux-assets runs --end {unknown[:8]}" in finding["detail"]


@pytest.mark.parametrize(
    ("variable", "text"),
    [("FLUX_ASSETS_REFRESH_CRON", "every night"), ("FLUX_ASSETS_TIMEZONE", "Europe/Berln")],
)
def test_a_schedule_that_is_none_is_one_line_of_any_command(
    workplace: Workplace, variable: str, text: str
) -> None:
    done = workplace.run("runs", **{variable: text})
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {variable}: {text!r} is no ")
    assert done.stderr.count("\n") == 1
