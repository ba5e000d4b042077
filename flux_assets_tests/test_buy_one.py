import re
from pathlib import Path
from typing import Any

import pytest

from flux_assets.assembly import RunIdentity, Stores
from flux_assets.checks.finding import Finding
from flux_assets.checks.purchase import buy_one
from flux_assets.errors import CapExceededError, StoreError
from flux_assets.simulator.options import SAMPLE_KEY
from flux_assets.simulator.server import RunningSimulator
from flux_assets.store.object_store import ObjectStore, budget_key
from flux_assets_tests.fixtures.purchases import read_entry
from flux_assets_tests.fixtures.shops import Shop
from flux_assets_tests.fixtures.simulators import StartSimulator

SECRET = re.compile(rf"{SAMPLE_KEY}|Signature|X-Amz|\?", re.IGNORECASE)
RUN = RunIdentity(run_id="check-1", step="check", is_run_dead=lambda _run: False)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(tmp_path)
    return Shop(tmp_path, "001", "002")


class Buyer:
    """Buys for a shop in live mode from one simulator; keeps what was announced."""

    def __init__(self, shop: Shop, simulator: RunningSimulator) -> None:
        self.shop = shop
        self.simulator = simulator
        self.announced: list[str] = []
        shop.environ |= {
            "FLUX_ASSETS_MODE": "live",
            "ONEMIN_API_KEY": SAMPLE_KEY,
            "ONEMIN_BASE_URL": simulator.base_url,
        }

    def buy(self, store: ObjectStore | None = None) -> dict[str, Finding]:
        """Every finding by its name, after a look that none tells a secret."""
        store = store or self.shop.store
        findings = list(
            buy_one(
                self.shop.settings,
                Stores(shop=store, root=store),
                RUN,
                Path("simulator"),
                announce=self.announced.append,
            )
        )
        told = [*self.announced, *(finding.detail for finding in findings)]
        assert [text for text in told if SECRET.search(text)] == []
        return {finding.name: finding for finding in findings}

    @property
    def paid(self) -> int:
        return len(self.simulator.state.read_bill())


def test_the_first_picture_of_the_plan_is_bought_stored_and_counted(
    shop: Shop, simulator: RunningSimulator
) -> None:
    buyer = Buyer(shop, simulator)
    found = buyer.buy()
    assert {finding.verdict for finding in found.values()} == {"ok"}
    assert buyer.announced == [
        "Buying one picture, about 0.07 USD: product '001', shot hero",
    ]
    entry = read_entry(shop.store, shop.requests()["001", "hero"])
    assert (entry.state, entry.run_id, buyer.paid) == ("stored", "check-1", 1)
    assert entry.lineage is not None
    assert shop.store.uri_for(entry.lineage.object_key) in found["purchase"].detail
    assert shop.store.get(entry.lineage.object_key).info.size_bytes == entry.lineage.size_bytes
    day = shop.store.now().strftime("%Y-%m-%d")
    assert b'": 1' in shop.store.get(budget_key(day)).data

    buyer.buy()
    assert read_entry(shop.store, shop.requests()["001", "wide"]).state == "stored"


def test_the_report_tells_what_only_a_purchase_shows(
    shop: Shop, simulator: RunningSimulator
) -> None:
    found = {name: finding.detail for name, finding in Buyer(shop, simulator).buy().items()}
    assert found["purchase reply"].startswith("HTTP 200; fields: aiRecord.uuid, ")
    assert "aiRecord.aiRecordDetail.promptObject.seed" in found["purchase reply"]
    host = simulator.base_url.removeprefix("http://")
    assert f"at aiRecord.temporaryUrl, on {host}, expires at 20" in found["purchase url"]
    assert re.match(
        r"\d+ x \d+ pixels, 0\.01 megapixels, for the ratio 1:1; image/png, \d+ bytes, in [\d.]+ s",
        found["purchase picture"],
    )
    assert found["purchase c2pa"] == "the picture does not carry a C2PA manifest"
    assert "serves this call" in found["purchase results"]
    assert "0 of 100,000,000 used, by the call's reply" in found["purchase credits"]


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({"temporary_url_form": "beside"}, "at temporaryUrl, on "),
        (
            {"temporary_url_form": "empty", "result_form": "urls"},
            "at aiRecord.aiRecordDetail.resultObject[], on ",
        ),
        (
            {"temporary_url_form": "empty", "result_form": "objects"},
            "at aiRecord.aiRecordDetail.resultObject[].url, on ",
        ),
        ({"result_form": "string"}, "at aiRecord.temporaryUrl, on "),
    ],
)
def test_every_form_of_the_reply_is_recognised(
    shop: Shop, start_simulator: StartSimulator, options: dict[str, Any], url: str
) -> None:
    buyer = Buyer(shop, start_simulator(**options))
    found = buyer.buy()
    assert {finding.verdict for finding in found.values()} == {"ok"}
    assert found["purchase url"].detail.startswith(url)


def test_results_that_do_not_know_a_synchronous_call_are_a_warning(
    shop: Shop, start_simulator: StartSimulator
) -> None:
    found = Buyer(shop, start_simulator(serves_synchronous_results=False)).buy()
    assert found["purchase results"].verdict == "warning"
    assert "only until its URL expires" in found["purchase results"].detail


def test_a_refusal_is_a_problem_whose_reply_is_described(
    shop: Shop, simulator: RunningSimulator
) -> None:
    shop.set_product("001", title="forbidden-word")
    found = Buyer(shop, simulator).buy()
    assert list(found) == ["purchase", "purchase reply", "purchase url"]
    assert found["purchase"].verdict == "problem"
    assert found["purchase"].detail.startswith("refused by 1 call")
    assert found["purchase reply"].detail == "HTTP 400; fields: errorCode, message, details"


def test_a_failed_call_is_not_sent_again(shop: Shop, start_simulator: StartSimulator) -> None:
    found = Buyer(shop, start_simulator(faults={"script": ["failed"]})).buy()
    assert found["purchase"].detail.startswith("failed by 1 call")
    assert list(shop.store.list("images/")) == []


def test_where_nothing_is_to_buy_nothing_is_called(shop: Shop, simulator: RunningSimulator) -> None:
    buyer = Buyer(shop, simulator)
    for _ in range(4):
        buyer.buy()
    announced = len(buyer.announced)
    found = buyer.buy()
    assert (list(found), found["purchase"].verdict) == (["purchase"], "problem")
    assert "reroll" in found["purchase"].detail
    assert (buyer.paid, len(buyer.announced)) == (4, announced)


def test_caps_and_the_daily_limit_hold(shop: Shop, simulator: RunningSimulator) -> None:
    buyer = Buyer(shop, simulator)
    shop.environ["FLUX_ASSETS_DAILY_IMAGE_LIMIT"] = "0"
    found = buyer.buy()
    assert found["purchase"].verdict == "problem"
    assert "the daily limit of 0 sends is spent" in found["purchase"].detail
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "0"
    with pytest.raises(CapExceededError):
        buyer.buy()
    assert buyer.paid == 0


def test_a_store_that_ignores_conditions_is_not_bought_into(
    shop: Shop, simulator: RunningSimulator, careless_store: ObjectStore
) -> None:
    buyer = Buyer(shop, simulator)
    with pytest.raises(StoreError, match="ignores the condition"):
        buyer.buy(careless_store)
    assert buyer.paid == 0
