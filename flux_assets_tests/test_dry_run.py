from pathlib import Path

import pytest

from flux_assets.assembly import RunIdentity, open_ledger
from flux_assets.dry_run import DryRun, plan_catalog
from flux_assets.image_request import ImageRequest
from flux_assets.ledger import Ledger
from flux_assets.plan import STATUSES
from flux_assets.store.object_store import image_key
from flux_assets_tests.fixtures.shops import Shop

NOBODY_DIED = RunIdentity(run_id="", step="plan", is_run_dead=lambda _: False)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, "001", "002")


def _plan(shop: Shop) -> DryRun:
    return plan_catalog(shop.settings, shop.store, NOBODY_DIED)


def _ledger(shop: Shop, *, run_id: str) -> Ledger:
    run = RunIdentity(run_id=run_id, step="step", is_run_dead=lambda _: False)
    return open_ledger(shop.settings, shop.store, run)


def _store_picture(shop: Shop, request: ImageRequest) -> None:
    key = image_key(
        shot=request.shot,
        product_id=request.product_id,
        fingerprint=request.fingerprint,
        extension="png",
    )
    shop.store.put(key, b"picture", content_type="image/png")


def test_a_plan_of_a_new_store_buys_everything_and_writes_nothing(shop: Shop) -> None:
    dry_run = _plan(shop)
    assert dry_run.to_json() == {
        "catalog": {"dialect": "generic", "rows": 2, "products": 2, "rejected_rows": 0},
        "requests": 4,
        "prompt_errors": 0,
        "override_problems": 0,
        "skipped": 0,
        **{str(status): 0 for status in STATUSES},
        "new": 4,
        "orphaned": 0,
        "cost_usd": 0.28,
        "minutes": 0.5,
    }
    assert list(dry_run.requests) == list(shop.requests().values())
    assert list(shop.store.list("")) == []


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
    assert (len(dry_run.requests), dry_run.to_json()["prompt_errors"]) == (3, 1)
    assert dry_run.plan.to_buy == 3
