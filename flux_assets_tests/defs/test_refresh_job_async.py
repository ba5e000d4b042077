"""A refresh whose calls are answered before their pictures are made."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        shop.environ["FLUX_ASSETS_DELIVERY"] = "async"
        yield shop


def _set_faults(shop: DagsterShop, **faults: object) -> None:
    (shop.folder / "faults.json").write_text(json.dumps(faults))
    shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"] = "faults.json"


def test_an_asynchronous_refresh_buys_each_picture_once(shop: DagsterShop) -> None:
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 6, "calls": 6}
    assert len(shop.bill()) == 6
    assert set(refreshed.logged()) == set(shop.requests())
    assert shop.manifest_rows() == shop.current_rows()


@pytest.mark.parametrize(
    ("first", "then"), [("sync", "async"), pytest.param("async", "sync", marks=pytest.mark.slow)]
)
def test_the_way_of_delivery_changes_no_picture(shop: DagsterShop, first: str, then: str) -> None:
    shop.environ["FLUX_ASSETS_DELIVERY"] = first
    shop.refresh()
    shop.environ["FLUX_ASSETS_DELIVERY"] = then
    assert shop.refresh().counts() == {"reused": 6}
    assert len(shop.bill()) == 6


def test_calls_that_fail_while_they_are_awaited_are_sent_again_in_the_same_run(
    shop: DagsterShop,
) -> None:
    _set_faults(shop, script=["failed", None, "failure"])
    assert shop.refresh().counts() == {"generated": 6, "calls": 8}
    assert len(shop.bill()) == 6


@pytest.mark.parametrize("next_delivery", ["async", pytest.param("sync", marks=pytest.mark.slow)])
def test_a_run_that_is_cut_off_while_it_waits_is_finished_by_the_next_without_a_call(
    shop: DagsterShop, next_delivery: str
) -> None:
    shop.environ["FLUX_ASSETS_MAX_IN_FLIGHT"] = "1"
    _set_faults(shop, key_deleted_after=1)
    stopped = shop.failing_refresh()
    assert "ONEMIN_API_KEY" in stopped.failure()[1]
    assert len(shop.bill()) == 1
    assert stopped.logged() == {}

    del shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"]
    shop.environ["FLUX_ASSETS_DELIVERY"] = next_delivery
    finished = shop.refresh()
    assert finished.counts() == {"generated": 5, "recovered": 1, "calls": 5}
    assert len(shop.bill()) == 6
    assert shop.manifest_rows() == shop.current_rows()
