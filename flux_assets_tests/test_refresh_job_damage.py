"""What a refresh does about a store in which something is damaged or was released."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.manifest import MANIFEST_KEY
from flux_assets.store.object_store import image_key, ledger_key
from flux_assets_tests.fixtures.dagster_shops import (
    IGNORES_BETA,
    DagsterShop,
    open_shop,
    plain_metadata,
)

pytestmark = IGNORES_BETA

COMPLETE = "every_product_has_its_pictures"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "002") as shop:
        yield shop


def test_a_damaged_picture_without_a_ledger_entry_is_lost_by_itself(shop: DagsterShop) -> None:
    shop.refresh()
    request = shop.requests()["002", "hero"]
    key = image_key(shot="hero", product_id="002", fingerprint=request.fingerprint, extension="png")
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
    assert "flux-assets reroll 002 --shot hero" in told
    assert len(shop.bill()) == 4, "nothing is bought in its stead"


def test_a_damaged_manifest_stops_the_refresh_before_it_buys_and_says_what_to_do(
    shop: DagsterShop,
) -> None:
    shop.store.put(MANIFEST_KEY, b"PAR1", content_type="application/octet-stream")
    _, told = shop.failing_refresh().failure()
    assert "image_manifest.parquet: it is damaged; `flux-assets verify --repair` builds it" in told
    assert shop.bill() == []
