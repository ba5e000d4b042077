"""From stored pictures and an export to each channel's feed, by the channels file."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from flux_assets.catalog.offers import read_offers
from flux_assets.errors import CatalogError, SettingsError, SourceError, StoreError
from flux_assets.manifest.refresh import write_manifest
from flux_assets.manifest.rows import build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY, open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.publishing.channel_editions import (
    ChannelReport,
    SamplePictureError,
    publish_channels,
)
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decision_log import log_batch
from flux_assets.publishing.decisions import decide
from flux_assets.publishing.mark import read_mark
from flux_assets.publishing.rendition_table import RENDITIONS_KEY
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.publishing.shop_feeds import publish_feeds
from flux_assets.publishing.shop_publication import publish_shop
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.masters import (
    GOOGLE_MAIN,
    TERMS,
    CountingStore,
    draw_product,
    store_masters,
)

EXPORT = b"id,title,image_link,item_group_id\n1-s,Chair,https://x.invalid/1.jpg,1\n2,Desk,,\n"
RULE = """\
    rules:
      - name: {name}
        require: "{require}"
        else: block
        source: example.com
        on: 2026-11-26
        certainty: official
"""


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


def run(store: CountingStore, text: str = GOOGLE_MAIN, export: bytes = EXPORT) -> ChannelReport:
    channels = read_channels(text.encode(), "channels.yaml")
    refresh_renditions(store, channels)
    return publish_channels(store, channels, read_offers(export, "export.csv"), TERMS)["google"]


def lines(store: CountingStore) -> list[list[str]]:
    text = store.get("publishing/feeds/google.tsv").data.decode()
    return [line.split("\t") for line in text.splitlines()[1:]]


def test_each_offers_address_leads_to_a_marked_rendition(store: CountingStore) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy"), ("2", "hero"): draw_product("red")})
    found = run(store)
    assert [row[0] for row in lines(store)] == ["1-s", "2"]
    assert (found.blocked, found.left_out) == ((), ())
    for row in lines(store):
        key = row[1].removeprefix("https://pictures.invalid/")
        assert read_mark(store.get(key).data) == "trainedAlgorithmicMedia"
    told = store.get("publishing/feeds/google.jsonl").data.decode().splitlines()
    assert [json.loads(line)["width_px"] for line in told] == [150, 150]


def test_a_sample_in_a_live_store_is_named_and_no_feed_leads_to_it(store: CountingStore) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy"), ("2", "hero"): draw_product("red")})
    manifest = open_manifest(store)
    assert manifest
    rows = manifest.read()
    rows["mode"] = ["live" if it == "1" else "sample" for it in rows["product_id"]]
    write_manifest(store, StoredTable(write_parquet(rows)), over=manifest.etag)
    channels = read_channels(GOOGLE_MAIN.encode(), "channels.yaml")
    refresh_renditions(store, channels)
    offers = [*read_offers(EXPORT, "export.csv")]
    for url in ("https://cdn.example", "https://pictures.invalid.example", "https://pictures.inva"):
        with pytest.raises(
            SamplePictureError, match="product '2', shot hero: its picture is a sam"
        ):
            publish_channels(store, channels, offers, replace(TERMS, public_url=url))
    assert list(store.list_keys("publishing/feeds/")) == []
    publish_channels(
        store, channels, offers, replace(TERMS, public_url=f"{TERMS.public_url}/shoes")
    )
    assert len(lines(store)) == 2


def test_a_repeated_run_stores_nothing(store: CountingStore) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy")})
    run(store)
    store.forget()
    assert not run(store).published.is_new
    assert store.puts == []


def test_a_rule_keeps_a_picture_out_with_its_reason_and_lets_it_in_once_it_is_gone(
    store: CountingStore,
) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy"), ("2", "hero"): draw_product("red")})
    small = GOOGLE_MAIN + RULE.format(name="large", require="width_px >= 500")
    found = run(store, small)
    assert found.published.edition is None
    assert [(it.product_id, it.slot) for it in found.blocked] == [("1", "main"), ("2", "main")]
    assert "large: " in found.blocked[0].findings[0].reason
    assert "example.com" in found.blocked[0].findings[0].reason
    run(store)
    assert len(lines(store)) == 2


def test_a_shown_picture_leaves_once_another_product_has_the_same(store: CountingStore) -> None:
    colors = ("navy", "red", "green", "teal", "black", "gray", "olive", "purple", "lime", "maroon")
    pictures = {(f"{number}", "hero"): draw_product(color) for number, color in enumerate(colors)}
    export = b"id,title,image_link\n" + b"".join(b"%d,Chair,\n" % it for it in range(len(colors)))
    own = GOOGLE_MAIN + RULE.format(name="own", require="not repeated")
    records = store_masters(store, pictures)
    run(store, own, export)
    assert len(lines(store)) == len(colors)

    digests = {"1": "same", "2": "same"}
    twice = [
        replace(it, pixels_digest=digests.get(it.product_id, it.product_id))
        for it in records.values()
    ]
    table = StoredTable(write_parquet(build_manifest_rows(twice, store)))
    last = open_manifest(store)
    assert last is not None
    write_manifest(store, table, over=last.etag)
    found = run(store, own, export)
    assert [(it.product_id, it.why) for it in found.published.plan.withdrawn] == [
        ("1", "blocked"),
        ("2", "blocked"),
    ]
    assert [row[0] for row in lines(store)] == ["0", *"3456789"]


def test_a_picture_without_its_rendition_leaves_what_is_shown(store: CountingStore) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy")})
    run(store)
    before = lines(store)
    store_masters(store, {("1", "hero"): draw_product("red")}, take=1)
    channels = read_channels(GOOGLE_MAIN.encode(), "channels.yaml")
    publish_channels(store, channels, read_offers(EXPORT, "export.csv"), TERMS)
    assert lines(store) == before
    run(store)
    assert lines(store) != before


def test_a_channel_that_is_enabled_no_more_loses_what_was_rejected_and_nothing_else(
    store: CountingStore,
) -> None:
    both = {("1", "hero"): draw_product("navy"), ("2", "hero"): draw_product("red")}
    records = store_masters(store, both)
    run(store)
    before = lines(store)
    one = records["1", "hero"]
    wish = Wish(fingerprint=one.request_fingerprint, sha256=one.sha256, verdict="rejected")
    text = GOOGLE_MAIN.replace("    feed:", "    enabled: false\n    feed:")
    channels = read_channels(text.encode(), "channels.yaml")
    assert publish_channels(store, channels, (), TERMS) == {}
    decide(store, [wish], by="ada", via="test")
    found = publish_channels(store, channels, (), TERMS)
    assert [it.product_id for it in found["google"].published.plan.withdrawn] == ["1"]
    assert lines(store) == before[1:]


def test_without_a_manifest_there_is_nothing_to_publish(store: CountingStore) -> None:
    channels = read_channels(GOOGLE_MAIN.encode(), "channels.yaml")
    assert publish_channels(store, channels, (), TERMS) == {}


def note_rejection(store: ObjectStore, record: LineageRecord) -> None:
    """As a process that is killed before it applies what it noted."""
    wish = Wish(fingerprint=record.request_fingerprint, sha256=record.sha256, verdict="rejected")
    log_batch(store, [wish], by="grace", via="test")


@pytest.mark.parametrize(
    "how",
    ["no manifest", "no channel", "sample", "export", "no export", "public URL", "renditions"],
)
def test_what_was_rejected_leaves_whatever_else_cannot_be_published(
    store: CountingStore, tmp_path: Path, how: str
) -> None:
    both = {("1", "hero"): draw_product("navy"), ("2", "hero"): draw_product("red")}
    records = store_masters(store, both)
    run(store)
    before = lines(store)
    note_rejection(store, records["1", "hero"])
    channels = read_channels(GOOGLE_MAIN.encode(), "channels.yaml")
    match how:
        case "no manifest":
            (tmp_path / "store" / MANIFEST_KEY).unlink()
            found = publish_channels(store, channels, (), TERMS)
            assert [*found] == ["google"]
        case "no channel":
            text = GOOGLE_MAIN.replace("    feed:", "    enabled: false\n    feed:")
            publish_channels(store, read_channels(text.encode(), "channels.yaml"), (), TERMS)
        case "sample":
            manifest = open_manifest(store)
            assert manifest
            rows = manifest.read()
            rows["mode"] = "sample"
            write_manifest(store, StoredTable(write_parquet(rows)), over=manifest.etag)
            terms = replace(TERMS, public_url="https://cdn.example")
            with pytest.raises(SamplePictureError):
                publish_channels(store, channels, (), terms)
        case "export":
            with pytest.raises(CatalogError):
                publish_channels(store, channels, read_offers(b"", "export.csv"), TERMS)
        case "no export":
            settings = Settings(store=store.uri, catalog=str(tmp_path / "gone.csv"))
            with pytest.raises(SourceError, match=r"gone\.csv"):
                publish_feeds(settings, store, channels, by="ada", why="test")
        case "renditions":
            (tmp_path / "store" / RENDITIONS_KEY).unlink()
            (tmp_path / "store" / RENDITIONS_KEY).mkdir()
            with pytest.raises(StoreError):
                publish_shop(Settings(store=store.uri), store, channels, by="ada", why="test")
        case _:
            settings = Settings(mode="live", store=store.uri, catalog="export.csv")
            with pytest.raises(SettingsError, match="PUBLIC_URL"):
                publish_feeds(settings, store, channels, by="ada", why="test")
    assert lines(store) == before[1:]
