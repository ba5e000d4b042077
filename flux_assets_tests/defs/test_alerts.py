import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from flux_assets.defs.alert_webhook import AlertError
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.sites import Request, Serve, Site, open_sites

SECRET = "T0-B0-secret"
COMPLETE = "every_product_has_its_pictures"
FAILED_RUN = "alert_run_failure"
FAILED_CHECK = "alert_check_failure"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        yield shop


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


@pytest.fixture
def hook(shop: DagsterShop, serve: Serve) -> Site:
    """The shop's webhook, which takes everything."""
    site = serve(_take)
    shop.environ["FLUX_ASSETS_ALERT_WEBHOOK"] = f"{site.url}/{SECRET}"
    return site


def _take(request: Request) -> None:
    request.give(200, b"ok")


def _refuse(request: Request) -> None:
    request.give(500)


class Sensor:
    """Ticks as the daemon does: a tick that raises leaves the cursor where it was."""

    def __init__(self, shop: DagsterShop, name: str, caplog: pytest.LogCaptureFixture) -> None:
        self.shop = shop
        self.name = name
        self.caplog = caplog
        self.cursor: str | None = None
        self.tick()

    def tick(self) -> str:
        """What this tick has logged."""
        sensor = self.shop.definitions.get_repository_def().get_sensor_def(self.name)
        self.caplog.clear()
        with dg.build_sensor_context(self.shop.instance, self.cursor) as context:
            context.log.addHandler(self.caplog.handler)
            result = sensor.evaluate_tick(context)
        assert not result.run_requests
        self.cursor = result.cursor
        return self.caplog.text


def _posted(site: Site) -> list[dict[str, Any]]:
    return [json.loads(request.posted) for request in site.received]


def _refresh_over_cap(shop: DagsterShop) -> str:
    """A refresh that fails before its first call; its run's id."""
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "1"
    return shop.failing_refresh().run_id


def _refresh_moderated(shop: DagsterShop) -> str:
    """A refresh that succeeds, but for a product that the vendor refuses; its run's id."""
    shop.set_product("002", title="A forbidden-word chair")
    return shop.refresh().run_id


def test_a_failed_refresh_is_told_once_with_its_reason(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensor = Sensor(shop, FAILED_RUN, caplog)
    run_id = _refresh_over_cap(shop)
    assert "to be bought, but FLUX_ASSETS_MAX_IMAGES_PER_RUN (max_images) allows 1" in sensor.tick()
    assert SECRET not in caplog.text
    [alert] = _posted(hook)
    assert alert["text"].startswith("refresh_catalog_images failed in step refreshed_images")
    assert "Raise FLUX_ASSETS_MAX_IMAGES_PER_RUN" in alert["text"]
    assert f"Look at run {run_id} in Dagster" in alert["text"]
    assert alert["reason"].startswith("4 pictures (about 0.28 USD) are to be bought")
    assert (alert["alert"], alert["shop"], alert["run_id"]) == ("run_failure", None, run_id)
    assert sensor.tick() == ""
    assert len(hook.received) == 1


def test_what_failed_before_the_first_tick_and_what_succeeds_is_not_told(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    _refresh_over_cap(shop)
    sensors = [Sensor(shop, name, caplog) for name in (FAILED_RUN, FAILED_CHECK)]
    del shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"]
    shop.refresh()
    assert [sensor.tick() for sensor in sensors] == ["", ""]
    assert hook.received == []


def test_a_failed_run_of_pictures_is_told_and_one_of_other_assets_is_not(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    shop.register_products()
    sensor = Sensor(shop, FAILED_RUN, caplog)
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "0"
    _run_implicit_job(shop, "images/hero", partition_key="001")
    (shop.folder / "catalog.csv").unlink()
    _run_implicit_job(shop, "product_catalog")
    sensor.tick()
    [alert] = _posted(hook)
    assert alert["text"].startswith("images/hero failed in step images__hero: 1 pictures")


def _run_implicit_job(shop: DagsterShop, asset: str, partition_key: str | None = None) -> None:
    """Run an asset's job as a backfill and a click do; it fails."""
    result = shop.definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        instance=shop.instance,
        asset_selection=[dg.AssetKey.from_user_string(asset)],
        partition_key=partition_key,
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )
    assert not result.success


def test_a_run_whose_process_died_is_told_with_what_dagster_says(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensor = Sensor(shop, FAILED_RUN, caplog)
    job = shop.definitions.resolve_job_def("refresh_catalog_images")
    run = shop.instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    shop.instance.report_run_failed(run, "its process is gone")
    sensor.tick()
    [alert] = _posted(hook)
    assert alert["text"].startswith("refresh_catalog_images failed: its process is gone")


def test_a_failed_check_is_told_once_with_its_severity(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensor = Sensor(shop, FAILED_CHECK, caplog)
    run_id = _refresh_moderated(shop)
    expected = f"ERROR: check {COMPLETE} of image_manifest failed: without a current picture: 002"
    assert expected in sensor.tick()
    [alert] = _posted(hook)
    assert alert["text"].splitlines()[0] == expected
    assert alert["run_id"] == run_id
    assert alert["checks"] == [{"check": COMPLETE, "severity": "ERROR"}]
    assert sensor.tick() == ""
    shop.refresh()
    sensor.tick()
    assert [item["checks"][0]["severity"] for item in _posted(hook)] == ["ERROR", "WARN"]


def test_checks_of_one_run_come_in_one_alert_even_where_the_run_fails(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensors = [Sensor(shop, name, caplog) for name in (FAILED_RUN, FAILED_CHECK)]
    (shop.folder / "faults.json").write_text(json.dumps({"script": ["failed"]}))
    shop.environ |= {
        "FLUX_ASSETS_SIMULATOR_FAULTS": "faults.json",
        "FLUX_ASSETS_MAX_ATTEMPTS": "1",
    }
    shop.set_product("003", title="")
    shop.failing_refresh()
    for sensor in sensors:
        sensor.tick()
    run_failure, check_failure = _posted(hook)
    assert "few_requests_failed" in run_failure["step"]
    assert [item["check"] for item in check_failure["checks"]] == ["every_row_is_usable", COMPLETE]


@pytest.mark.slow
def test_another_shops_failures_are_not_told(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensors = [Sensor(shop, name, caplog) for name in (FAILED_RUN, FAILED_CHECK)]
    shop.environ["FLUX_ASSETS_SHOP"] = "acme"
    own = [Sensor(shop, f"acme_{name}", caplog) for name in (FAILED_RUN, FAILED_CHECK)]
    _refresh_moderated(shop)
    shop.set_product("003")
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "0"
    shop.failing_refresh()
    del shop.environ["FLUX_ASSETS_SHOP"]
    assert [sensor.tick() for sensor in sensors] == ["", ""]
    assert hook.received == []
    shop.environ["FLUX_ASSETS_SHOP"] = "acme"
    for sensor in own:
        sensor.tick()
    assert [alert["shop"] for alert in _posted(hook)] == ["acme", "acme"]


def test_without_a_webhook_failures_are_logged(
    shop: DagsterShop, caplog: pytest.LogCaptureFixture
) -> None:
    sensors = [Sensor(shop, name, caplog) for name in (FAILED_RUN, FAILED_CHECK)]
    _refresh_moderated(shop)
    shop.set_product("003")
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "0"
    shop.failing_refresh()
    told = [sensor.tick() for sensor in sensors]
    assert "refresh_catalog_images failed" in told[0]
    assert f"check {COMPLETE} of image_manifest failed" in told[1]


def test_an_alert_that_the_webhook_refused_is_posted_at_a_later_tick_and_no_other_again(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensor = Sensor(shop, FAILED_RUN, caplog)
    runs = [_refresh_over_cap(shop) for _ in range(3)]

    def refuse_the_second(request: Request) -> None:
        request.give(500 if len(hook.received) == 2 else 200)

    hook.answer = refuse_the_second
    told = sensor.tick()
    assert "could not be posted to FLUX_ASSETS_ALERT_WEBHOOK (HTTP 500)" in told
    assert SECRET not in told
    hook.answer = _refuse
    with pytest.raises(AlertError, match="HTTP 500"):
        sensor.tick()
    assert "refresh_catalog_images failed" in caplog.text
    hook.answer = _take
    sensor.tick()
    assert [alert["run_id"] for alert in _posted(hook)] == [runs[i] for i in (0, 1, 1, 1, 2)]


def test_many_failures_are_told_over_several_ticks(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    sensor = Sensor(shop, FAILED_RUN, caplog)
    job = shop.definitions.resolve_job_def("refresh_catalog_images")
    runs = [shop.instance.create_run_for_job(job) for _ in range(7)]
    for run in runs:
        shop.instance.report_run_failed(run)
    sensor.tick()
    assert len(hook.received) == 5
    sensor.tick()
    assert [alert["run_id"] for alert in _posted(hook)] == [run.run_id for run in runs]


@pytest.mark.slow
def test_alerts_come_from_a_log_with_a_file_for_each_run_too(
    shop: DagsterShop, hook: Site, caplog: pytest.LogCaptureFixture
) -> None:
    with dg.instance_for_test() as shop.instance:  # SQLite, as in this project's dagster.yaml
        sensors = [Sensor(shop, name, caplog) for name in (FAILED_RUN, FAILED_CHECK)]
        _refresh_moderated(shop)
        run = shop.instance.get_runs()[0]
        shop.set_product("003")
        failed_run_id = _refresh_over_cap(shop)
        for sensor in [*sensors, *sensors]:
            sensor.tick()
    assert [alert["run_id"] for alert in _posted(hook)] == [failed_run_id, run.run_id]


def test_alerts_are_off_until_somebody_switches_them_on(shop: DagsterShop, hook: Site) -> None:
    repository = shop.definitions.get_repository_def()
    for name in (FAILED_RUN, FAILED_CHECK):
        sensor = repository.get_sensor_def(name)
        assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
        assert SECRET not in f"{sensor.description} {sensor.metadata}"
    assert hook.received == []
