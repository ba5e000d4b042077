from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from flux_assets.commands.checks.finding import Finding
from flux_assets.commands.checks.instance import check_instance
from flux_assets.commands.dagster_home import DagsterHomeError
from flux_assets.defs.names import Names
from flux_assets.defs.pools import API_POOL
from flux_assets.errors import SettingsError
from flux_assets_tests.fixtures.command_line import PROJECT


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def found(home: Path, **changes: Any) -> dict[str, Finding]:  # noqa: ANN401 - parts of a YAML file
    """What is found with the project's dagster.yaml, but for these parts; None leaves one out."""
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text("utf-8"))
    config |= {"storage": {"sqlite": {"base_dir": str(home)}}} | changes
    kept = {name: part for name, part in config.items() if part is not None}
    (home / "dagster.yaml").write_text(yaml.safe_dump(kept), "utf-8")
    return {finding.name: finding for finding in check_instance(Names(), is_rate_shared=False)}


def test_the_projects_own_instance_has_nothing_to_warn_of(home: Path) -> None:
    findings = found(home)
    assert {finding.verdict for finding in findings.values()} == {"ok"}
    assert (
        findings["dagster storage"].detail
        == "SQLite, on this machine; several machines need PostgreSQL"
    )


@pytest.mark.parametrize(
    ("name", "changes", "told"),
    [
        ("run_retries", {"run_retries": None}, "retry_on_asset_or_op_failure: false"),
        ("run_monitoring", {"run_monitoring": None}, "stays started for ever"),
        (
            "run_coordinator",
            {
                "run_coordinator": {
                    "module": "dagster.core.run_coordinator",
                    "class": "DefaultRunCoordinator",
                },
                "concurrency": {"pools": {"default_limit": 1}},
            },
            "all start at once",
        ),
        (f"pool {API_POOL}", {"concurrency": None}, "no limit"),
        (f"pool {API_POOL}", {"concurrency": {"pools": {"default_limit": 3}}}, "the limit 3"),
    ],
)
def test_each_missing_setting_is_a_warning_that_says_what_breaks(
    home: Path, name: str, changes: dict[str, Any], told: str
) -> None:
    findings = found(home, **changes)
    warned = [finding for finding in findings.values() if finding.verdict != "ok"]
    assert [finding.name for finding in warned] == [f"dagster {name}"]
    assert (warned[0].verdict, told in warned[0].detail) == ("warning", True)


def test_a_limit_of_the_pools_own_counts_more_than_the_default(home: Path) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots(API_POOL, 1)
    findings = found(home, concurrency={"pools": {"default_limit": 5}})
    assert findings[f"dagster pool {API_POOL}"].verdict == "ok"


def test_where_the_rate_is_shared_several_steps_may_buy_at_once(home: Path) -> None:
    found(home, concurrency={"pools": {"default_limit": 4}})
    pool = {finding.name: finding for finding in check_instance(Names(), is_rate_shared=True)}
    assert pool[f"dagster pool {API_POOL}"].verdict == "ok"
    assert "the limit 4" in pool[f"dagster pool {API_POOL}"].detail


@pytest.mark.parametrize("text", ["a: [", "no_such_part: 1"])
def test_an_instance_that_cannot_be_opened_is_a_problem(home: Path, text: str) -> None:
    (home / "dagster.yaml").write_text(text, "utf-8")
    with pytest.raises(DagsterHomeError) as caught:
        list(check_instance(Names(), is_rate_shared=False))
    assert len(str(caught.value)) < 600


def test_a_home_that_is_not_there_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(SettingsError, match="must be a folder's absolute path"):
        list(check_instance(Names(), is_rate_shared=False))
