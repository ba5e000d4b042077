"""What a refresh does about pictures that cannot be had, and what stops it whole."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)

COMPLETE = "every_product_has_its_pictures"
MODERATED = "A forbidden-word chair"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002", "003") as shop:
        yield shop


def _set_faults(shop: DagsterShop, **faults: object) -> None:
    (shop.folder / "faults.json").write_text(json.dumps(faults))
    shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"] = "faults.json"


def _end_faults(shop: DagsterShop) -> None:
    del shop.environ["FLUX_ASSETS_SIMULATOR_FAULTS"]


def test_a_moderated_product_is_an_error_once_and_then_a_warning(shop: DagsterShop) -> None:
    shop.set_product("002", title=MODERATED)
    first = shop.refresh()
    assert first.counts() == {"generated": 4, "refused": 2, "calls": 6}
    expected = shop.current_rows()
    del expected["002", "hero"], expected["002", "wide"]
    assert shop.manifest_rows() == expected
    assert shop.partitions("hero") == {"001", "003"}
    check = first.check(COMPLETE)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.description == "without a current picture: 002"
    assert plain_metadata(check)["newly_missing"] == 2
    assert "| 002 | hero | refused | refused by the vendor (" in plain_metadata(check)["products"]

    second = shop.refresh()
    assert second.counts() == {"reused": 4, "refused": 2}
    check = second.check(COMPLETE)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert check.description == "without a current picture: 002"

    shop.set_product("002", title="A chair")
    assert shop.refresh().check(COMPLETE).passed
    shop.set_product("002", title=MODERATED)
    check = shop.refresh().check(COMPLETE)
    assert check.severity == dg.AssetCheckSeverity.ERROR, "it is news again"


@pytest.mark.slow
def test_refused_pictures_are_sent_again_only_when_asked(shop: DagsterShop) -> None:
    shop.set_product("002", title=MODERATED)
    shop.refresh()
    assert shop.refresh(retry_refused=True).counts() == {"reused": 4, "refused": 2, "calls": 2}


@pytest.mark.slow
def test_the_old_picture_stays_as_stale_while_its_successor_is_refused(shop: DagsterShop) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    shop.set_product("002", title=MODERATED)
    refreshed = shop.refresh()
    assert shop.manifest_rows() == before | {
        ("002", shot): (before["002", shot][0], True) for shot in ("hero", "wide")
    }
    assert refreshed.metadata_of("image_manifest")["stale"] == 2
    assert refreshed.check(COMPLETE).description == "without a current picture: 002"


def test_one_products_prompt_errors_lose_no_other_picture_nor_its_own_old_one(
    shop: DagsterShop,
) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    shop.set_product("002", color="")  # the wide shot writes it
    shop.set_product("003", title="Stool")
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 2, "reused": 3, "calls": 2}
    assert refreshed.metadata_of("image_requests")["prompt_errors"] == 1
    [error] = refreshed.metadata_of("image_requests")["first_prompt_errors"]
    assert "the field 'color' is empty" in error
    assert shop.manifest_rows() == {
        **shop.current_rows(),
        ("002", "wide"): (before["002", "wide"][0], True),
    }
    check = refreshed.check(COMPLETE)
    assert check.description == "without a current picture: 002"
    assert plain_metadata(check)["missing"] == 1
    assert "the field 'color' is empty" in plain_metadata(check)["products"]


def test_shots_that_no_product_can_have_stop_the_run(shop: DagsterShop) -> None:
    shop.write_shots('shots: {hero: {prompt: "{{ colour }}"}}')
    step, told = shop.failing_refresh().failure()
    assert step == "image_requests"
    assert "no request could be made; the first: there is no field 'colour'" in told


def test_a_rejected_row_shows_in_the_catalogs_check(shop: DagsterShop) -> None:
    shop.set_product("004", title="")
    refreshed = shop.refresh()
    check = refreshed.check("every_row_is_usable")
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "| 5 | title | no\\_title | the product has no title" in plain_metadata(check)["rows"]
    assert refreshed.metadata_of("product_catalog")["rejected_rows"] == 1
    assert refreshed.counts() == {"generated": 6, "calls": 6}
    assert refreshed.check(COMPLETE).passed


@pytest.mark.parametrize(
    ("catalog", "problem"),
    [
        pytest.param(None, "catalog.csv: there is no such file", marks=pytest.mark.slow),
        ("product_id,title\n", "catalog.csv: no row is a usable product; nothing was changed"),
        pytest.param(
            "a,b\n1,2\n", "catalog.csv: no column for the product's", marks=pytest.mark.slow
        ),
    ],
    ids=["missing", "empty", "no catalog"],
)
def test_a_catalog_that_cannot_be_used_stops_the_run_and_changes_nothing(
    shop: DagsterShop, catalog: str | None, problem: str
) -> None:
    shop.refresh()
    before = shop.manifest_rows()
    path = shop.folder / "catalog.csv"
    path.unlink()
    if catalog is not None:
        path.write_text(catalog)
    step, told = shop.failing_refresh().failure()
    assert step == "product_catalog"
    assert problem in told
    assert shop.manifest_rows() == before


@pytest.mark.parametrize("cap", ["settings", "run config"])
def test_a_plan_over_the_cap_is_refused_before_any_call(shop: DagsterShop, cap: str) -> None:
    if cap == "settings":
        shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "5"
        refused = shop.failing_refresh(max_images=100)  # cannot raise it
    else:
        refused = shop.failing_refresh(max_images=5)
    step, told = refused.failure()
    assert step == "refreshed_images.plan_shards"
    assert "6 pictures (about 0.42 USD) are to be bought" in told
    assert "MAX_IMAGES_PER_RUN" in told
    assert "allows 5" in told
    assert shop.bill() == []
    assert list(shop.store.list("ledger/")) == []


@pytest.mark.slow
def test_a_plan_that_reaches_the_cap_is_bought(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_MAX_IMAGES_PER_RUN"] = "6"
    assert shop.refresh(max_images=6).counts() == {"generated": 6, "calls": 6}


def test_the_days_limit_leaves_the_rest_for_tomorrow(shop: DagsterShop) -> None:
    shop.environ["FLUX_ASSETS_DAILY_IMAGE_LIMIT"] = "4"
    refreshed = shop.refresh()
    assert refreshed.counts() == {"generated": 4, "not_attempted": 2, "calls": 4}
    assert "the daily limit of 4 sends" in plain_metadata(refreshed.check(COMPLETE))["products"]
    assert len(shop.bill()) == 4


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("out_of_credits_after", "credits"),
        pytest.param("key_deleted_after", "ONEMIN_API_KEY", marks=pytest.mark.slow),
    ],
)
def test_the_breaker_fails_the_run_keeps_its_pictures_and_the_next_run_goes_on(
    shop: DagsterShop, fault: str, reason: str
) -> None:
    shop.environ["FLUX_ASSETS_MAX_IN_FLIGHT"] = "1"
    _set_faults(shop, **{fault: 2})
    stopped = shop.failing_refresh()
    step, told = stopped.failure()
    assert step == "refreshed_images.summarize"
    assert reason in told
    assert len(stopped.logged()) == len(shop.bill()) == 2

    _end_faults(shop)
    finished = shop.refresh()
    assert finished.counts() == {"generated": 4, "reused": 2, "calls": 4}
    assert finished.logged().keys() | stopped.logged().keys() == shop.requests().keys()
    assert len(shop.bill()) == 6
    assert shop.manifest_rows() == shop.current_rows()


def test_a_picture_that_is_gone_from_the_store_is_reported_and_not_bought_again(
    shop: DagsterShop,
) -> None:
    event = shop.refresh().logged()["002", "hero"]
    Path(str(event.metadata["object_uri"].value)).unlink()
    refreshed = shop.refresh()
    assert refreshed.metadata_of("image_plan")["missing"] == 1
    assert refreshed.counts() == {"reused": 5, "lost": 1}
    check = refreshed.check(COMPLETE)
    assert check.description == "without a current picture: 002"
    assert "was stored and is gone" in plain_metadata(check)["products"]
    assert len(shop.bill()) == 6
