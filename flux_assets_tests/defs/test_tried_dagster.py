"""A Dagster that is newer than what was tried: its own parts do what our stand-ins did."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.storage.event_log import SqliteEventLogStorage

from flux_assets.commands.checks.instance import check_instance
from flux_assets.defs.event_storage import storage_config
from flux_assets.defs.executors import build_executor
from flux_assets.defs.names import Names
from flux_assets.settings import load_settings

A_DEMO_WITH_IT = """
import sys
import dagster
dagster.__version__ = sys.argv.pop(1)
from flux_assets.commands.main import main
try:
    main()
finally:
    print([name for name in sys.modules if name == "flux_assets.defs.waiting"])
"""


@pytest.fixture(params=["1.14.0", "2.0.0", "1.140.1", "1!0+dev"])
def newer(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    version: str = request.param
    monkeypatch.setattr("dagster.__version__", version)
    return version


@pytest.fixture
def instance(newer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001 - before it is opened
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    config = {"storage": storage_config(str(tmp_path)), "telemetry": {"enabled": False}}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(config), "utf-8")
    return tmp_path


def test_its_own_executor_runs_the_steps(newer: str) -> None:  # noqa: ARG001 - patches
    assert build_executor(load_settings({}), Names()) is dg.in_process_executor


def test_its_own_storage_takes_the_events_from_where_they_always_are(instance: Path) -> None:
    with dg.DagsterInstance.from_config(str(instance)) as opened:
        assert type(opened.event_log_storage) is SqliteEventLogStorage
        opened.report_runless_asset_event(dg.AssetMaterialization("picture"))
    assert (instance / "history/runs/index.db").exists()


def test_the_check_names_it_and_says_what_it_costs(instance: Path, newer: str) -> None:  # noqa: ARG001 - as above
    [told] = [it for it in check_instance(Names(), is_rate_shared=False) if "version" in it.name]
    assert told.verdict == "warning"
    assert told.detail.startswith(f"{newer} is newer than what this release was tried with: ")


@pytest.mark.slow
def test_the_demo_runs_with_it(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603 - this interpreter and our own script
        [sys.executable, "-W", "ignore", "-c", A_DEMO_WITH_IT, "1.14.0", "demo"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("[]\n")
    assert len(list(tmp_path.glob(".flux_assets/store/images/*/*/*.png"))) == 75
