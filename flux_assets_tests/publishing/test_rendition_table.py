"""The table of renditions: merged in parts, matched by whole texts, and read while it is whole."""

import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.errors import StoreError
from flux_assets.manifest.stored import StoredManifest, open_manifest
from flux_assets.publishing import rendition_table, wanted_rows
from flux_assets.publishing.channels import ChannelsFile, read_channels
from flux_assets.publishing.current import CurrentPictures
from flux_assets.publishing.offers import ChannelOffers
from flux_assets.publishing.rendition_table import (
    COLUMNS,
    RENDITIONS_KEY,
    RenditionRow,
    build_frame,
    find_missing,
    merge_renditions,
    open_renditions,
)
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.publishing.table_damage import find_damage, read_keys
from flux_assets.publishing.wanted_rows import NOT_WANTED, WantedRows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets_tests.fixtures.masters import (
    CHANNELS,
    CountingStore,
    draw_product,
    store_masters,
)

PICTURES = {(name, shot): draw_product() for name in "0123" for shot in ("hero", "wide")}
FILES_A_PRODUCT = 4 + 2


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


@pytest.fixture(autouse=True)
def few_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendition_table, "_ROWS_A_MERGE", 5)
    monkeypatch.setattr(wanted_rows, "_ROWS_A_TIME", 5)


def channels(text: str = CHANNELS) -> ChannelsFile:
    return read_channels(text.encode(), "channels.yaml")


def manifest_of(store: ObjectStore) -> StoredManifest:
    found = open_manifest(store)
    assert found is not None
    return found


def rows_of(store: ObjectStore) -> list[RenditionRow]:
    table = open_renditions(store)
    assert table is not None
    return [RenditionRow(*row) for row in table.read().itertuples(index=False)]


def replace_table(store: ObjectStore, data: bytes) -> None:
    store.put(RENDITIONS_KEY, data, content_type="application/vnd.apache.parquet")


def test_rows_that_come_in_parts_make_the_table_that_they_make_at_once(
    store: CountingStore,
) -> None:
    store_masters(store, PICTURES)
    refresh_renditions(store, channels())
    whole, rows = store.get(RENDITIONS_KEY).data, rows_of(store)
    assert len(rows) == 4 * FILES_A_PRODUCT
    for order in (1, -1):
        replace_table(store, write_parquet(build_frame([])))
        store.forget()
        made = (build_frame([row]) for row in rows[::order])
        merged = merge_renditions(store, manifest_of(store), channels(), made)
        assert merged.row_count == len(rows)
        assert store.puts == [RENDITIONS_KEY] * 5
        assert rows_of(store) == rows
    assert store.get(RENDITIONS_KEY).data == whole


def test_each_row_belongs_where_it_is_equal_in_all_and_nowhere_else(store: CountingStore) -> None:
    store_masters(store, PICTURES)
    refresh_renditions(store, channels())
    rows = rows_of(store)
    wanted = WantedRows(manifest_of(store), channels())
    others = [
        rows[0]._replace(product_id="9"),
        rows[1]._replace(shot="wide", profile="big"),
        rows[2]._replace(profile="none"),
        rows[3]._replace(profile_digest="0" * 64),
        rows[4]._replace(master_sha256="0" * 64),
    ]
    mixed = [*others, *rows[::-1], rows[7]._replace(object_key="a second one")]
    places, count = wanted.match(StoredTable(write_parquet(build_frame(mixed))))
    assert count == len(mixed)
    assert [mixed[place] for place in places] == rows
    assert len(wanted) == len(rows)
    places, _ = wanted.match(StoredTable(write_parquet(build_frame(others))))
    assert set(places.tolist()) == {NOT_WANTED}
    assert set(wanted.match(None)[0].tolist()) == {NOT_WANTED}


def test_a_product_whose_id_and_shot_run_together_like_another_s_is_another(
    store: CountingStore,
) -> None:
    store_masters(store, {("1", "hero"): draw_product("navy"), ("o1", "her"): draw_product("red")})
    refresh_renditions(store, channels(CHANNELS.replace("[hero]", "[hero, her]")))
    assert {(row.product_id, row.shot) for row in rows_of(store)} == {("1", "hero"), ("o1", "her")}


def _truncate(data: bytes) -> bytes:
    return data[:-9]


def _empty(_: bytes) -> bytes:
    return b""


def _spoil_a_page(data: bytes) -> bytes:
    return data[:4] + bytes(len(data) // 2) + data[4 + len(data) // 2 :]


def _drop_a_column(data: bytes) -> bytes:
    return write_parquet(StoredTable(data).read().drop(columns="mark"))


def _write_words_for_numbers(data: bytes) -> bytes:
    return write_parquet(StoredTable(data).read().astype({"width_px": "str"}))


DAMAGE = [_truncate, _empty, _spoil_a_page, _drop_a_column, _write_words_for_numbers]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_made_anew_by_the_next_run_which_says_so(
    store: CountingStore, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    store_masters(store, PICTURES)
    refresh_renditions(store, channels())
    whole = store.get(RENDITIONS_KEY).data
    replace_table(store, damage(whole))
    store.forget()
    with caplog.at_level(logging.WARNING):
        report, count = refresh_renditions(store, channels())
    assert "every picture is looked at anew, and nothing is stored twice" in caplog.text
    assert RENDITIONS_KEY in caplog.text
    assert (report.stored, count) == (0, 4 * FILES_A_PRODUCT)
    assert store.get(RENDITIONS_KEY).data == whole


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_needs_the_table_as_it_is_says_what_is_wrong_with_it_and_what_to_do(
    store: CountingStore, damage: Callable[[bytes], bytes]
) -> None:
    store_masters(store, PICTURES)
    assert read_keys(store) is None
    refresh_renditions(store, channels())
    assert read_keys(store) == frozenset(row.object_key for row in rows_of(store))
    table = store.get(RENDITIONS_KEY).data
    assert find_damage(StoredTable(table)) == ""
    replace_table(store, damage(table))
    with pytest.raises(StoreError, match="verify --repair"):
        read_keys(store)


def test_a_column_that_only_feeds_read_may_be_damaged_and_is_not_merged(
    store: CountingStore, caplog: pytest.LogCaptureFixture
) -> None:
    store_masters(store, PICTURES)
    refresh_renditions(store, channels())
    data = bytearray(store.get(RENDITIONS_KEY).data)
    group = pq.ParquetFile(pa.BufferReader(bytes(data))).metadata.row_group(0)
    place = group.column(list(COLUMNS).index("border_white")).dictionary_page_offset
    data[place : place + 20] = bytes(20)
    assert tuple(StoredTable(bytes(data)).column_names()) == tuple(COLUMNS)
    replace_table(store, bytes(data))
    reading = CurrentPictures(manifest_of(store), open_renditions(store))
    channel = channels().enabled[0]
    with pytest.raises(StoreError, match="verify --repair"):
        [*reading.list_products(channel, ChannelOffers(by_product={}, left_out=()))]
    more = {**PICTURES, ("9", "wide"): draw_product("red")}
    store_masters(store, more)
    assert len(find_missing(manifest_of(store), open_renditions(store), channels())) == 1
    refresh_renditions(store, channels())
    assert "it is damaged" in caplog.text
    assert refresh_renditions(store, channels())[1] == 4 * FILES_A_PRODUCT + 2
