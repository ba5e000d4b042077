"""What channels read, held against what lies in the store, and its table built again."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from flux_assets.catalog.offers import read_offers
from flux_assets.manifest.findings import StoreFindings
from flux_assets.publishing.audit import audit_renditions
from flux_assets.publishing.channel_editions import publish_channels
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.editions import edition_key, read_last_edition
from flux_assets.publishing.mark import read_mark
from flux_assets.publishing.rendition_table import (
    RENDITIONS_KEY,
    RenditionRow,
    build_frame,
    open_renditions,
)
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.masters import (
    CHANNELS,
    TERMS,
    CountingStore,
    draw_product,
    store_masters,
)

CHANNELS_FILE = read_channels(CHANNELS.encode(), "channels.yaml")
PICTURES = {(name, "hero"): draw_product(name) for name in ("navy", "teal", "red")}
EXPORT = b"id,title\nnavy,Chair\nteal,Chair\nred,Chair\n"
FILES = 3 * 3


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    store = CountingStore(tmp_path / "store")
    store_masters(store, PICTURES)
    publish(store)
    return store


def publish(store: ObjectStore) -> None:
    refresh_renditions(store, CHANNELS_FILE)
    publish_channels(store, CHANNELS_FILE, read_offers(EXPORT, "export.csv"), TERMS)


def audit(store: ObjectStore, *, deep: bool = False, repair: bool = False) -> StoreFindings:
    findings = StoreFindings()
    audit_renditions(store, findings, deep=deep, repair_by=CHANNELS_FILE if repair else None)
    return findings


def told(findings: StoreFindings) -> dict[str, str]:
    return {item.key: item.detail for item in findings.first}


def row_of(store: ObjectStore, product_id: str, profile: str) -> RenditionRow:
    table = open_renditions(store)
    assert table is not None
    rows = [RenditionRow(*row) for row in table.read().itertuples(index=False)]
    return next(it for it in rows if (it.product_id, it.profile) == (product_id, profile))


def replace_file(store: ObjectStore, key: str, data: bytes) -> None:
    store.put(key, data, content_type="application/octet-stream")


def strip_mark(data: bytes) -> bytes:
    """The same picture as a careless CDN would give it out."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


@pytest.mark.parametrize("deep", [False, True])
def test_a_sound_store_has_no_findings_and_its_audit_writes_nothing(
    store: CountingStore, *, deep: bool
) -> None:
    store.forget()
    found = audit(store, deep=deep, repair=True)
    assert (found.is_sound, found.counts.total(), found.renditions) == (True, 0, FILES)
    assert store.puts == []
    assert len({key for key in store.gets if "/renditions/" in key}) == (FILES if deep else 0)


def test_a_shop_that_publishes_nothing_has_nothing_to_look_at(tmp_path: Path) -> None:
    store = CountingStore(tmp_path / "store")
    store_masters(store, PICTURES)
    assert audit(store, deep=True, repair=True).counts.total() == 0
    assert RENDITIONS_KEY not in store.puts


def test_what_is_gone_or_cut_is_named_with_its_product_and_made_again(
    store: CountingStore,
) -> None:
    gone, cut = (
        row_of(store, "teal", "thumb_400").object_key,
        row_of(store, "red", "big").object_key,
    )
    files = {key: store.get(key).data for key in (gone, cut)}
    store.delete(gone)
    replace_file(store, cut, files[cut][:100])
    found = audit(store)
    assert not found.is_sound
    assert told(found)[gone].startswith("product 'teal', shot hero: it is gone; after `flux-assets")
    assert told(found)[cut].startswith("product 'red', shot hero: it has 100 bytes, not ")
    assert "a feed names it: after `flux-assets verify --repair`" in told(found)[cut]

    repaired = audit(store, repair=True)
    assert repaired.counts["rendition"] == 2
    assert repaired.repaired["rendition"] == 1, "a feed still stands on the other"
    publish(store)
    assert {key: store.get(key).data for key in files} == files
    assert audit(store, deep=True).counts.total() == 0


def test_a_mark_that_was_taken_away_is_named_and_put_back(store: CountingStore) -> None:
    key = row_of(store, "navy", "big").object_key
    whole = store.get(key).data
    stripped = strip_mark(whole)
    replace_file(store, key, stripped + bytes(len(whole) - len(stripped)))
    assert audit(store).counts.total() == 0, "its size is the same"
    found = audit(store, deep=True)
    assert "it carries no mark of AI" in told(found)[key]
    audit(store, deep=True, repair=True)
    publish(store)
    assert store.get(key).data == whole
    assert read_mark(whole)
    assert audit(store, deep=True).counts.total() == 0


def test_other_bytes_with_their_mark_are_measured_as_they_lie_there(store: CountingStore) -> None:
    theirs = store.get(row_of(store, "navy", "thumb_400").object_key).data
    row = row_of(store, "teal", "thumb_400")
    replace_file(store, row.object_key, theirs)
    assert audit(store, deep=True, repair=True).is_sound
    now = row_of(store, "teal", "thumb_400")
    assert (now.size_bytes, now.sha256) == (
        len(theirs),
        row_of(store, "navy", "thumb_400").sha256,
    )
    assert store.get(row.object_key).data == theirs
    assert audit(store, deep=True).counts.total() == 0


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[:-9],
    "empty": lambda _: b"",
    "no table": lambda _: b"PAR1",
    "other columns": lambda data: write_parquet(StoredTable(data).read().drop(columns="mark")),
    "other types": lambda data: write_parquet(
        StoredTable(data).read().astype({"border_white": "str"})
    ),
    "a spoiled page": lambda data: data[:4] + bytes(len(data) // 2) + data[4 + len(data) // 2 :],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_built_again_of_what_lies_there(
    store: CountingStore, damage: str
) -> None:
    whole = store.get(RENDITIONS_KEY).data
    replace_file(store, RENDITIONS_KEY, DAMAGE[damage](whole))
    found = audit(store)
    assert found.counts["rendition_table"] == 1
    assert "verify --repair" in told(found)[RENDITIONS_KEY]
    lost = row_of_all(whole)[0].object_key
    store.delete(lost)
    store.forget()
    repaired = audit(store, repair=True)
    assert repaired.repaired["rendition_table"] == 1
    assert set(store.puts) == {RENDITIONS_KEY}
    table = open_renditions(store)
    assert table is not None
    rows = [RenditionRow(*it) for it in table.read().itertuples(index=False)]
    assert rows == [it for it in row_of_all(whole) if it.object_key != lost]
    publish(store)
    assert store.get(RENDITIONS_KEY).data == whole
    assert audit(store, deep=True).counts.total() == 0


def row_of_all(table: bytes) -> list[RenditionRow]:
    return [RenditionRow(*it) for it in StoredTable(table).read().itertuples(index=False)]


def test_a_table_that_is_gone_below_a_feed_is_built_again(store: CountingStore) -> None:
    whole = store.get(RENDITIONS_KEY).data
    Path(store.uri_for(RENDITIONS_KEY)).unlink()
    assert "it is gone" in told(audit(store))[RENDITIONS_KEY]
    assert audit(store, repair=True).is_sound
    assert store.get(RENDITIONS_KEY).data == whole


def test_without_a_channels_file_the_table_stays_and_it_says_what_is_missing(
    store: CountingStore,
) -> None:
    replace_file(store, RENDITIONS_KEY, b"PAR1")
    assert "FLUX_ASSETS_CHANNELS" in told(audit(store))[RENDITIONS_KEY]
    assert store.get(RENDITIONS_KEY).data == b"PAR1"


def test_a_damaged_edition_is_named_and_never_written_over(store: CountingStore) -> None:
    key = edition_key("shop", 1)
    data = store.get(key).data
    for damaged in (b"", data[:-9], write_parquet(build_frame([]))):
        replace_file(store, key, damaged)
        found = audit(store, deep=True, repair=True)
        assert (found.is_sound, found.counts["edition"]) == (False, 1)
        assert "restore an earlier version of it" in told(found)[key]
        assert store.get(key).data == damaged


def test_what_an_edition_could_go_back_to_is_looked_at_too(store: CountingStore) -> None:
    earlier = row_of(store, "navy", "big").object_key
    store_masters(store, {**PICTURES, ("navy", "hero"): draw_product("olive")}, take=1)
    publish(store)
    last = read_last_edition(store, "shop")
    assert last is not None
    assert earlier in {it.object_key for it in last.list_named()}
    store.delete(earlier)
    assert "product 'navy', shot hero: it is gone; a feed names it" in told(audit(store))[earlier]


def test_a_table_that_another_run_writes_meanwhile_is_left_to_it(store: CountingStore) -> None:
    replace_file(store, RENDITIONS_KEY, b"PAR1")
    put = store.put

    def come_second(key: str, *rest: object, **more: object) -> str:
        store.put = put  # type: ignore[method-assign]
        publish(store)
        return put(key, *rest, **more)  # type: ignore[arg-type]

    store.put = come_second  # type: ignore[method-assign]
    assert audit(store, repair=True).repaired["rendition_table"] == 0
    assert audit(store, deep=True).counts.total() == 0
