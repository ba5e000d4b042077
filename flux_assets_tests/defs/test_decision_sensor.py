"""Decisions come out without a refresh: once each, and beside no run that publishes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (  # queued runs need one, and Dagster exports none
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from flux_assets.bill.process_identity import this_process
from flux_assets.defs.names import Names
from flux_assets.defs.publishing_sensor import build_decision_sensor
from flux_assets.defs.run_processes import RunProcess, log_process
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.editions import digest
from flux_assets_tests.fixtures.masters import CHANNELS

UNDER_WAY = ["QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"]
JOBS = ["refresh_catalog_images", "publish_feeds"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001") as shop:
        (shop.folder / "channels.yaml").write_text(CHANNELS)
        shop.environ["FLUX_ASSETS_CHANNELS"] = "channels.yaml"
        yield shop


def reject(shop: DagsterShop, name: str, part: str = "") -> None:
    store = DirectoryStore(shop.folder / "store" / part)
    wish = Wish(fingerprint=digest(name), sha256="0" * 64, verdict="rejected")
    assert decide(store, [wish], by="ada", via="test").applied


def look(shop: DagsterShop, cursor: str | None = None) -> dg.SensorResult | dg.SkipReason:
    """One tick."""
    context = dg.build_sensor_context(instance=shop.instance, cursor=cursor)
    result = build_decision_sensor(shop.settings, Names(shop=shop.settings.shop))(context)
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def requested(result: dg.SensorResult | dg.SkipReason) -> tuple[str, str]:
    """The run key and the next cursor of a tick that asks for one run."""
    assert isinstance(result, dg.SensorResult), result
    [request] = result.run_requests or []
    assert request.run_key
    assert result.cursor
    return request.run_key, result.cursor


def skipped(result: dg.SensorResult | dg.SkipReason) -> str:
    assert isinstance(result, dg.SkipReason), result
    return str(result.skip_message)


def start_run(shop: DagsterShop, status: str, job: str, *, selection: str = "") -> str:
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("flux_assets"), "repository")
    keys = frozenset({dg.AssetKey.from_user_string(selection)}) if selection else None
    run = shop.instance.create_run_for_job(
        shop.definitions.resolve_job_def(job),
        status=dg.DagsterRunStatus(status),
        remote_job_origin=RemoteJobOrigin(origin, job),
        asset_selection=keys,
    )
    return run.run_id


def test_each_change_of_decisions_is_asked_for_once_and_has_a_key_of_its_own(
    shop: DagsterShop,
) -> None:
    assert skipped(look(shop)) == "nobody decided anything yet"
    reject(shop, "a")
    key, cursor = requested(look(shop))
    assert requested(look(shop)) == (key, cursor), "a tick that was cut off asks for the same run"
    assert skipped(look(shop, cursor)) == "no decision since the last run"
    reject(shop, "b")
    again = requested(look(shop, cursor))
    assert again[0] != key
    assert skipped(look(shop, again[1])) == "no decision since the last run"


@pytest.mark.parametrize("status", UNDER_WAY)
@pytest.mark.parametrize("job", JOBS)
def test_it_asks_for_none_while_the_shop_is_refreshed_or_published(
    shop: DagsterShop, status: str, job: str
) -> None:
    reject(shop, "a")
    run_id = start_run(shop, status, job)
    assert run_id in skipped(look(shop))
    run = shop.instance.get_run_by_id(run_id)
    assert run is not None
    shop.instance.report_run_canceled(run)
    requested(look(shop))


def test_it_waits_for_feeds_that_somebody_makes_by_hand_and_for_nothing_else(
    shop: DagsterShop,
) -> None:
    reject(shop, "a")
    start_run(shop, "STARTED", "__ASSET_JOB", selection="image_plan")
    requested(look(shop))
    run_id = start_run(shop, "STARTED", "__ASSET_JOB", selection="product_feeds")
    assert run_id in skipped(look(shop))


def test_who_may_be_dead_is_told_with_what_to_do_and_who_is_dead_is_ended(
    shop: DagsterShop,
) -> None:
    reject(shop, "a")
    run_id = start_run(shop, "STARTED", "publish_feeds")
    told = skipped(look(shop))
    assert f"run {run_id} is publishing this shop already, since 20" in told
    assert f"`flux-assets runs --end {run_id[:8]}`" in told
    run = shop.instance.get_run_by_id(run_id)
    assert run is not None
    gone = replace(this_process(), start_ticks=1)
    log_process(shop.instance, run, RunProcess(step="", process=gone))
    requested(look(shop))
    ended = shop.instance.get_run_by_id(run_id)
    assert ended is not None
    assert ended.status == dg.DagsterRunStatus.FAILURE


def test_another_shops_runs_and_decisions_are_its_own(shop: DagsterShop) -> None:
    reject(shop, "a")
    start_run(shop, "STARTED", "publish_feeds")
    shop.environ["FLUX_ASSETS_SHOP"] = "bags"
    assert skipped(look(shop)) == "nobody decided anything yet"
    reject(shop, "a", "bags")
    key, _ = requested(look(shop))
    assert key.startswith("bags_publish_feeds:")


def test_a_store_that_cannot_be_listed_is_told_and_nothing_is_marked(shop: DagsterShop) -> None:
    assert skipped(look(shop)) == "nobody decided anything yet"
    assert not (shop.folder / "store").exists()
    shop.environ["FLUX_ASSETS_STORE"] = 300 * "x"
    assert "File name too long" in skipped(look(shop))


def test_it_starts_only_once_somebody_switches_it_on(shop: DagsterShop) -> None:
    repository = shop.definitions.get_repository_def()
    sensor = repository.get_sensor_def("decision_sensor")
    assert sensor.default_status == dg.DefaultSensorStatus.STOPPED
    assert sensor.minimum_interval_seconds == 60
    assert sensor.job_name == "publish_feeds"
