"""The gallery as it lies in the store: whole at every moment, and put only where it changed."""

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import pytest

from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide
from flux_assets.publishing.gallery import INDEX_KEY, GalleryReport, write_gallery
from flux_assets.storage.object_store import ObjectStore
from flux_assets_tests.fixtures.masters import CountingStore, draw_product, store_masters
from flux_assets_tests.fixtures.review import CHANNELS, ReviewShop, make_review_shop

BASE = "file:///store/publishing/gallery/"
TOLD = CHANNELS + "gallery: {prompts: true, names: true}\n"


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ReviewShop:
    monkeypatch.chdir(tmp_path)
    return make_review_shop(tmp_path)


def write(shop: ReviewShop, store: ObjectStore | None = None) -> GalleryReport:
    channels = load_channels(shop.settings)
    assert channels is not None
    report = write_gallery(shop.settings, store or shop.store, channels)
    assert report is not None
    return report


def read(shop: ReviewShop, address: str) -> bytes:
    """What a browser gets of an address in the gallery."""
    path = unquote(urlsplit(urljoin(BASE, address)).path)
    return (shop.shop.folder / path.removeprefix("/")).read_bytes()


def call(data: bytes) -> list[Any]:
    text = data.decode("ascii")
    found: list[Any] = json.loads(f"[{text[text.index('(') + 1 : text.rindex(')')]}]")
    return found


def open_gallery(shop: ReviewShop) -> tuple[dict[str, Any], list[list[Any]]]:
    """Its head and rows, by the folder that the index names."""
    index = read(shop, "index.html").decode()
    [folder] = re.findall(r'data-folder="([^"]*)"', index)
    [head] = call(read(shop, f"{folder}head.js"))
    rows = [row for address in head["row_files"] for row in call(read(shop, address))[1]]
    return head, rows


def reject(shop: ReviewShop, row: list[Any]) -> None:
    wish = Wish(
        fingerprint=row[2],
        sha256=row[3],
        verdict="rejected",
        reasons=("text",),
        note="a secret of ours",
        seen_revision=row[9],
    )
    decide(shop.store, [wish], by="bob@example.com", via="test")


def test_every_address_leads_to_a_file_from_wherever_it_is_opened(shop: ReviewShop) -> None:
    store_masters(shop.store, {("100 % grün/é", "wide"): draw_product("navy", 900)})
    shop.render()
    assert write(shop).pictures == 1
    index = read(shop, "index.html").decode()
    files = re.findall(r'(?:src|href)="([^"#]+)"', index)
    assert files
    for address in files:
        assert read(shop, address)
    head, [row] = open_gallery(shop)
    assert (head["live"], head["user"], head["rows"]) == (False, None, 1)
    assert read(shop, row[6])[8:12] == b"WEBP"
    assert read(shop, row[7])
    assert row[6] != row[7]
    assert 'data-live="false"' in index
    assert 'data-token=""' in index


def test_prompts_names_and_photos_stay_inside_unless_asked_for(shop: ReviewShop) -> None:
    reject(shop, [*shop.open().rows()[0]])
    write(shop)
    everything = b"".join(
        path.read_bytes()
        for path in (shop.shop.folder / "store/publishing/gallery").rglob("*")
        if path.is_file()
    )
    for secret in (b"A chair, 0", b"bob@example.com", b"a secret of ours", b"images/", b"/thumb/"):
        assert secret not in everything
    _, rows = open_gallery(shop)
    assert rows[0][5] is None
    assert (rows[0][10], rows[0][12], rows[0][13]) == (None, None, [])

    (shop.shop.folder / "channels.yaml").write_text(TOLD)
    write(shop)
    _, rows = open_gallery(shop)
    assert rows[0][5] == "A chair, 0"
    assert (rows[0][10], rows[0][12]) == ("bob@example.com", "a secret of ours")
    assert rows[0][8] is None


def test_the_index_comes_last_and_nothing_is_put_where_nothing_changed(
    shop: ReviewShop, tmp_path: Path
) -> None:
    store = CountingStore(tmp_path / "store")
    write(shop, store)
    assert store.puts[-1] == INDEX_KEY
    assert store.puts.count(INDEX_KEY) == 1
    store.forget()
    assert write(shop, store).stored == 0
    assert store.puts == []


@pytest.mark.slow
def test_what_somebody_deleted_of_it_is_written_again(shop: ReviewShop) -> None:
    write(shop)
    folder = shop.shop.folder / "store/publishing/gallery"
    whole = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in whole:
        before = path.read_bytes()
        path.unlink()
        assert write(shop).stored == 1
        if path.name != "head.js":  # which says when it was written
            assert path.read_bytes() == before


def test_a_decision_puts_its_own_rows_and_leaves_the_earlier_gallery_whole(
    shop: ReviewShop, tmp_path: Path
) -> None:
    store = CountingStore(tmp_path / "store")
    write(shop, store)
    head, rows = open_gallery(shop)
    old = {key: store.get(key).data for key in store.list_keys("publishing/gallery/")}
    reject(shop, rows[0])
    write(shop, store)
    for key, data in old.items():
        if key != INDEX_KEY:
            assert store.get(key).data == data
    later, _ = open_gallery(shop)
    assert later["row_files"] != head["row_files"]


def test_without_a_manifest_there_is_no_gallery(shop: ReviewShop) -> None:
    for key in [*shop.store.list_keys("tables/image_manifest.")]:
        (shop.shop.folder / "store" / key).unlink()
    channels = load_channels(shop.settings)
    assert channels is not None
    assert write_gallery(shop.settings, shop.store, channels) is None
    assert [*shop.store.list_keys("publishing/gallery/")] == []
