"""What the page reads: data, files and all that is known of one picture."""

import base64
import io
import json
import struct
from collections.abc import Sequence
from dataclasses import replace

import pytest
from PIL import Image

from flux_assets.manifest.refresh import write_manifest
from flux_assets.manifest.rows import build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY, open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide
from flux_assets.publishing.mark import read_mark
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import photo_key
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.table_merge import write_table
from flux_assets.storage.table_parts import TableFolder
from flux_assets_tests.fixtures.masters import draw_product, store_masters
from flux_assets_tests.fixtures.records import make_lineage, make_request
from flux_assets_tests.fixtures.review import Page, ReviewShop

NASTY = "</script><img src=x onerror=alert(1)>\u2028\u2029'\"&\\"


def column(page: Page, name: str) -> list[str]:
    """A filter's value of each row, as the page reads it."""
    [packed], [head] = page.data("columns.js"), page.data("head.js")
    data = base64.b64decode(packed[name]["data"])
    codes = struct.unpack(
        f"<{len(data) // packed[name]['bytes']}{'xBH'[packed[name]['bytes']]}", data
    )
    return [head["columns"][name][code] for code in codes]


def write(shop: ReviewShop, records: Sequence[LineageRecord], **more: str) -> None:
    last = open_manifest(shop.store)
    frame = build_manifest_rows(records, shop.store).assign(**more)
    write_manifest(shop.store, StoredTable(write_parquet(frame)), over=last.etag if last else None)


def test_a_shop_by_buckets_says_where_each_of_them_begins(shop: ReviewShop, page: Page) -> None:
    assert page.data("head.js")[0]["parts"] == []
    ids = [f"{number:03}" for number in range(1, 21)]
    requests = [make_request(product_id=it) for it in sorted(ids, key=bucket_of)]
    frame = build_manifest_rows([make_lineage(it) for it in requests], shop.store)
    table = write_table(frame, TableFolder(shop.store, MANIFEST_KEY))
    last = open_manifest(shop.store)
    write_manifest(shop.store, table, over=last.etag if last else None)
    page.open()
    parts, rows = page.data("head.js")[0]["parts"], page.rows()
    assert [bucket for bucket, _ in parts] == sorted({bucket_of(it) for it in ids})
    assert [bucket_of(rows[start][0]) for _, start in parts] == [bucket for bucket, _ in parts]
    assert parts[0][1] == 0


def test_the_page_is_told_where_its_data_are_and_all_its_files_are_there(page: Page) -> None:
    index = page.get("/")
    assert index.headers["cache-control"] == "no-store"
    assert page.folder.startswith("/data/")
    text = index.body.decode()
    names = [part.partition('"')[0] for part in text.split('src="')[1:]]
    assert len(names) > 0
    for name in names:
        reply = page.get(name)
        assert (reply.status, reply.headers["content-type"]) == (
            200,
            "text/javascript; charset=utf-8",
        )


def test_head_says_what_there_is_to_filter_by(page: Page) -> None:
    [head] = page.data("head.js")
    assert (head["rows"], head["live"], head["sample"], head["price"]) == (4, True, True, None)
    assert head["channels"] == ["google"]
    assert head["user"] == {"name": "ada", "role": "reviewer"}
    assert head["columns"]["shot"] == ["hero", "wide"]
    assert "row_files" not in head


def test_rows_and_columns_are_of_the_same_pictures_in_the_same_order(page: Page) -> None:
    rows = page.rows()
    assert [tuple(row[:2]) for row in rows] == [
        *(("001", "hero"), ("001", "wide")),
        *(("002", "hero"), ("002", "wide")),
    ]
    assert column(page, "shot") == ["hero", "wide", "hero", "wide"]
    assert column(page, "verdict:google") == ["warn", "block", "warn", "block"]
    assert column(page, "outcome") == ["fine"] * 4
    assert column(page, "shown") == ["waiting", "nothing", "waiting", "nothing"]
    for number in ("1", "9" * 5000, "x"):
        assert page.get(f"{page.folder}rows/{number}.js").status == 404


def test_where_only_approved_pictures_come_no_other_is_waiting(shop: ReviewShop) -> None:
    path = shop.shop.folder / "channels.yaml"
    path.write_text(f"publish: approved_only\n{path.read_text()}")
    page = shop.open()
    assert column(page, "shown") == ["nothing"] * 4
    row = page.rows()[2]
    item = {"fingerprint": row[2], "sha256": row[3], "revision": 0, "verdict": "approved"}
    page.post("/api/decisions", {"decisions": [item]})
    assert column(page.open(), "shown") == ["nothing", "nothing", "waiting", "nothing"]


def test_somebody_elses_decision_is_seen_with_the_next_data(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[0]
    wish = Wish(fingerprint=row[2], sha256=row[3], verdict="rejected", reasons=("text",), note="no")
    decide(shop.store, [wish], by="bob", via="test")
    changed = page.rows()[0]
    assert (changed[9], changed[10], changed[12], changed[13]) == (1, "bob", "no", ["text"])
    assert column(page, "decision") == ["rejected", *["undecided"] * 3]
    assert column(page, "shown") == ["nothing", "nothing", "waiting", "nothing"]


def test_a_new_manifest_is_another_page_and_the_old_one_is_told_to_load_again(
    shop: ReviewShop, page: Page
) -> None:
    old = page.folder
    store_masters(shop.store, {("003", "hero"): draw_product("olive")})
    assert page.get(old + "rows/0.js").status == 200
    page.open()
    assert page.folder != old
    assert [row[0] for row in page.rows()] == ["003"]
    gone = page.get(old + "rows/0.js")
    assert (gone.status, gone.json) == (
        410,
        {"error": "the pictures have changed; load the page again"},
    )


def test_without_a_manifest_there_is_an_empty_page(shop: ReviewShop) -> None:
    (shop.shop.folder / "store" / MANIFEST_KEY).unlink()
    page = shop.open()
    assert page.data("head.js")[0]["rows"] == 0
    assert page.data("columns.js")[0]["shot"] == {"bytes": 1, "data": ""}


def test_no_text_of_a_merchant_or_reviewer_can_be_more_than_a_text(shop: ReviewShop) -> None:
    request = make_request("001", "hero", prompt=f"A chair {NASTY}")
    record = make_lineage(request, sha256="5" * 64)
    write(shop, [record], title=NASTY, category=NASTY)
    wish = Wish(
        fingerprint=record.request_fingerprint,
        sha256="5" * 64,
        verdict="rejected",
        reasons=(NASTY,),
        note=NASTY,
    )
    decide(shop.store, [wish], by=NASTY, via="test")
    page = shop.open()
    for name in ("head.js", "rows/0.js"):
        body = page.get(page.folder + name).body
        assert b"<" not in body
        assert body.isascii()
    [row] = page.rows()
    assert (row[4], row[10], row[12], row[13]) == (NASTY, NASTY, NASTY, [NASTY])
    told = page.get(f"/picture/{record.request_fingerprint}")
    assert told.headers["content-type"] == "application/json"
    assert told.json["history"][0]["note"] == NASTY


def test_search_finds_all_words_in_titles_ids_and_prompts(shop: ReviewShop) -> None:
    chairs = [make_lineage(make_request(f"{it}", prompt=f"A RED chair {it}")) for it in range(3)]
    write(shop, chairs, title="Größter Stuhl")
    page = shop.open()

    def search(words: str) -> list[int]:
        found = base64.b64decode(page.get(f"{page.folder}search?q={words}").json["rows"])
        return [*struct.unpack(f"<{len(found) // 4}I", found)]

    assert search("red") == [0, 1, 2]
    assert search("chair%201%20red") == [1]
    assert search("GR%C3%96%C3%9FTER") == [0, 1, 2]
    assert search("sofa") == []
    assert search("") == [0, 1, 2]
    assert search(".*") == []


def test_thumbs_are_the_renditions_and_kept_for_ever_where_the_address_names_the_bytes(
    shop: ReviewShop, page: Page
) -> None:
    row = page.rows()[0]
    reply = page.get(row[6])
    assert reply.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert reply.headers["content-type"] == "image/webp"
    [key] = [it for it in shop.store.list_keys("publishing/renditions/001/hero/") if "webp" in it]
    assert reply.body == shop.store.get(key).data
    unnamed = page.get(row[6].partition("?")[0])
    assert unnamed.headers["cache-control"] == "no-store"
    full = page.get(row[7])
    assert (full.body, full.headers["content-type"]) == (draw_product("navy"), "image/png")


def test_a_thumb_that_is_not_made_yet_is_made_marked_and_not_stored(shop: ReviewShop) -> None:
    store_masters(shop.store, {("003", "hero"): draw_product("olive", 900)}, take=1)
    before = {*shop.store.list_keys("")}
    page = shop.open()
    reply = page.get(page.rows()[0][6])
    assert Image.open(io.BytesIO(reply.body)).size == (400, 400)
    assert read_mark(reply.body) == "trainedAlgorithmicMedia"
    assert {*shop.store.list_keys("")} == before


def test_a_damaged_or_absent_picture_is_no_thumb(shop: ReviewShop) -> None:
    records = store_masters(shop.store, {("003", "hero"): draw_product("olive")}, take=1)
    [record] = records.values()
    page = shop.open()
    [row] = page.rows()
    shop.store.put(record.object_key, b"no picture", content_type="image/png")
    assert page.get(row[6]).status == 404
    shop.store.delete(record.object_key)
    assert page.get(row[6]).status == 404
    assert page.get(row[7]).status == 404


@pytest.mark.parametrize(
    "name",
    [
        *("..", "%2e%2e", "..%2f..%2fledger", "images/hero/001/x.png", "0" * 63, "0" * 65),
        *("A" * 64, "g" * 64, f"{'0' * 64}\n", "publishing/decisions/00.json", "", "%00"),
    ],
)
def test_nothing_is_found_by_a_path_or_key(page: Page, name: str) -> None:
    for folder in ("thumb", "full", "photo", "picture"):
        assert page.get(f"/{folder}/{name}").status == 404
    assert page.get(f"/{name}").status in {200, 404}
    assert b"flux_assets" not in page.get(f"/../{name}").body


def test_only_photos_that_pictures_of_now_are_made_from_are_shown(shop: ReviewShop) -> None:
    known, other = "1" * 64, "2" * 64
    request = replace(make_request("001"), source_sha256=known, source_uri="photo.jpg")
    write(shop, [make_lineage(request)])
    for digest in (known, other):
        shop.store.put(photo_key(digest, "jpg"), b"photo", content_type="image/jpeg")
    page = shop.open()
    [row] = page.rows()
    assert row[8] == f"/photo/{known}"
    assert page.get(row[8]).body == b"photo"
    assert page.get(f"/photo/{other}").status == 404


def test_all_that_is_known_of_a_picture_is_told(shop: ReviewShop, page: Page) -> None:
    row = page.rows()[1]
    for revision, verdict in enumerate(("rejected", "approved")):
        wish = Wish(
            fingerprint=row[2],
            sha256=row[3],
            verdict=verdict,  # type: ignore[arg-type]  # it is one of them
            seen_revision=revision,
        )
        decide(shop.store, [wish], by="bob", via="test")
    told = page.get(f"/picture/{row[2]}").json
    assert (told["product_id"], told["shot"]) == ("001", "wide")
    assert told["lineage"]["seed"] == int(told["lineage"]["seed"])
    assert [it["verdict"] for it in told["history"]] == ["approved", "rejected"]
    [verdict] = told["verdicts"]
    assert (verdict["slot"], verdict["verdict"]) == ("additional", "block")
    assert verdict["reason"].startswith("not_wide: no wide ones; size_bytes is ")
    assert (verdict["source"], verdict["on"]) == ("example.com", "2026-11-26")
    assert [it["shot"] for it in told["shots"]] == ["hero", "wide"]
    assert told["commands"]["reroll"] == "flux-assets reroll 001 --shots wide"
    assert page.get(f"/picture/{'0' * 64}").status == 404


def test_an_error_of_the_store_is_a_sentence(shop: ReviewShop, page: Page) -> None:
    (shop.shop.folder / "store" / MANIFEST_KEY).write_bytes(b"no table")
    reply = page.get("/")
    assert reply.status == 503
    assert "flux-assets verify --repair" in reply.json["error"]
    json.dumps(reply.json)
