"""Addresses in the manifest follow the store and the settings of now, and `verify` agrees."""

import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.audit import verify_store
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.stored import MANIFEST_CSV_KEY, open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.records import ask, make_request
from flux_assets_tests.fixtures.stored_pictures import ask_for, buy, open_records, show

REQUESTS = [make_request("00123"), make_request("Größe 38/%"), make_request("lamp")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store that was filled without a public address."""
    store = DirectoryStore(tmp_path / "store")
    for request in REQUESTS:
        buy(store, request)
    ask_for(store, *REQUESTS)
    show(store, *REQUESTS)
    return tmp_path / "store"


def refresh(store: DirectoryStore, requests: list[ImageRequest] = REQUESTS) -> list[str]:
    """The products whose lineage was read for it."""
    asked: list[str] = []

    def read(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        asked.extend(item.product_id for item in wanted)
        return {}

    refresh_manifest(store, ask(*requests), read)
    return asked


def check_rows(store: DirectoryStore) -> None:
    manifest = open_manifest(store)
    assert manifest is not None
    rows = manifest.read(("object_key", "object_uri", "url"))
    assert rows["object_uri"].tolist() == [store.uri_for(key) for key in rows["object_key"]]
    assert rows["url"].tolist() == [store.url_for(key) or "" for key in rows["object_key"]]
    table = pd.read_csv(io.BytesIO(store.get(MANIFEST_CSV_KEY).data), keep_default_na=False)
    assert table["url"].tolist() == rows["url"].tolist()


@pytest.mark.parametrize(
    "public_urls",
    [
        ["https://cdn.example"],
        ["https://cdn.example/shop", "https://cdn.example"],
        ["https://cdn.example", "https://cdn.example/shop", None],
    ],
    ids=["set", "shortened", "lengthened and unset"],
)
def test_a_public_address_that_is_set_later_is_in_every_row_without_a_call(
    folder: Path, public_urls: list[str | None]
) -> None:
    for public_url in public_urls:
        store = DirectoryStore(folder, public_url=public_url)
        assert refresh(store) == []
        check_rows(store)
        written = store.head("tables/image_manifest.parquet").etag
        assert refresh(store) == []
        assert store.head("tables/image_manifest.parquet").etag == written


def test_a_store_that_moved_is_where_it_is_also_with_fewer_products(
    folder: Path, tmp_path: Path
) -> None:
    shutil.move(folder, tmp_path / "elsewhere")
    store = DirectoryStore(tmp_path / "elsewhere")
    assert refresh(store, REQUESTS[1:]) == []
    check_rows(store)


def test_verify_names_each_row_of_before_and_repair_mends_them(folder: Path) -> None:
    assert verify_store(open_records(DirectoryStore(folder)), deep=False, repair=False).is_sound
    store = DirectoryStore(folder, public_url="https://cdn.example")
    found = verify_store(open_records(store), deep=False, repair=False)
    assert (found.is_sound, found.counts["manifest"]) == (False, len(REQUESTS))
    assert "FLUX_ASSETS_PUBLIC_URL" in found.first[0].detail

    assert verify_store(open_records(store), deep=False, repair=True).is_sound
    check_rows(store)
    assert verify_store(open_records(store), deep=False, repair=False).is_sound
