from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flux_assets.bill.open_ledger import RunIdentity, Stores
from flux_assets.buying.generation import Generation, WorkItem, open_generation
from flux_assets.buying.outcome import Outcome
from flux_assets.image_api.open_api import open_api
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.image_api.simulator.server import RunningSimulator
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import budget_key
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.image_requests import build_requests


def kinds(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(outcome.kind for outcome in outcomes)


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    return Stores(
        shop=DirectoryStore(tmp_path / "store" / "shoes"), root=DirectoryStore(tmp_path / "store")
    )


def open_step(
    simulator: RunningSimulator, stores: Stores, run_id: str, *, to_obtain: int = 8
) -> "Iterator[Generation]":
    settings = load_settings(
        {"FLUX_ASSETS_DAILY_IMAGE_LIMIT": "10", "FLUX_ASSETS_MAX_IN_FLIGHT": "4"}
    )
    options = options_for(simulator.base_url, max_in_flight=4, requests_per_minute=1_000)
    run = RunIdentity(run_id=run_id, step="generate_shard", is_run_dead=lambda _run: False)
    with (
        open_api(options, api_key=SecretStr(SAMPLE_KEY)) as api,
        open_generation(
            settings, stores, api, run, to_obtain=to_obtain, retry_refused=False
        ) as generation,
    ):
        yield generation


def test_a_step_buys_reuses_and_returns_what_it_did_not_spend(
    simulator: RunningSimulator, stores: Stores
) -> None:
    wanted = build_requests(3)
    step = open_step(simulator, stores, "run-1")

    generation = next(step)
    first = list(generation.obtain(wanted))
    keys = [outcome.lineage.object_key for outcome in first if outcome.lineage]
    second = list(generation.reuse(zip((item.request for item in first), keys, strict=True)))
    assert next(step, None) is None

    assert (kinds(first), kinds(second)) == ({"generated": 3}, {"reused": 3})
    assert all(outcome.preview for outcome in (*first, *second))
    day = stores.root.now().strftime("%Y-%m-%d")
    assert b'": 3' in stores.root.get(budget_key(day)).data
    assert list(stores.shop.list("budget/")) == []


def test_a_step_that_fails_sends_nothing_more(simulator: RunningSimulator, stores: Stores) -> None:
    step = open_step(simulator, stores, "run-1")
    generation = next(step)

    with pytest.raises(KeyboardInterrupt):
        step.throw(KeyboardInterrupt())  # type: ignore[attr-defined]  # a generator

    assert kinds(list(generation.obtain(build_requests(2)))) == {"not_attempted": 2}
    assert simulator.state.read_bill() == []


def test_two_shops_share_the_daily_limit(simulator: RunningSimulator, tmp_path: Path) -> None:
    root = DirectoryStore(tmp_path / "store")
    found: Counter[str] = Counter()
    for shop in ("shoes", "hats"):
        stores = Stores(shop=DirectoryStore(tmp_path / "store" / shop), root=root)
        for generation in open_step(simulator, stores, shop):
            found += kinds(list(generation.obtain(build_requests(8))))
    assert found == {"generated": 10, "not_attempted": 6}


def test_small_runs_at_once_spend_the_whole_day_between_them(
    simulator: RunningSimulator, stores: Stores
) -> None:
    steps = [open_step(simulator, stores, str(number), to_obtain=1) for number in range(12)]
    generations = [next(step) for step in steps]
    found: Counter[str] = Counter()
    for generation, request in zip(generations, build_requests(12), strict=True):
        found += kinds(list(generation.obtain([request])))
    assert found == {"generated": 10, "not_attempted": 2}
    for step in steps:
        assert next(step, None) is None


def test_only_what_may_be_bought_is_sent(simulator: RunningSimulator, stores: Stores) -> None:
    bought, left = build_requests(2)
    step = open_step(simulator, stores, "run-1")
    work = [WorkItem(left, "", may_buy=False), WorkItem(bought, "", may_buy=True)]
    outcomes = {item.request.product_id: item.kind for item in next(step).carry_out(work)}
    assert outcomes == {left.product_id: "not_attempted", bought.product_id: "generated"}
    assert len(simulator.state.read_bill()) == 1
