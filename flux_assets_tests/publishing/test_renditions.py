import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing import renditions
from flux_assets.publishing.channels import ChannelsFile, read_channels
from flux_assets.publishing.mark import read_mark
from flux_assets.publishing.rendition_table import (
    COLUMNS,
    RENDITIONS_KEY,
    Master,
    RenditionRow,
    find_missing,
    open_renditions,
)
from flux_assets.publishing.renditions import (
    RenditionReport,
    make_renditions,
    refresh_renditions,
)
from flux_assets.setting_values import check_shop
from flux_assets.storage.object_store import ObjectBody, ObjectStore
from flux_assets_tests.fixtures.masters import (
    CHANNELS,
    CountingStore,
    draw_product,
    store_masters,
)

TWO = {("1", "hero"): draw_product("navy"), ("1", "wide"): draw_product("teal")}


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    return CountingStore(tmp_path / "store")


def _channels(text: str = CHANNELS) -> ChannelsFile:
    return read_channels(text.encode(), "channels.yaml")


def _rows(store: ObjectStore) -> list[RenditionRow]:
    table = open_renditions(store)
    assert table is not None
    return [RenditionRow(*row) for row in table.read().itertuples(index=False)]


def _made(keys: list[str]) -> list[str]:
    return [key for key in keys if key.startswith("publishing/")]


def test_every_picture_has_a_rendition_of_each_profile_that_shows_its_shot(
    any_store: ObjectStore,
) -> None:
    store_masters(any_store, TWO)
    report, count = refresh_renditions(any_store, _channels())
    rows = _rows(any_store)
    assert [(row.shot, row.profile) for row in rows] == [
        *(("hero", name) for name in ("big", "bigger", "small", "thumb_400")),
        *(("wide", name) for name in ("small", "thumb_400")),
    ]
    assert (report.masters, report.stored, count, report.problems) == (2, 5, 6, [])
    for row in rows:
        found = any_store.get(row.object_key)
        assert hashlib.sha256(found.data).hexdigest() == row.sha256
        assert read_mark(found.data) == row.mark == "trainedAlgorithmicMedia"
        assert found.content_type == {"jpg": "image/jpeg", "webp": "image/webp"}[row.format]
        assert row.object_key.startswith(f"publishing/renditions/1/{row.shot}/")
    assert report.stored_bytes == sum({row.object_key: row.size_bytes for row in rows}.values())


def test_two_profiles_that_come_to_the_same_share_one_file(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    big, bigger, *_ = _rows(store)
    assert (big.profile, bigger.profile) == ("big", "bigger")
    assert big.object_key == bigger.object_key


def test_masters_stay_as_they_are(store: CountingStore) -> None:
    records = store_masters(store, TWO)
    refresh_renditions(store, _channels())
    assert {who: store.get(it.object_key).data for who, it in records.items()} == TWO


def test_a_run_with_nothing_new_reads_no_picture_and_stores_nothing(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    store.forget()
    report, count = refresh_renditions(store, _channels())
    assert (report, count) == (RenditionReport(), 6)
    assert store.puts == []
    assert not [key for key in store.gets if key.startswith(("images/", "publishing/"))]


def test_a_changed_profile_makes_only_itself_anew(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    before = _rows(store)
    store.forget()
    refresh_renditions(store, _channels(CHANNELS.replace("webp}", "webp, quality: 50}")))
    after = _rows(store)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [(row.shot, row.profile) for row in changed] == [("hero", "small"), ("wide", "small")]
    assert sorted(_made(store.puts)) == sorted(row.object_key for row in changed)


def test_a_renamed_profile_stores_nothing_anew(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    store.forget()
    report, count = refresh_renditions(store, _channels(CHANNELS.replace("small", "tiny")))
    assert (report.stored, count) == (0, 6)
    assert _made(store.puts) == []


def test_a_picture_that_was_bought_again_has_other_addresses(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    before = {(row.shot, row.profile): row.object_key for row in _rows(store)}
    store_masters(store, {**TWO, ("1", "hero"): draw_product("olive")}, take=1)
    refresh_renditions(store, _channels())
    after = {(row.shot, row.profile): row.object_key for row in _rows(store)}
    assert {who for who in before if before[who] != after[who]} == {
        ("hero", name) for name in ("big", "bigger", "small", "thumb_400")
    }
    assert set(before.values()) <= set(store.list_keys("publishing/"))


def test_what_leaves_the_manifest_or_the_channels_leaves_the_table_alone(
    store: CountingStore,
) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    stored = set(store.list_keys("publishing/"))
    store_masters(store, {("1", "wide"): TWO["1", "wide"]})
    _, count = refresh_renditions(store, _channels())
    assert count == 2
    store_masters(store, {})
    assert refresh_renditions(store, _channels())[1] == 0
    assert set(store.list_keys("publishing/")) == stored


def test_a_lost_table_is_made_anew_and_no_file_is_stored_twice(store: CountingStore) -> None:
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    before = _rows(store)
    for damaged in (b"", b"no table", store.get(RENDITIONS_KEY).data[:-9]):
        store.put(RENDITIONS_KEY, damaged, content_type="x")
        store.forget()
        report, _ = refresh_renditions(store, _channels())
        assert report.stored == 0
        assert _made(store.puts) == []
        assert _rows(store) == before


def test_what_another_encoder_stored_stays_and_is_measured_as_it_is(store: CountingStore) -> None:
    store_masters(store, {("1", "wide"): TWO["1", "wide"]})
    refresh_renditions(store, _channels())
    row = _rows(store)[0]
    theirs = store.get(_rows(store)[1].object_key).data
    store.put(row.object_key, theirs, content_type="image/webp")
    store.put(RENDITIONS_KEY, b"", content_type="x")
    refresh_renditions(store, _channels())
    found = _rows(store)[0]
    assert store.get(row.object_key).data == theirs
    assert found.sha256 == hashlib.sha256(theirs).hexdigest()
    assert (found.width_px, found.size_bytes) == (200, len(theirs))


def test_a_missing_and_a_damaged_master_are_named_and_the_others_go_on(
    store: CountingStore,
) -> None:
    pictures = {(name, "wide"): draw_product() for name in ("gone", "changed", "cut", "whole")}
    pictures["cut", "wide"] = draw_product("red")[:200]
    records = store_masters(store, pictures)
    store.delete(records["gone", "wide"].object_key)
    store.put(records["changed", "wide"].object_key, draw_product("red"), content_type="image/png")
    report, count = refresh_renditions(store, _channels())
    told = {problem.product_id: problem.problem for problem in report.problems}
    assert set(told) == {"gone", "changed", "cut"}
    assert "is not in the store" in told["gone"]
    assert "not those that were stored" in told["changed"]
    assert records["cut", "wide"].object_key in told["cut"]
    assert count == 2
    store.put(records["changed", "wide"].object_key, draw_product(), content_type="image/png")
    assert refresh_renditions(store, _channels())[1] == 4


def test_a_store_that_fails_fails_the_run_and_what_was_made_is_found_again(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_masters(store, TWO)
    with monkeypatch.context() as broken:

        def fail(key: str, *_: object, **__: object) -> str:
            raise StoreError(key, "write", "the disk is full")

        broken.setattr(store, "put", fail)
        with pytest.raises(StoreError, match="the disk is full"):
            refresh_renditions(store, _channels())
    assert refresh_renditions(store, _channels())[1] == 6


def test_two_runs_at_once_leave_one_table_with_all_rows(store: CountingStore) -> None:
    store_masters(store, TWO)
    channels = _channels()
    put = store.put
    is_first = True

    def come_second(key: str, *rest: object, **more: object) -> str:
        nonlocal is_first
        if key == RENDITIONS_KEY and is_first:
            is_first = False
            refresh_renditions(store, channels)
            raise ConditionFailedError(key, "write", "another was first")
        return put(key, *rest, **more)  # type: ignore[arg-type]

    store.put = come_second  # type: ignore[method-assign]
    _, count = refresh_renditions(store, channels)
    assert count == len(_rows(store)) == 6


def test_rows_of_pictures_that_came_while_a_run_rendered_stay(store: CountingStore) -> None:
    store_masters(store, TWO)
    channels = _channels()
    get = store.get
    is_first = True

    def come_between(key: str) -> ObjectBody:
        nonlocal is_first
        if is_first and key.startswith("images/"):
            is_first = False
            store_masters(store, {**TWO, ("2", "hero"): draw_product("olive")})
            refresh_renditions(store, channels)
        return get(key)

    store.get = come_between  # type: ignore[method-assign]
    _, count = refresh_renditions(store, channels)
    assert not is_first
    assert {row.product_id for row in _rows(store)} == {"1", "2"}
    assert count == len(_rows(store))


def test_a_put_that_loses_to_one_that_never_ends_is_made_again(store: CountingStore) -> None:
    store_masters(store, TWO)
    put = store.put
    lost: set[str] = set()

    def lose_first(key: str, *rest: object, **more: object) -> str:
        if key.startswith("publishing/") and key not in lost:
            lost.add(key)
            raise ConditionFailedError(key, "write", "another put is under way")
        return put(key, *rest, **more)  # type: ignore[arg-type]

    store.put = lose_first  # type: ignore[method-assign]
    report, count = refresh_renditions(store, _channels())
    assert (report.stored, report.problems, count) == (5, [], 6)
    assert set(store.list_keys("publishing/")) == lost


def test_eight_runs_at_once_store_each_file_once_and_leave_one_table(
    store: CountingStore,
) -> None:
    store_masters(store, TWO)
    channels = _channels()
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: refresh_renditions(store, channels), range(8)))
    assert {count for _, count in runs} == {6}
    assert sum(report.stored for report, _ in runs) == 5
    assert sorted(_made(store.puts)) == sorted(store.list_keys("publishing/"))
    assert len(_rows(store)) == 6


def test_no_more_than_twice_the_threads_are_held(store: CountingStore) -> None:
    records = store_masters(store, {(str(n), "wide"): draw_product() for n in range(9)})
    manifest = open_manifest(store)
    assert manifest is not None
    masters = find_missing(manifest, None, _channels())
    assert len(masters) == len(records)
    taken: list[Master] = []
    held: list[int] = []
    get = store.get

    def watch(key: str) -> object:
        held.append(len(taken))
        return get(key)

    store.get = watch  # type: ignore[method-assign,assignment]

    def take() -> object:
        for master in masters:
            taken.append(master)
            yield master

    frame, report = make_renditions(store, take(), _channels(), threads=1)  # type: ignore[arg-type]
    assert report.masters == 9
    assert len(frame) == 18
    assert held[0] <= 3


def test_many_pictures_are_noted_in_parts_and_how_many_are_done_is_told(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renditions, "_MASTERS_BETWEEN_MERGES", 2)
    store_masters(store, {(str(n), "wide"): draw_product() for n in range(5)})
    told: list[tuple[int, int]] = []
    report, count = refresh_renditions(store, _channels(), lambda done, of: told.append((done, of)))
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert (report.masters, count) == (5, 10)
    assert store.puts.count(RENDITIONS_KEY) == 3


def test_without_a_manifest_there_is_nothing_to_make(store: CountingStore) -> None:
    assert refresh_renditions(store, _channels()) == (RenditionReport(), 0)
    assert store.puts == []


def test_the_table_has_its_types_however_many_rows_it_has(store: CountingStore) -> None:
    store_masters(store, {})
    refresh_renditions(store, _channels())
    types = {name: str(kind) for name, kind in _read_types(store).items()}
    store_masters(store, TWO)
    refresh_renditions(store, _channels())
    assert {name: str(kind) for name, kind in _read_types(store).items()} == types
    assert tuple(types) == tuple(COLUMNS)


def _read_types(store: ObjectStore) -> "dict[str, object]":
    table = open_renditions(store)
    assert table is not None
    return {str(name): kind for name, kind in table.read().dtypes.items()}


def test_a_report_is_the_same_after_it_was_written() -> None:
    report = RenditionReport(masters=2, stored=1, stored_bytes=5)
    assert RenditionReport.from_json(report.to_json()) == report


def test_no_shop_is_called_as_the_folder_of_what_is_published() -> None:
    with pytest.raises(ValueError, match="folder of the store"):
        check_shop("publishing")
