from pathlib import Path

import pytest

from flux_assets_tests.fixtures.careless_s3 import CarelessS3
from flux_assets_tests.fixtures.command_line import Workplace, make_workplace, standalone_simulator


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    return make_workplace(tmp_path / "project")


def live(workplace: Workplace, base_url: str) -> dict[str, str]:
    return {
        "FLUX_ASSETS_MODE": "live",
        "ONEMIN_API_KEY": "sample-key",
        "ONEMIN_BASE_URL": base_url,
        "FLUX_ASSETS_STORE": str(workplace.store),
    }


def test_a_fresh_folder_has_no_problem_and_json_says_so(workplace: Workplace) -> None:
    done = workplace.run("check", "--json")
    assert done.exit_code == 0, done.stderr
    assert done.json["ok"] is True
    assert {tuple(sorted(check)) for check in done.json["checks"]} == {
        ("detail", "name", "verdict")
    }
    assert {check["verdict"] for check in done.json["checks"]} == {"ok"}


def test_live_mode_with_nothing_right_yet_names_every_problem_in_one_line(
    tmp_path: Path, workplace: Workplace
) -> None:
    for path in (workplace.folder / "data").iterdir():
        path.unlink()
    (workplace.folder / "dagster.yaml").write_text("a: [", "utf-8")
    settings = live(workplace, "http://127.0.0.1:9") | {"FLUX_ASSETS_STORE": "/proc/none"}
    done = workplace.run("check", DAGSTER_HOME=str(tmp_path / "nowhere"), **settings)
    assert done.exit_code == 1
    problems = [line for line in done.stderr.splitlines() if line.startswith("problem")]
    named = [line.split()[1].rstrip(":") for line in problems]
    assert list(dict.fromkeys(named)) == ["api", "catalog", "shots", "store", "clock", "dagster"]
    assert "Traceback" not in done.stderr
    assert "sample-key" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_wrong_setting_is_one_clear_line(
    workplace: Workplace, arguments: tuple[str, ...]
) -> None:
    done = workplace.run("check", *arguments, FLUX_ASSETS_MODE="live")
    assert done.exit_code == 1
    told = done.stdout + done.stderr
    assert "ONEMIN_API_KEY: is required when FLUX_ASSETS_MODE is live" in told
    assert "Traceback" not in told
    if arguments:
        assert done.json["ok"] is False


def test_a_store_that_ignores_conditions_fails_the_check(
    workplace: Workplace, careless_s3: CarelessS3, careless_bucket: str
) -> None:
    done = workplace.run(
        "check",
        "--json",
        FLUX_ASSETS_STORE=f"s3://{careless_bucket}/pictures",
        AWS_ACCESS_KEY_ID="invented",
        AWS_SECRET_ACCESS_KEY="invented-too",
        AWS_REGION="us-east-1",
        AWS_ENDPOINT_URL_S3=careless_s3.endpoint,
    )
    assert done.exit_code == 1
    assert [check["name"] for check in done.json["checks"] if check["verdict"] == "problem"] == [
        "store conditional create",
        "store conditional change",
    ]


def test_live_mode_against_a_served_api_has_no_problem(workplace: Workplace) -> None:
    with standalone_simulator(workplace) as base_url:
        done = workplace.run("check", **live(workplace, base_url))
    assert done.exit_code == 0, done.stderr
    assert "live: pictures are bought at" in done.stderr
    assert "sample-key" not in done.stderr + done.stdout
