import csv
import io
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pandas as pd
import pytest

from flux_assets.errors import StoreError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.product_names import NAMED
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.rows import build_manifest
from flux_assets.manifest.stored import (
    MANIFEST_CSV_KEY,
    MANIFEST_KEY,
    StoredManifest,
    read_manifest,
)
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.frames import build_frame
from flux_assets.storage.parquet import StoredTable, read_parquet, write_parquet
from flux_assets_tests.fixtures.records import ask, identify, make_lineage, make_request

CHAIR, LAMP = make_request("00123"), make_request("1e5")
CHANGED_CHAIR = make_request("00123", prompt="A better chair")

ReadLineage = Callable[[list[RequestIdentity]], Mapping[str, LineageRecord]]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path, public_url="https://cdn.example")


class Ledger:
    """What is stored, and which requests were asked for."""

    def __init__(self, *stored: ImageRequest) -> None:
        self.stored = {request.fingerprint: make_lineage(request) for request in stored}
        self.asked: list[RequestIdentity] = []

    def __call__(self, wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        self.asked += wanted
        return {
            item.fingerprint: self.stored[item.fingerprint]
            for item in wanted
            if item.fingerprint in self.stored
        }


def _build(
    store: DirectoryStore,
    requests: Iterable[ImageRequest],
    previous: pd.DataFrame | None = None,
    *,
    stored: Iterable[ImageRequest] = (),
) -> pd.DataFrame:
    return build_manifest(
        ask(*requests),
        previous=None if previous is None else _store(previous),
        read_lineage=Ledger(*stored),
        store=store,
    ).read()


def _name(*names: tuple[str, str, str]) -> pd.DataFrame:
    return build_frame(names, NAMED, numbers=())


def _store(manifest: pd.DataFrame) -> StoredTable:
    return StoredTable(write_parquet(manifest))


def _write_csv(manifest: pd.DataFrame) -> bytes:
    return b"".join(StoredManifest(_store(manifest), uri="", etag="").write_csv())


def _rows(manifest: pd.DataFrame) -> list[tuple[str, str, str, bool]]:
    """Each row's product, shot, fingerprint and staleness."""
    names = ["product_id", "shot", "request_fingerprint", "stale"]
    return list(manifest[names].itertuples(index=False, name=None))


def _row(request: ImageRequest, *, stale: bool = False) -> tuple[str, str, str, bool]:
    return (request.product_id, request.shot, request.fingerprint, stale)


def test_a_manifest_is_built_from_the_ledger_alone(store: DirectoryStore) -> None:
    manifest = _build(store, [LAMP, CHAIR], stored=[CHAIR, LAMP])
    assert _rows(manifest) == [_row(CHAIR), _row(LAMP)]
    chair = manifest.iloc[0]
    assert chair["object_uri"] == store.uri_for(chair["object_key"])
    assert chair["url"] == f"https://cdn.example/{chair['object_key']}"
    assert (chair["seed"], chair["prompt"], chair["uuid"]) == (
        CHAIR.seed,
        "A chair",
        f"uuid of {CHAIR.fingerprint[:8]}",
    )


def test_an_unchanged_row_is_taken_over_and_not_asked_for(store: DirectoryStore) -> None:
    previous = _build(store, [CHAIR], stored=[CHAIR])
    ledger = Ledger(CHAIR, LAMP)
    identities = ask(CHAIR, LAMP)
    manifest = build_manifest(
        identities, previous=_store(previous), read_lineage=ledger, store=store
    ).read()
    assert ledger.asked == [identify(LAMP)]
    assert _rows(manifest) == [_row(CHAIR), _row(LAMP)]
    pd.testing.assert_frame_equal(manifest.iloc[:1], previous)


def test_a_changed_picture_replaces_the_row(store: DirectoryStore) -> None:
    previous = _build(store, [CHAIR], stored=[CHAIR])
    manifest = _build(store, [CHANGED_CHAIR], previous, stored=[CHANGED_CHAIR])
    assert _rows(manifest) == [_row(CHANGED_CHAIR)]
    assert manifest["prompt"].tolist() == ["A better chair"]


def test_a_row_whose_picture_was_bought_once_more_is_read_again(store: DirectoryStore) -> None:
    both = [CHAIR, LAMP]
    previous = _build(store, both, stored=both)
    again = Ledger(CHAIR, LAMP)
    again.stored[CHAIR.fingerprint] = make_lineage(CHAIR, uuid="another call")
    for ledger, uuid, stale in ((again, "another call", False), (Ledger(LAMP), None, True)):
        manifest = build_manifest(
            ask(*both),
            previous=_store(previous),
            read_lineage=ledger,
            store=store,
            changed={CHAIR.fingerprint},
        ).read()
        assert _rows(manifest) == [_row(CHAIR, stale=stale), _row(LAMP)]
        assert ledger.asked == [identify(CHAIR)]
        assert manifest["uuid"][0] == (uuid or previous["uuid"][0])


def test_the_last_picture_stays_as_stale_until_its_successor_is_stored(
    store: DirectoryStore,
) -> None:
    current = _build(store, [CHAIR, LAMP], stored=[CHAIR, LAMP])
    stale = _build(store, [CHANGED_CHAIR, LAMP], current)
    assert _rows(stale) == [_row(CHAIR, stale=True), _row(LAMP)]
    still = _build(store, [make_request("00123", prompt="A third chair"), LAMP], stale)
    assert _rows(still) == [_row(CHAIR, stale=True), _row(LAMP)]
    replaced = _build(store, [CHANGED_CHAIR, LAMP], still, stored=[CHANGED_CHAIR])
    assert _rows(replaced) == [_row(CHANGED_CHAIR), _row(LAMP)]


def test_a_request_that_returns_to_an_earlier_one_has_its_earlier_picture(
    store: DirectoryStore,
) -> None:
    both = [CHAIR, CHANGED_CHAIR]
    current = _build(store, [CHAIR], stored=both)
    changed = _build(store, [CHANGED_CHAIR], current, stored=both)
    assert _rows(_build(store, [CHAIR], changed, stored=both)) == [_row(CHAIR)]
    stale = _build(store, [CHANGED_CHAIR], current)
    assert _rows(_build(store, [CHAIR], stale)) == [_row(CHAIR)]


def test_a_request_that_cannot_be_made_keeps_the_last_picture_as_stale(
    store: DirectoryStore,
) -> None:
    current = _build(store, [CHAIR, LAMP], stored=[CHAIR, LAMP])
    ledger = Ledger()
    manifest = build_manifest(
        ask(RequestIdentity("00123", "hero", ""), LAMP),
        previous=_store(current),
        read_lineage=ledger,
        store=store,
    ).read()
    assert _rows(manifest) == [_row(CHAIR, stale=True), _row(LAMP)]
    assert ledger.asked == []


def test_a_product_without_any_picture_has_no_row(store: DirectoryStore) -> None:
    assert _rows(_build(store, [CHAIR, LAMP], stored=[LAMP])) == [_row(LAMP)]


def test_a_product_or_shot_that_is_gone_has_no_row_any_more(store: DirectoryStore) -> None:
    wide = make_request("00123", "wide")
    previous = _build(store, [CHAIR, wide, LAMP], stored=[CHAIR, wide, LAMP])
    assert _rows(_build(store, [CHAIR], previous)) == [_row(CHAIR)]
    assert _rows(_build(store, [], previous)) == []


def test_product_ids_that_look_like_numbers_stay_text(store: DirectoryStore) -> None:
    ids = ["007", "1e5", "1.0", "-3", "0x1F", "NaN", "None"]
    requests = [make_request(product_id) for product_id in ids]
    previous = read_parquet(write_parquet(_build(store, requests[:3], stored=requests)))
    manifest = read_parquet(write_parquet(_build(store, requests, previous, stored=requests)))
    assert sorted(manifest["product_id"]) == sorted(ids)
    cells = list(csv.DictReader(io.StringIO(_write_csv(manifest).decode())))
    assert {row["product_id"].removeprefix("'") for row in cells} == set(ids)


def test_every_column_keeps_its_type_whatever_rows_there_are(store: DirectoryStore) -> None:
    largest = make_request("00123", seed=2**32 - 1)
    whole = _build(store, [largest, LAMP], stored=[largest, LAMP])
    types = whole.dtypes.to_dict()
    assert str(types["seed"]) == "int64"
    assert str(types["stale"]) == "bool"
    empty = _build(store, [])
    tables = {
        "empty": empty,
        "after an empty one": _build(store, [largest], empty, stored=[largest]),
        "one new": _build(store, [largest, LAMP], whole.iloc[:1], stored=[LAMP]),
        "none left": _build(store, [], whole),
        "stale": _build(store, [make_request("00123", prompt="x")], whole),
    }
    for name, table in tables.items():
        assert table.dtypes.to_dict() == types, name
        assert read_parquet(write_parquet(table)).dtypes.to_dict() == types, name
    assert tables["one new"]["seed"].tolist() == [2**32 - 1, LAMP.seed]


def _refresh(store: DirectoryStore, request: ImageRequest, read: ReadLineage) -> pd.DataFrame:
    return refresh_manifest(store, ask(CHAIR, request), read).read()


def test_a_refreshed_manifest_lies_in_the_store_as_parquet_and_csv(store: DirectoryStore) -> None:
    manifest = _refresh(store, LAMP, Ledger(CHAIR, LAMP))
    pd.testing.assert_frame_equal(read_parquet(store.get(MANIFEST_KEY).data), manifest)
    assert store.get(MANIFEST_CSV_KEY).data == _write_csv(manifest)
    ledger = Ledger()
    pd.testing.assert_frame_equal(_refresh(store, LAMP, ledger), manifest)
    assert ledger.asked == []


def test_an_unchanged_manifest_is_not_written_again(store: DirectoryStore) -> None:
    _refresh(store, LAMP, Ledger(CHAIR, LAMP))
    before = list(store.list(""))
    _refresh(store, LAMP, Ledger())
    assert list(store.list("")) == before


@pytest.mark.parametrize("data", [b"PAR1", write_parquet(pd.DataFrame({"seed": [1]}))], ids=len)
def test_what_is_no_manifest_is_told_with_what_to_do(store: DirectoryStore, data: bytes) -> None:
    store.put(MANIFEST_KEY, data, content_type="")
    with pytest.raises(StoreError, match="verify --repair"):
        read_manifest(store)
    with pytest.raises(StoreError, match="verify --repair"):
        _refresh(store, LAMP, Ledger(LAMP))
    assert store.get(MANIFEST_KEY).data == data


def test_a_manifest_whose_writer_was_killed_before_its_csv_is_written_again(
    store: DirectoryStore,
) -> None:
    manifest = _refresh(store, LAMP, Ledger(CHAIR, LAMP))
    store.put(MANIFEST_CSV_KEY, b"of an earlier one", content_type="text/csv")
    store.put(MANIFEST_KEY, store.get(MANIFEST_KEY).data, content_type="")
    _refresh(store, LAMP, Ledger())
    assert store.get(MANIFEST_CSV_KEY).data == _write_csv(manifest)


class _SlowCsv(DirectoryStore):
    """Another writer writes a whole manifest before this one's first CSV."""

    def __init__(self, root: Path, other: Callable[[], object]) -> None:
        super().__init__(root, public_url="https://cdn.example")
        self._others = [other]

    def put(self, key: str, *arguments: Any, **keywords: Any) -> str:  # noqa: ANN401 - as put takes
        if key == MANIFEST_CSV_KEY and self._others:
            self._others.pop()()
        return super().put(key, *arguments, **keywords)


def test_the_csv_of_a_slow_writer_does_not_outlive_the_manifest(
    store: DirectoryStore, tmp_path: Path
) -> None:
    slow = _SlowCsv(tmp_path, lambda: _refresh(store, LAMP, Ledger(CHAIR, LAMP)))
    _refresh(slow, CHAIR, Ledger(CHAIR))
    latest = read_parquet(store.get(MANIFEST_KEY).data)
    assert _rows(latest) == [_row(CHAIR), _row(LAMP)]
    assert store.get(MANIFEST_CSV_KEY).data == _write_csv(latest)


@pytest.mark.parametrize("exists", [False, True])
def test_two_writers_at_once_lose_nothing(store: DirectoryStore, *, exists: bool) -> None:
    """Each has read the same previous manifest; the later one builds on what the other wrote."""
    if exists:
        _refresh(store, CHAIR, Ledger(CHAIR))
    both_have_read = Barrier(2)
    asked: list[list[RequestIdentity]] = []

    def write() -> None:
        tries = 0

        def read(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
            nonlocal tries
            tries += 1
            if tries == 1:
                both_have_read.wait(timeout=30)
            asked.append(wanted)
            return Ledger(CHAIR, LAMP)(wanted)

        _refresh(store, LAMP, read)

    writers = [Thread(target=write) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(asked) == 3, "one of the two had to try again"
    assert asked[-1] == [], "the second try found the other's rows"
    assert _rows(read_parquet(store.get(MANIFEST_KEY).data)) == [_row(CHAIR), _row(LAMP)]


def test_a_writer_that_is_always_overtaken_gives_up(store: DirectoryStore) -> None:
    others: list[ImageRequest] = []

    def overtake(_: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        others.append(make_request(str(len(others))))
        manifest = _build(store, others, stored=others)
        store.put(MANIFEST_KEY, write_parquet(manifest), content_type="")
        return {}

    with pytest.raises(StoreError, match="other writers always came first"):
        _refresh(store, LAMP, overtake)
    assert _rows(read_parquet(store.get(MANIFEST_KEY).data)) == [_row(other) for other in others]


def test_a_manifest_of_a_release_without_photos_is_taken_over_unread(
    store: DirectoryStore,
) -> None:
    whole = _build(store, [CHAIR, LAMP], stored=[CHAIR, LAMP])
    added = ["shot_mode", "source_uri", "source_sha256", "asset_key", "recognition"]
    older = whole.drop(columns=[*added, "digital_source_type"])
    store.put(MANIFEST_KEY, write_parquet(older), content_type="application/octet-stream")
    asked: list[RequestIdentity] = []

    def read_lineage(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        asked.extend(wanted)
        return {}

    manifest = refresh_manifest(store, ask(CHAIR, LAMP), read_lineage).read()

    assert asked == []
    pd.testing.assert_frame_equal(manifest, whole)


def test_a_manifest_of_an_older_release_is_read_again_from_the_ledger(
    store: DirectoryStore,
) -> None:
    older = _build(store, [CHAIR, LAMP], stored=[CHAIR, LAMP]).drop(columns=["output_format"])
    store.put(MANIFEST_KEY, write_parquet(older), content_type="application/octet-stream")
    ledger = Ledger(CHAIR, LAMP)
    manifest = refresh_manifest(store, ask(CHANGED_CHAIR, LAMP), ledger).read()
    assert _rows(manifest) == [_row(CHAIR, stale=True), _row(LAMP)]
    assert manifest["output_format"].tolist() == ["png", "png"]


def test_a_products_name_is_brought_up_to_date_without_its_lineage(store: DirectoryStore) -> None:
    both = ask(CHAIR, LAMP)
    names = _name(("00123", "Chair", "Seats"), ("1e5", "Lamp", ""))
    refresh_manifest(store, both, Ledger(CHAIR, LAMP), names=names)
    ledger = Ledger()
    renamed = _name(("00123", "Armchair", "Seats"))
    manifest = refresh_manifest(store, both, ledger, names=renamed)
    assert ledger.asked == []
    rows = list(manifest.read(NAMED).itertuples(index=False, name=None))
    assert rows == [("00123", "Armchair", "Seats"), ("1e5", "Lamp", "")]
    assert refresh_manifest(store, both, ledger, names=renamed).etag == manifest.etag


def test_a_new_row_beside_others_has_its_name_at_once(store: DirectoryStore) -> None:
    names = _name(("00123", "Chair", "Seats"), ("1e5", "Lamp", "Lights"))
    refresh_manifest(store, ask(LAMP), Ledger(LAMP), names=names)
    both = ask(CHAIR, LAMP)
    manifest = refresh_manifest(store, both, Ledger(CHAIR), names=names)
    assert manifest.read(("title",))["title"].tolist() == ["Chair", "Lamp"]


def test_rows_keep_their_order_and_the_name_of_a_product_that_is_not_named_now(
    store: DirectoryStore,
) -> None:
    names = _name(("00123", "Chair", "Seats"), ("1e5", "Lamp", "Lights"))
    both = ask(CHAIR, LAMP)
    before = refresh_manifest(store, both, Ledger(CHAIR, LAMP), names=names).read()
    after = refresh_manifest(store, both, Ledger(), names=_name()).read()
    pd.testing.assert_frame_equal(after, before)
