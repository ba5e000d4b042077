"""What a refresh does about a store in which something is damaged or was released."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.buying.picture_records import open_records
from flux_assets.manifest.audit import verify_store
from flux_assets.manifest.stored import MANIFEST_KEY
from flux_assets.storage.object_store import ledger_key, picture_key
from flux_assets_tests.fixtures.dagster_shops import (
    DagsterShop,
    open_shop,
    plain_metadata,
)
from flux_assets_tests.fixtures.purchases import build_ledger

COMPLETE = "every_product_has_its_pictures"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        yield shop


def test_a_damaged_picture_without_a_ledger_entry_is_lost_by_itself(shop: DagsterShop) -> None:
    shop.refresh()
    request = shop.requests()["002", "hero"]
    key = picture_key(
        shot="hero", product_id="002", fingerprint=request.fingerprint, extension="png"
    )
    shop.store.put(key, b"no picture any more", content_type="image/png")
    (shop.folder / "store" / ledger_key(request.fingerprint)).unlink()
    (shop.folder / "store" / MANIFEST_KEY).unlink()

    refreshed = shop.refresh()

    expected = shop.current_rows()
    del expected["002", "hero"]
    assert shop.manifest_rows() == expected
    check = refreshed.check(COMPLETE)
    assert (check.passed, check.description) == (False, "without a current picture: 002")
    told = plain_metadata(check)["products"]
    assert "is stored without a ledger entry, and none can be made of it" in told
    assert "flux-assets reroll 002 --shots hero" in told
    assert len(shop.bill()) == 4, "nothing is bought in its stead"


def test_a_damaged_manifest_stops_the_refresh_before_it_buys_and_says_what_to_do(
    shop: DagsterShop,
) -> None:
    shop.store.put(MANIFEST_KEY, b"PAR1", content_type="application/octet-stream")
    _, told = shop.failing_refresh().failure()
    assert "image_manifest.parquet: it is damaged; `flux-assets verify --repair` builds it" in told
    assert shop.bill() == []


def test_a_picture_that_is_gone_is_told_by_a_run_of_other_shots_too(shop: DagsterShop) -> None:
    shop.refresh()
    request = shop.requests()["002", "hero"]
    key = picture_key(
        shot="hero", product_id="002", fingerprint=request.fingerprint, extension="png"
    )
    (shop.folder / "store" / key).unlink()
    check = shop.refresh(shots=["wide"]).check(COMPLETE)
    assert (check.passed, check.description) == (False, "without a current picture: 002")
    assert "its picture is gone from the store" in plain_metadata(check)["products"]


def test_a_damaged_list_of_what_is_missing_is_written_anew(shop: DagsterShop) -> None:
    shop.store.put("tables/missing_pictures.json", b"nope", content_type="application/json")
    assert shop.refresh().check(COMPLETE).passed
    assert shop.store.get("tables/missing_pictures.json").data == b"[]"


@pytest.mark.slow
def test_a_repair_after_a_refused_catalog_keeps_every_row_and_the_guard(shop: DagsterShop) -> None:
    for number in range(3, 7):
        shop.set_product(f"{number:03d}")
    shop.refresh()
    rows = set(shop.manifest_rows())
    for number in range(2, 7):
        shop.remove_product(f"{number:03d}")
    shop.failing_refresh()
    shop.store.put(MANIFEST_KEY, b"PAR1", content_type="application/octet-stream")
    ledger = build_ledger(shop.store, "verify", dead_runs=())
    records = open_records(shop.settings, shop.store, ledger, preview_px=0)

    assert verify_store(records, deep=False, repair=True).is_sound

    assert set(shop.manifest_rows()) == rows
    assert "5 of the 6 products of the last manifest" in shop.failing_refresh().failure()[1]
