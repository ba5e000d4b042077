"""A refresh's run config, its shards, several shops, and other executors."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets.image_api.simulator.state import SimulatorState
from flux_assets_tests.fixtures.command_line import make_workplace
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        yield shop


def test_a_run_may_be_of_some_products_and_shots_only(shop: DagsterShop) -> None:
    assert set(shop.refresh(product_ids=["003", "001"], shots=["wide"]).logged()) == {
        ("001", "wide"),
        ("003", "wide"),
    }
    assert set(shop.refresh(product_ids=["003"]).logged()) == {("003", "hero")}
    assert set(shop.refresh(shots=["hero"]).logged()) == {("001", "hero"), ("002", "hero")}
    assert len(shop.bill()) == 5


@pytest.mark.slow
def test_a_limit_buys_the_first_pictures_and_the_next_run_the_others(shop: DagsterShop) -> None:
    canary = shop.refresh(limit=2)
    assert set(canary.logged()) == {("001", "hero"), ("001", "wide")}
    check = canary.check("every_product_has_its_pictures")
    assert check.description == "without a current picture: 002, 003"
    assert shop.refresh(limit=0).counts() == {"reused": 2}
    assert shop.refresh().counts() == {"generated": 4, "reused": 2, "calls": 4}


@pytest.mark.parametrize(
    ("choices", "told"),
    [
        ({"product_ids": ["998", "999"]}, "product_ids: there is no '998', '999' in this catalog"),
        ({"shots": ["heros"]}, "shots: there is no 'heros' in this catalog"),
    ],
)
def test_an_unknown_choice_fails_before_any_call(
    shop: DagsterShop, choices: dict[str, list[str]], told: str
) -> None:
    step, message = shop.failing_refresh(**choices).failure()
    assert step == "refreshed_images.plan_shards"
    assert told in message
    assert shop.bill() == []


def test_a_chosen_product_that_there_is_not_stops_no_other(shop: DagsterShop) -> None:
    refreshed = shop.refresh(product_ids=["001", "999"])
    assert {product_id for product_id, _shot in refreshed.logged()} == {"001"}


def test_a_negative_limit_is_no_valid_run_config(shop: DagsterShop) -> None:
    with pytest.raises(dg.DagsterError) as caught:
        shop.refresh(limit=-1)
    assert "greater than or equal to 0" in str(caught.value.__cause__)


@pytest.mark.slow
def test_each_picture_is_logged_by_its_shard(shop: DagsterShop) -> None:
    for number in range(4, 25):
        shop.set_product(f"{number:03d}")
    shop.environ["FLUX_ASSETS_SHARD_SIZE"] = "10"
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 48, "calls": 48}
    assert len(refreshed.logged()) == len(shop.bill()) == 48
    in_order = list(shop.requests())
    shard_of = {
        (event.partition, event.asset_key.path[-1]): event.step_key
        for event in refreshed.result.all_events
        if event.is_step_materialization and event.partition and event.asset_key
    }
    assert shard_of == {
        picture: f"refreshed_images.generate_shard[{number // 10:05d}]"
        for number, picture in enumerate(in_order)
    }
    assert shop.manifest_rows() == shop.current_rows()


def test_two_shops_live_in_one_instance_and_one_store(
    shop: DagsterShop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme").mkdir()
    shop.refresh()
    with open_shop(tmp_path / "acme", monkeypatch, "001", "a-1") as acme:
        acme.instance = shop.instance
        acme.environ |= {"FLUX_ASSETS_SHOP": "acme", "FLUX_ASSETS_STORE": str(tmp_path / "store")}
        refreshed = acme.refresh()

        assert refreshed.result.job_def.name == "acme_refresh_catalog_images"
        assert len(refreshed.logged()) == len(acme.bill()) == 4
        keys = {event.asset_key.to_user_string() for event in refreshed.logged().values()}
        assert keys == {"acme/images/hero", "acme/images/wide"}
        assert shop.instance.get_dynamic_partitions("acme_products") == ["001", "a-1"]
        assert shop.instance.get_dynamic_partitions("products") == ["001", "002", "003"]
        assert acme.refresh().logged() == {}

    folders = {info.key.split("/")[0] for info in shop.store.list("")}
    assert folders == {
        *("acme", "budget", "images", "ledger", "runs", "store.json", "tables"),
    }
    [budget] = [json.loads(shop.store.get(i.key).data) for i in shop.store.list("budget/")]
    assert sum(budget["reservations"].values()) == 10, "both shops share the day's limit"
    acme_folders = {info.key.split("/")[1] for info in shop.store.list("acme/")}
    assert acme_folders == {"images", "ledger", "runs", "store.json", "tables"}


def test_all_names_of_a_shop_carry_it(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_SHOP"] = "acme"
    repository = shop.definitions.get_repository_def()
    keys = {key.to_user_string() for key in repository.assets_defs_by_key}
    assert keys == {
        f"acme/{name}"
        for name in (
            *("product_catalog", "image_requests", "image_plan", "refreshed_images"),
            *("image_manifest", "images/hero", "images/wide"),
        )
    }
    assert {sensor.name for sensor in repository.sensor_defs} == {
        "acme_alert_check_failure",
        "acme_alert_run_failure",
        "acme_catalog_sensor",
        "acme_dead_runs_sensor",
    }
    assert {schedule.name for schedule in repository.schedule_defs} == {"acme_nightly_refresh"}
    assert repository.has_job("acme_refresh_catalog_images")
    [node, *_] = (
        op for op in repository.get_all_jobs() if op.name == "acme_refresh_catalog_images"
    )
    pools = {pool for op in node.all_node_defs for pool in getattr(op, "pools", ())}
    assert pools == {"acme_flux_2_max"}


@pytest.mark.slow
def test_every_step_may_be_a_process_with_a_simulator_of_its_own(tmp_path: Path) -> None:
    """Here as `flux-assets refresh` runs it, since such processes look the job up again."""
    workplace = make_workplace(tmp_path)
    arguments = ("refresh", "--json", "--product-ids", "00123", "--product-ids", "00124")
    refreshed = workplace.run(*arguments, FLUX_ASSETS_EXECUTOR="multiprocess")
    assert refreshed.exit_code == 2, refreshed.stderr  # the other products are missing
    counts = {name: refreshed.json[name] for name in ("generated", "calls", "not_attempted")}
    assert counts == {"generated": 6, "calls": 6, "not_attempted": 0}
    assert len(SimulatorState(tmp_path / ".flux_assets/simulator").read_bill()) == 6
    assert len(workplace.pictures()) == 6
    with dg.DagsterInstance.from_config(str(tmp_path / ".flux_assets/dagster")) as instance:
        records = instance.get_records_for_run(
            refreshed.json["run_id"], of_type=dg.DagsterEventType.STEP_START
        ).records
    pids = [record.event_log_entry.get_dagster_event().pid for record in records]
    assert len(set(pids)) == len(pids) == 8
