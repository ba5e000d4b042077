"""Runs of the command line belong to the code location that the UI shows the shop in."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
)

from flux_assets.commands.code_location import find_job_origin
from flux_assets_tests.fixtures.command_line import make_workplace

_JOB = "refresh_catalog_images"
_SENSOR = "dead_runs_sensor"


@pytest.fixture
def instance(
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[dg.DagsterInstance]:
    """An instance whose daemon has never looked at the shop; the working folder is empty."""
    monkeypatch.chdir(tmp_path)
    with dg.instance_for_test(temp_dir=str(home)) as instance:
        yield instance


def _find(instance: dg.DagsterInstance) -> tuple[str, str]:
    origin = find_job_origin(instance, _JOB, _SENSOR)
    assert origin.job_name == _JOB
    return origin.location_name, origin.repository_origin.repository_name


def _look_at_sensor(
    instance: dg.DagsterInstance, location: str, *, at: float | None, sensor: str = _SENSOR
) -> None:
    """Note what the daemon does where it has loaded a location with this sensor."""
    repository = RemoteRepositoryOrigin(
        code_location_origin=RegisteredCodeLocationOrigin(location), repository_name="shops"
    )
    instance.add_instigator_state(
        InstigatorState(
            RemoteInstigatorOrigin(repository_origin=repository, instigator_name=sensor),
            InstigatorType.SENSOR,
            InstigatorStatus.DECLARED_IN_CODE,
            SensorInstigatorData(last_tick_timestamp=at) if at is not None else None,
        )
    )


@pytest.mark.parametrize(
    ("workspace", "name"),
    [
        ("python_module: {module_name: flux_assets.definitions, location_name: shop}", "shop"),
        ("python_module: {module_name: flux_assets.definitions}", "flux_assets.definitions"),
        ("python_module: flux_assets.definitions", "flux_assets.definitions"),
        ("python_file: ours.py", "flux_assets.definitions"),
        ("grpc_server: {host: code, port: 4000}", "flux_assets.definitions"),
    ],
)
def test_the_workspace_file_names_the_location(
    instance: dg.DagsterInstance, workspace: str, name: str
) -> None:
    others = "  - python_module: {module_name: theirs, location_name: theirs}\n"
    Path("workspace.yaml").write_text(f"load_from:\n{others}  - {workspace}\n", "utf-8")
    assert _find(instance) == (name, "__repository__")


@pytest.mark.parametrize(
    "content", ["", "load_from: []\n", "[]\n", "load_from: ours\n", "{[", "load_from: [1, null]\n"]
)
def test_a_workspace_file_without_us_names_nothing(
    instance: dg.DagsterInstance, content: str
) -> None:
    Path("workspace.yaml").write_text(content, "utf-8")
    assert _find(instance) == ("flux_assets.definitions", "__repository__")


def test_a_dg_project_names_the_location(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    project = Path("pyproject.toml")
    project.write_text('[tool.dg.project]\nroot_module = "shop"\n', "utf-8")
    assert _find(instance)[0] == tmp_path.name
    project.write_text('[tool.dg.project]\ncode_location_name = "shop"\n', "utf-8")
    assert _find(instance)[0] == "shop"
    for other in ('[project]\nname = "shop"\n', "no TOML"):
        project.write_text(other, "utf-8")
        assert _find(instance)[0] == "flux_assets.definitions"


def test_what_dagster_has_loaded_last_goes_before_all_files(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    make_workplace(tmp_path)
    assert _find(instance) == ("flux_assets", "__repository__")
    _look_at_sensor(instance, "another_shop", at=3.0, sensor="another_dead_runs_sensor")
    assert _find(instance) == ("flux_assets", "__repository__")
    _look_at_sensor(instance, "just_seen", at=None)
    assert _find(instance) == ("just_seen", "shops")
    _look_at_sensor(instance, "company_shops", at=2.0)
    _look_at_sensor(instance, "former_name", at=1.0)
    assert _find(instance) == ("company_shops", "shops")
