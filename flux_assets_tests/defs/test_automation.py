import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (  # queued runs need one, and Dagster exports none
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from flux_assets.bill.process_identity import this_process
from flux_assets.defs.automation import (
    build_catalog_sensor,
    build_dead_runs_sensor,
    build_nightly_schedule,
    check_schedule,
)
from flux_assets.defs.names import Names
from flux_assets.defs.run_processes import RunProcess, log_process
from flux_assets.errors import SettingsError
from flux_assets.settings import load_settings
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop

UNDER_WAY = ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        yield shop


def _look(shop: DagsterShop, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    """One tick of the sensor."""
    context = dg.build_sensor_context(instance=shop.instance, cursor=cursor)
    result = build_catalog_sensor(shop.settings, Names(shop=shop.settings.shop))(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def _requested(result: dg.SensorResult | dg.SkipReason) -> str:
    """The next cursor of a tick that asks for one run."""
    assert isinstance(result, dg.SensorResult), result
    [request] = result.run_requests or []
    assert request.run_key is None, "Dagster runs once, and never again, for a key"
    assert result.cursor
    return result.cursor


def _skipped(result: object) -> str:
    assert isinstance(result, dg.SkipReason), result
    return str(result.skip_message)


def _start_run(shop: DagsterShop, status: str, job: str = "refresh_catalog_images") -> str:
    location = RegisteredCodeLocationOrigin("flux_assets")
    run = shop.instance.create_run_for_job(
        shop.definitions.resolve_job_def(job),
        status=dg.DagsterRunStatus(status),
        remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "repository"), job),
    )
    return run.run_id


def test_the_sensor_asks_for_a_run_only_when_the_catalog_has_changed(shop: DagsterShop) -> None:
    cursor = _requested(_look(shop))
    assert _skipped(_look(shop, cursor)) == "no change of catalog.csv"
    shop.set_product("002")
    second_cursor = _requested(_look(shop, cursor))
    assert _skipped(_look(shop, second_cursor)) == "no change of catalog.csv"


def test_a_catalog_of_the_same_size_that_was_written_again_has_changed(shop: DagsterShop) -> None:
    cursor = _requested(_look(shop))
    os.utime(shop.folder / "catalog.csv", ns=(1, 1))
    _requested(_look(shop, cursor))


def test_the_sensor_says_why_it_cannot_look_at_the_catalog(shop: DagsterShop) -> None:
    (shop.folder / "catalog.csv").unlink()
    assert "catalog.csv: there is no such file" in _skipped(_look(shop))


@pytest.mark.parametrize("status", UNDER_WAY)
def test_the_sensor_asks_for_none_while_a_run_is_under_way(shop: DagsterShop, status: str) -> None:
    run_id = _start_run(shop, status)
    assert f"run {run_id} is refreshing this shop already, since 20" in _skipped(_look(shop))


def test_who_may_be_dead_is_told_with_what_to_do(shop: DagsterShop) -> None:
    run_id = _start_run(shop, "STARTED")
    assert f"`flux-assets runs --end {run_id[:8]}`" in _skipped(_look(shop))


def test_a_run_whose_process_is_gone_is_ended_by_each_sensor_and_the_schedule(
    shop: DagsterShop, home: Path
) -> None:
    gone = replace(this_process(), start_ticks=1)
    at_three = datetime(2030, 1, 1, 3, tzinfo=UTC)
    with (
        dg.instance_for_test(temp_dir=str(home)) as shop.instance,
        dg.build_schedule_context(shop.instance, scheduled_execution_time=at_three) as context,
    ):
        ticks = dg.build_sensor_context(instance=shop.instance)
        for look in (
            lambda: _look(shop),
            lambda: build_nightly_schedule(shop.settings, Names(shop=shop.settings.shop))(context),
            lambda: build_dead_runs_sensor(Names())(ticks),
        ):
            run = shop.instance.get_run_by_id(_start_run(shop, "STARTED"))
            assert run is not None
            log_process(shop.instance, run, RunProcess(step="", process=gone))
            found = look()
            assert not isinstance(found, dg.SkipReason) or run.run_id in str(found.skip_message)
            ended = shop.instance.get_run_by_id(run.run_id)
            assert ended is not None
            assert ended.status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize("status", ["SUCCESS", "FAILURE", "CANCELED"])
def test_a_run_that_has_ended_hinders_none(shop: DagsterShop, status: str) -> None:
    _start_run(shop, status)
    _requested(_look(shop))


def test_a_change_that_was_skipped_is_asked_for_once_the_other_run_has_ended(
    shop: DagsterShop,
) -> None:
    cursor = _requested(_look(shop))
    run_id = _start_run(shop, "STARTED")
    shop.set_product("002")
    assert run_id in _skipped(_look(shop, cursor))
    run = shop.instance.get_run_by_id(run_id)
    assert run is not None
    shop.instance.report_run_canceled(run)
    _requested(_look(shop, cursor))


def test_another_shops_refresh_hinders_none(shop: DagsterShop) -> None:
    _start_run(shop, "STARTED")
    shop.environ["FLUX_ASSETS_SHOP"] = "acme"
    _requested(_look(shop))
    run_id = _start_run(shop, "STARTED", job="acme_refresh_catalog_images")
    assert run_id in _skipped(_look(shop))


def test_the_schedule_asks_for_a_run_every_night_but_while_one_is_under_way(
    shop: DagsterShop, home: Path
) -> None:
    at_three = datetime(2030, 1, 1, 3, tzinfo=UTC)
    with (  # schedules look at no instance in memory
        dg.instance_for_test(temp_dir=str(home)) as shop.instance,
        dg.build_schedule_context(shop.instance, scheduled_execution_time=at_three) as context,
    ):
        schedule = build_nightly_schedule(shop.settings, Names(shop=shop.settings.shop))
        _start_run(shop, "FAILURE")
        assert isinstance(schedule(context), dg.RunRequest)
        run_id = _start_run(shop, "QUEUED")
        assert f"run {run_id} is refreshing this shop" in _skipped(schedule(context))
        shop.environ["FLUX_ASSETS_SHOP"] = "acme"
        acmes = build_nightly_schedule(shop.settings, Names(shop="acme"))
        assert isinstance(acmes(context), dg.RunRequest)


def test_both_spend_money_only_once_somebody_switches_them_on(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_REFRESH_CRON"] = "30 5 * * 1"
    shop.environ["FLUX_ASSETS_TIMEZONE"] = "Europe/Berlin"
    repository = shop.definitions.get_repository_def()
    sensor = repository.get_sensor_def("catalog_sensor")
    schedule = repository.get_schedule_def("nightly_refresh")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("30 5 * * 1", "Europe/Berlin")
    assert sensor.job_name == schedule.job_name == "refresh_catalog_images"


@pytest.mark.parametrize(
    "cron", ["every night", "0 25 * * *", "0 0 3 * * *", "0 3 * *", "0 0 31 2 *"]
)
def test_a_cron_expression_that_is_none_is_told_as_a_setting(cron: str) -> None:
    with pytest.raises(SettingsError, match=r"0 3 \* \* \*` is every day") as caught:
        check_schedule(load_settings({"FLUX_ASSETS_REFRESH_CRON": cron}))
    assert caught.value.variable == "FLUX_ASSETS_REFRESH_CRON"


@pytest.mark.parametrize("cron", ["0 3 * * *", "@daily", "*/15 8-18 * * MON-FRI", "30 5 1 * *"])
def test_a_cron_expression_that_dagster_knows_is_one(cron: str) -> None:
    check_schedule(load_settings({"FLUX_ASSETS_REFRESH_CRON": cron}))


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        ("Europe/Berln", "did you mean Europe/Berlin"),
        ("../../etc/passwd", "Europe/Berlin or UTC"),
        ("MESZ+2", "is no time zone"),
        ("Europe", "is no time zone"),
    ],
)
def test_a_time_zone_that_is_none_is_told_as_a_setting(zone: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as caught:
        check_schedule(load_settings({"FLUX_ASSETS_TIMEZONE": zone}))
    assert caught.value.variable == "FLUX_ASSETS_TIMEZONE"
