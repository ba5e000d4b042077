from pathlib import Path

import pytest

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.image_api.request import ImageRequest
from flux_assets.planning.choices import Choices
from flux_assets.planning.dry_run import DryRun, plan_catalog
from flux_assets.planning.plan_table import STATUSES
from flux_assets.prompts.requests_table import read_requests
from flux_assets.storage.object_store import picture_key
from flux_assets_tests.fixtures.last_refresh import leave_tables
from flux_assets_tests.fixtures.shops import Shop

NOBODY_DIED = RunIdentity(run_id="", step="plan", is_run_dead=lambda _: False)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, "001", "002")


def _plan(shop: Shop, **choices: object) -> DryRun:
    return plan_catalog(shop.settings, shop.store, NOBODY_DIED, Choices(**choices))  # type: ignore[arg-type] # its own fields


def _ledger(shop: Shop, *, run_id: str) -> Ledger:
    run = RunIdentity(run_id=run_id, step="step", is_run_dead=lambda _: False)
    return open_ledger(shop.settings, shop.store, run)


def _store_picture(shop: Shop, request: ImageRequest) -> None:
    key = picture_key(
        shot=request.shot,
        product_id=request.product_id,
        fingerprint=request.fingerprint,
        extension="png",
    )
    shop.store.put(key, b"picture", content_type="image/png")


def test_polls_lengthen_the_plan_where_the_request_limit_binds(shop: Shop) -> None:
    shop.environ |= {"FLUX_ASSETS_REQUESTS_PER_MINUTE": "2", "FLUX_ASSETS_MAX_IN_FLIGHT": "96"}
    minutes = {}
    for delivery in ("sync", "async"):
        shop.environ["FLUX_ASSETS_DELIVERY"] = delivery
        minutes[delivery] = _plan(shop).to_json()["minutes"]
    assert minutes == {"sync": 2.0, "async": 5.0}


def test_a_plan_of_many_products_advises_buckets_until_they_are_set(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flux_assets.storage.buckets.MANY_PRODUCTS", 1)
    assert "FLUX_ASSETS_PARTITION_BY=bucket" in _plan(shop).to_json()["advice"]
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = "bucket"
    assert _plan(shop).to_json()["advice"] == ""


@pytest.mark.parametrize("partition_by", ["product", "bucket"])
def test_a_plan_of_a_new_store_buys_everything_and_writes_nothing(
    shop: Shop, partition_by: str
) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by
    dry_run = _plan(shop)
    assert dry_run.to_json() == {
        "catalog": {"dialect": "generic", "rows": 2, "products": 2, "rejected_rows": 0},
        "requests": 4,
        "prompt_errors": 0,
        "override_problems": 0,
        "skipped": 0,
        "doubted_photos": 0,
        "without_picture": {},
        **{str(status): 0 for status in STATUSES},
        "new": 4,
        "changed_by": {},
        "orphaned": 0,
        "to_buy": 4,
        "left_over_cap": 0,
        "cost_usd": 0.28,
        "minutes": 0.5,
        "binding_limit": "max_in_flight (4)",
        "advice": "",
        "obstacle": "",
    }
    requests = {(it.product_id, it.shot): it for it in read_requests(dry_run.requests.read())}
    assert requests == shop.requests()
    assert list(shop.store.list("")) == []


@pytest.mark.parametrize("partition_by", ["product", "bucket"])
def test_a_plan_of_a_changed_product_writes_nothing(shop: Shop, partition_by: str) -> None:
    shop.environ["FLUX_ASSETS_PARTITION_BY"] = partition_by
    leave_tables(shop)
    before = set(shop.store.list_keys(""))
    shop.set_product("001", title="Stool")
    shop.set_product("003")
    assert {row.title for row in _plan(shop).plan.rows} == {"Stool", "Chair 002", "Chair"}
    assert set(shop.store.list_keys("")) == before


def test_a_plan_tells_what_is_stored_changed_refused_held_and_orphaned(shop: Shop) -> None:
    requests = shop.requests()
    for request in (requests["001", "hero"], requests["001", "wide"], requests["002", "wide"]):
        _store_picture(shop, request)
    ledger = _ledger(shop, run_id="run-1")
    ledger.record_refused(ledger.claim(requests["002", "hero"], None), "moderated")
    shop.remove_product("001")
    shop.set_product("002", color="blue")  # changes the wide shot's prompt
    shop.set_product("003")
    ledger.claim(shop.requests()["003", "hero"], None)

    plan = _plan(shop).to_json()

    expected = {"requests": 4, "refused": 1, "changed": 1, "held": 1, "new": 1, "orphaned": 2}
    assert {name: plan[name] for name in expected} == expected
    assert plan["cost_usd"] == 0.14


def test_prompt_errors_are_kept_apart_from_the_requests(shop: Shop) -> None:
    shop.set_product("001", color="")
    dry_run = _plan(shop)
    assert [(error.product_id, error.shot) for error in dry_run.prompt_errors] == [("001", "wide")]
    assert (dry_run.to_json()["requests"], dry_run.to_json()["prompt_errors"]) == (3, 1)
    assert dry_run.plan.to_buy == 3


def test_a_plan_tells_what_a_run_with_the_same_choices_would_do(shop: Shop) -> None:
    shop.set_product("003")
    plan = _plan(shop, product_ids=["001", "003"], shots=["wide"]).to_json()
    assert {name: plan[name] for name in ("requests", "new", "to_buy", "cost_usd")} == {
        "requests": 2,
        "new": 2,
        "to_buy": 2,
        "cost_usd": 0.14,
    }
    canary = _plan(shop, limit=1).to_json()
    assert (canary["new"], canary["to_buy"], canary["cost_usd"]) == (6, 1, 0.07)


def test_a_plan_over_the_cap_names_what_stands_in_its_way(shop: Shop) -> None:
    over = _plan(shop, max_images=3).to_json()
    assert "4 pictures (about 0.28 USD) are to be bought" in over["obstacle"]
    assert over["binding_limit"] == "max_images_per_run (3)"
    shop.environ["FLUX_ASSETS_OVER_CAP"] = "new_only"
    cut = _plan(shop, max_images=3).to_json()
    assert (cut["to_buy"], cut["left_over_cap"], cut["obstacle"]) == (3, 1, "")
