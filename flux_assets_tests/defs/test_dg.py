"""Dagster's own command line, `dg`, in this project's folder."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import COMMAND, PROJECT, Workplace, make_workplace

pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Workplace:
    """A copy of the project's folder; the package itself is only linked."""
    workplace = make_workplace(tmp_path / "project")
    shutil.copy(PROJECT / "pyproject.toml", workplace.folder)
    (workplace.folder / "flux_assets").symlink_to(PROJECT / "flux_assets")
    return workplace


def run_dg(project: Workplace, *arguments: str) -> str:
    """What the command prints; its home is the project's folder, and no telemetry is sent."""
    done = subprocess.run(  # noqa: S603 - our own environment's command
        [str(COMMAND.with_name("dg")), *arguments],
        cwd=project.folder,
        env=project.environ({"HOME": str(project.folder), "DAGSTER_DISABLE_TELEMETRY": "1"}),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_dg_checks_the_definitions(project: Workplace) -> None:
    assert "All definitions loaded successfully." in run_dg(project, "check", "defs")


def test_dg_lists_assets_checks_and_the_job(project: Workplace) -> None:
    listed = json.loads(run_dg(project, "list", "defs", "--json"))
    assert {asset["asset_key"] for asset in listed["assets"]} >= {
        "product_catalog",
        "image_requests",
        "image_plan",
        "refreshed_images",
        "image_manifest",
        "images/hero",
        "images/lifestyle",
        "images/banner",
    }
    assert {check["key"] for check in listed["asset_checks"]} >= {
        "product_catalog:every_row_is_usable",
        "image_manifest:every_product_has_its_pictures",
        "image_manifest:pictures_are_as_asked",
    }
    assert [job["name"] for job in listed["jobs"]] == ["refresh_catalog_images"]
    assert {sensor["name"] for sensor in listed["sensors"]} == {
        "alert_check_failure",
        "alert_run_failure",
        "catalog_sensor",
        "dead_runs_sensor",
    }
    assert [schedule["name"] for schedule in listed["schedules"]] == ["nightly_refresh"]


def test_dg_launches_the_refresh(project: Workplace) -> None:
    run_dg(project, "launch", "--job", "refresh_catalog_images")
    assert len(project.pictures()) == 75
    assert (project.folder / ".flux_assets" / "dagster" / "history").is_dir()
