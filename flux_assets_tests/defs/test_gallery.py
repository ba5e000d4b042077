"""A refresh ends with the gallery, and Dagster links to where people look at the pictures."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.publishing.gallery import INDEX_KEY
from flux_assets_tests.fixtures.dagster_shops import DagsterShop, open_shop
from flux_assets_tests.fixtures.masters import CHANNELS


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DagsterShop]:
    with open_shop(tmp_path, monkeypatch, "001", "0 2&3") as shop:
        (shop.folder / "channels.yaml").write_text(CHANNELS)
        shop.environ |= {"FLUX_ASSETS_CHANNELS": "channels.yaml"}
        yield shop


def test_a_refresh_writes_the_gallery_and_the_next_one_nothing_of_it(shop: DagsterShop) -> None:
    told = shop.refresh().metadata_of("gallery")
    assert (told["pictures"], told["object_uri"]) == (4, shop.store.uri_for(INDEX_KEY))
    assert told["stored_files"] > 3
    assert "review" not in told
    assert "0 2&3" in (shop.store.get(rows_key(shop)).data.decode())
    assert shop.refresh().metadata_of("gallery")["stored_files"] == 0


def rows_key(shop: DagsterShop) -> str:
    [key] = shop.store.list_keys("publishing/gallery/rows/")
    return key


@pytest.mark.parametrize(
    ("url", "page"),
    [
        ("https://pictures.example.com/", "https://pictures.example.com/"),
        pytest.param(
            *["https://cdn.example.com/g/index.html"] * 2,
            marks=pytest.mark.slow,
        ),
    ],
)
def test_manifest_gallery_and_each_picture_lead_to_the_page(
    shop: DagsterShop, url: str, page: str
) -> None:
    shop.environ["FLUX_ASSETS_REVIEW_URL"] = url
    run = shop.refresh()
    for name in ("gallery", "image_manifest"):
        assert run.metadata_of(name)["review"] == url.rstrip("/")
    made = [
        event.materialization
        for event in run.result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION" and event.partition
    ]
    links = {str(it.metadata["review"].value) for it in made}
    assert links == {
        f"{page}#product={product_id}&shot={shot}"
        for product_id in ("001", "0%202%263")
        for shot in ("hero", "wide")
    }
