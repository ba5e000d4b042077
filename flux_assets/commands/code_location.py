"""Under which name Dagster's UI shows this shop: a run that carries it stands on the timeline."""

import tomllib
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.definitions.selector import RepositorySelector
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, SensorInstigatorData

from flux_assets.commands.component import base_folder

DEFINITIONS_MODULE = "flux_assets.definitions"
_WORKSPACE = Path("workspace.yaml")
_PROJECT = Path("pyproject.toml")


def find_job_origin(
    instance: dg.DagsterInstance, job_name: str, sensor_name: str
) -> RemoteJobOrigin:
    """The job as the UI knows it, so that a run of it can be seen there, and be run again.

    Where Dagster has loaded the shop before, it says as what. Until then the working folder's
    files do, as Dagster reads them; without any, a module's name is that of its location.

    Args:
        instance: which knows what it has loaded.
        job_name: of the shop.
        sensor_name: of the shop's sensor that is on by itself, so that the daemon notes it.
    """
    loaded = _find_loaded(instance, sensor_name)
    location = loaded.location_name if loaded else _read_workspace() or _read_project()
    repository = RemoteRepositoryOrigin(
        code_location_origin=RegisteredCodeLocationOrigin(location or DEFINITIONS_MODULE),
        repository_name=loaded.repository_name if loaded else SINGLETON_REPOSITORY_NAME,
    )
    return RemoteJobOrigin(repository_origin=repository, job_name=job_name)


def _find_loaded(instance: dg.DagsterInstance, sensor_name: str) -> RepositorySelector | None:
    """Where the daemon looked at the shop's sensor last."""
    states = [
        state
        for state in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
        if state.instigator_name == sensor_name
    ]
    latest = max(states, key=_last_looked_at, default=None)
    return latest.origin.repository_origin.get_selector() if latest else None


def _last_looked_at(state: InstigatorState) -> float:
    data = state.instigator_data
    return (isinstance(data, SensorInstigatorData) and data.last_tick_timestamp) or 0.0


def _read_workspace() -> str | None:
    """What the workspace calls the location of our definitions."""
    try:
        found = yaml.safe_load((base_folder() / _WORKSPACE).read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # Dagster itself tells what is wrong with it
        return None
    entries = found.get("load_from", []) if isinstance(found, dict) else []
    for entry in entries:
        module: Any = entry.get("python_module") if isinstance(entry, dict) else None
        given = {"module_name": module} if isinstance(module, str) else module
        if isinstance(given, dict) and given.get("module_name") == DEFINITIONS_MODULE:
            return str(given.get("location_name") or DEFINITIONS_MODULE)
    return None


def _read_project() -> str | None:
    """What `dg` calls the location of the project in the working folder."""
    try:
        found = tomllib.loads((base_folder() / _PROJECT).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    project = found.get("tool", {}).get("dg", {}).get("project")
    return project and (project.get("code_location_name") or base_folder().absolute().name)
