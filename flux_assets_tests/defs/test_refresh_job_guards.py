"""What keeps a refresh from buying, or throwing away, what nobody meant."""

import json
import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from flux_assets.defs.guards import guard_drop
from flux_assets.errors import ProductDropError
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)

FEW_FAILED = "few_requests_failed"
IDS = ("001", "002", "003", "004", "005")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, *IDS) as shop:
        yield shop


def _set_faults(shop: DagsterShop, **faults: object) -> None:
    (shop.folder / "faults.json").write_text(json.dumps(faults))
    shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"] = "faults.json"


def test_a_truncated_export_buys_nothing_and_keeps_manifest_and_partitions(
    shop: DagsterShop,
) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    for product_id in IDS[1:]:
        shop.remove_product(product_id)
    shop.set_product("006")
    step, told = shop.failing_refresh().failure()
    assert step == "refreshed_images.plan_shards"
    assert "4 of the 5 products of the last manifest are not in this catalog (80 %)" in told
    assert "accept_drop" in told
    assert shop.manifest_rows() == before
    assert len(shop.bill()) == 10
    assert shop.partitions("hero") == set(IDS)
    assert set(shop.instance.get_dynamic_partitions("products")) >= set(IDS)

    accepted = shop.refresh(accept_drop=True)
    assert set(accepted.logged()) == {("006", "hero"), ("006", "wide")}
    assert {product_id for product_id, _ in shop.manifest_rows()} == {"001", "006"}
    assert shop.refresh().counts() == {"reused": 4}


@pytest.mark.parametrize(
    "lost",
    [
        ("images", "ledger"),
        pytest.param(("images", "ledger", "tables"), marks=pytest.mark.slow),
    ],
)
def test_pictures_that_are_gone_with_their_ledger_are_not_bought_again_unasked(
    shop: DagsterShop, lost: tuple[str, ...]
) -> None:
    """As by a lifecycle rule or a restore: the manifest knows them, or Dagster's events alone."""
    shop.refresh()
    for folder in lost:
        shutil.rmtree(shop.folder / "store" / folder)
    step, told = shop.failing_refresh().failure()
    assert step == "refreshed_images.plan_shards"
    assert "10 of the pictures that are to be bought were bought before" in told
    assert "--accept-loss" in told
    assert len(shop.bill()) == 10

    accepted = shop.refresh(accept_loss=True)
    assert accepted.counts() == {"generated": 10, "calls": 10}


def test_nor_are_they_by_a_click_on_one_product(shop: DagsterShop) -> None:
    shop.refresh()
    for folder in ("images", "ledger", "tables"):
        shutil.rmtree(shop.folder / "store" / folder)
    clicked = shop.materialize("images/hero", partition_key="002").expect(success=False)
    assert "1 of the pictures that are to be bought were bought before" in clicked.failure()[1]
    assert len(shop.bill()) == 10


def test_a_store_that_has_lost_its_mark_is_not_adopted(shop: DagsterShop) -> None:
    shop.refresh()
    (shop.folder / "store" / "store.json").unlink()
    _, told = shop.failing_refresh().failure()
    assert "has no store.json" in told
    assert len(shop.bill()) == 10


def test_a_manifest_that_is_asked_for_by_itself_is_guarded_too(shop: DagsterShop) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    for product_id in IDS[1:]:
        shop.remove_product(product_id)
    shop.materialize("product_catalog", "image_requests", "image_plan").expect(success=True)
    alone = shop.materialize("image_manifest").expect(success=False)
    assert "4 of the 5 products of the last manifest" in alone.failure()[1]
    assert shop.manifest_rows() == before


@pytest.mark.parametrize(
    ("former", "is_refused"),
    [
        ('["001"]', False),
        pytest.param('["\\u200b001 "]', False, marks=pytest.mark.slow),
        ("[]", True),
    ],
)
def test_a_renamed_product_is_not_lost_to_who_names_none(
    shop: DagsterShop, former: str, *, is_refused: bool
) -> None:
    shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "0"
    shop.refresh(shots=["hero"])
    export = pd.DataFrame({"product_id": ["A1", *IDS[1:]], "former_ids": [former] + 4 * ["[]"]})
    with pytest.raises(ProductDropError) if is_refused else nullcontext():
        guard_drop(shop.settings, shop.store, StoredTable(write_parquet(export)))


@pytest.mark.slow
def test_a_catalog_may_lose_a_few_products(shop: DagsterShop) -> None:
    shop.refresh()
    shop.remove_product("003")  # 20 %
    assert shop.refresh().counts() == {"reused": 8}
    shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "0"
    shop.remove_product("002")
    assert "1 of the 4 products" in shop.failing_refresh().failure()[1]


@pytest.mark.slow
def test_over_the_cap_new_products_are_bought_and_a_new_template_waits(shop: DagsterShop) -> None:
    shop.refresh()
    shop.environ |= {"FLUX_ASSETS_OVER_CAP": "new_only", "FLUX_ASSETS_MAX_IMAGES_PER_RUN": "4"}
    shop.write_shots('shots: {hero: {prompt: "{{ title }} on grey"}}')
    shop.set_product("006")
    refreshed = shop.refresh()
    assert set(refreshed.logged()) == {("006", "hero")}
    assert refreshed.metadata_of("refreshed_images")["left_over_cap"] == 5
    check = refreshed.check("every_product_has_its_pictures")
    assert check.description == "without a current picture: 001, 002, 003, 004, 005"
    assert "not\\_attempted" in plain_metadata(check)["products"]

    assert shop.refresh(accept_changes=True).counts()["generated"] == 4
    assert shop.refresh(accept_changes=True).counts() == {"generated": 1, "reused": 5, "calls": 1}


@pytest.mark.slow
def test_the_limit_is_the_canary_of_a_new_template(shop: DagsterShop) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    shop.write_shots('shots: {hero: {prompt: "{{ title }} on grey"}}')
    assert set(shop.refresh(limit=2).logged()) == {("001", "hero"), ("002", "hero")}
    current = shop.current_rows()
    rows = shop.manifest_rows()
    assert {key for key in rows if rows[key] == current[key]} == {("001", "hero"), ("002", "hero")}
    for product_id in IDS[2:]:
        fingerprint, _ = before[product_id, "hero"]
        assert rows[product_id, "hero"] == (fingerprint, True), "stale until the full run"
    shop.refresh()
    assert shop.manifest_rows() == shop.current_rows()


@pytest.mark.slow
def test_one_categorys_new_prompt_buys_that_category_only_and_the_plan_shows_it(
    shop: DagsterShop,
) -> None:
    shop.set_product("002", category="Rings")
    shop.set_product("004", category="Rings")
    shots = """
    shots:
      hero:
        prompt: "{{ title }}"
        prompts: [{when: "category == 'Rings'", prompt: "{{ title }} on %s"}]
    """
    shop.write_shots(shots % "silk")
    shop.refresh()
    shop.write_shots(shots % "velvet")
    plan = shop.materialize("product_catalog", "image_requests", "image_plan")
    facts = plan.metadata_of("image_plan")
    assert (facts["changed"], facts["stored"], facts["changed_by"]) == (2, 3, {"prompt": 2})
    assert set(shop.refresh(categories=["Rings"]).logged()) == {("002", "hero"), ("004", "hero")}
    assert shop.refresh(categories=["Chairs"]).counts() == {"reused": 3}


def test_a_refresh_of_an_unknown_category_is_refused(shop: DagsterShop) -> None:
    told = shop.failing_refresh(categories=["Chairs", "Lamps"]).failure()[1]
    assert "categories: there is no 'Lamps'" in told


def test_a_run_fails_after_its_manifest_where_too_many_requests_failed(shop: DagsterShop) -> None:
    _set_faults(shop, script=["failed", "failed", None, "failed", "failed"])
    shop.environ |= {"FLUX_ASSETS_MAX_ATTEMPTS": "1", "FLUX_ASSETS_MAX_IN_FLIGHT": "1"}
    failed = shop.failing_refresh()
    step, told = failed.failure()
    assert FEW_FAILED in step
    assert "4 of 10 attempted requests failed, more than FLUX_ASSETS_FAIL_ABOVE_PERCENT" in told
    assert len(shop.manifest_rows()) == 6, "the manifest has what there is"
    manifests = failed.result.asset_materializations_for_node("image_manifest")
    assert len(manifests) == 1

    del shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"]
    known = shop.refresh()
    assert known.counts() == {"failed": 4, "reused": 6}
    assert known.check(FEW_FAILED).description == "0 of 0 attempted requests failed"


def test_a_few_failures_fail_no_run(shop: DagsterShop) -> None:
    _set_faults(shop, script=["failed", "failed"])
    shop.environ |= {"FLUX_ASSETS_MAX_ATTEMPTS": "1", "FLUX_ASSETS_MAX_IN_FLIGHT": "1"}
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 8, "failed": 2, "calls": 10}
    check = refreshed.check(FEW_FAILED)
    assert (check.passed, check.description) == (True, "2 of 10 attempted requests failed")


def test_the_run_says_what_it_came_to(shop: DagsterShop) -> None:
    shop.set_product("002", title="A forbidden-word chair")
    facts = shop.refresh().metadata_of("refreshed_images")
    report = facts["report"]
    assert "10 calls, at most about 0.70 USD" in report
    assert "| generated | 8 |" in report
    assert "| refused | 2 | refused by the vendor" in report
    assert "account credits: " in report
    assert "| slowest product | shot | seconds |" in report
    assert facts["attempted"] == 10


@pytest.mark.slow
def test_a_reused_picture_says_how_to_ask_for_another(shop: DagsterShop) -> None:
    shop.refresh()
    with dg.DagsterInstance.ephemeral() as shop.instance:
        event = shop.refresh().logged()["002", "hero"]
    facts = plain_metadata(event)
    assert facts["outcome"] == "reused"
    assert facts["another_picture"] == "flux-assets reroll 002 --shots hero"


@pytest.mark.slow
def test_a_run_over_334_scattered_products_is_one_run(shop: DagsterShop) -> None:
    for number in range(6, 1_003):
        shop.set_product(f"{number:03d}")
    shop.write_shots('shots: {hero: {prompt: "{{ title }}"}}')
    wanted = [f"{number:03d}" for number in range(1, 1_003, 3)]
    assert len(wanted) == 334
    refreshed = shop.refresh(product_ids=wanted)
    assert {product_id for product_id, _ in refreshed.logged()} == set(wanted)
    assert len(shop.instance.get_runs()) == 1
