"""A manifest in parts, and its CSV in as many files: written only where they change."""

import csv
import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from flux_assets.errors import StoreError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.product_names import NAMED
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.stored import (
    MANIFEST_CSV_KEY,
    MANIFEST_KEY,
    StoredManifest,
    open_manifest,
    read_manifest,
)
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.frames import build_frame
from flux_assets.storage.object_store import ObjectStore
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.records import ask, make_lineage, make_request

IDS = ("00123", "1e5", "N-7", "N-9", "JWL.7/01")
REQUESTS = [make_request(product_id, shot) for product_id in IDS for shot in ("wide", "hero")]
BUCKETS = sorted({bucket_of(it) for it in IDS})


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path, public_url="https://cdn.example"))


def refresh(
    store: ObjectStore,
    requests: Iterable[ImageRequest] = REQUESTS,
    *,
    unstored: Iterable[ImageRequest] = (),
    names: pd.DataFrame | None = None,
    in_parts: bool = True,
) -> StoredManifest:
    """The manifest of these, of which all but some have a picture."""
    lacking = {it.fingerprint for it in unstored}
    known = {it.fingerprint: it for it in requests if it.fingerprint not in lacking}

    def read(wanted: list[RequestIdentity]) -> dict[str, LineageRecord]:
        found = [known[it.fingerprint] for it in wanted if it.fingerprint in known]
        return {it.fingerprint: make_lineage(it) for it in found}

    return refresh_manifest(store, ask(*requests), read, names=names, in_parts=in_parts)


def change(*product_ids: str) -> list[ImageRequest]:
    """The same requests, but that these products' have another prompt."""
    return [
        make_request(*owner, prompt="Another" if owner[0] in product_ids else "A chair")
        for owner in ((it.product_id, it.shot) for it in REQUESTS)
    ]


def watch(store: HookedStore) -> Callable[[], set[str]]:
    """What gives the names of all that is put from now on, and then from then on."""
    puts: list[str] = []
    store.before = lambda operation, key: puts.append(key) if operation == "put" else None

    def take() -> set[str]:
        taken = {f"{key.split('/')[-2]}/{key.split('/')[-1][:2]}" for key in puts}
        puts.clear()
        return taken

    return take


def written_for(*product_ids: str) -> set[str]:
    """The index and its CSV, and each product's part and CSV."""
    buckets = map(bucket_of, product_ids)
    return {"tables/im", *(f"image_manifest/{bucket}" for bucket in buckets)}


def csv_rows(store: ObjectStore) -> list[dict[str, str]]:
    """As who reads all files of the folder reads them."""
    texts = [store.get(key).data.decode() for key in store.list_keys("tables/image_manifest/")]
    return [row for text in texts for row in csv.DictReader(io.StringIO(text, newline=""))]


def csv_index(store: ObjectStore) -> list[list[str]]:
    text = store.get(MANIFEST_CSV_KEY).data.decode()
    return list(csv.reader(io.StringIO(text, newline="")))


def assert_csv_says(store: ObjectStore) -> None:
    """The files say what the manifest says, and are listed."""
    manifest = open_manifest(store)
    assert manifest
    names = ["product_id", "shot", "request_fingerprint", "stale"]
    rows = manifest.read(names).astype({"stale": "str"})
    said = [[row[name].removeprefix("'") for name in names] for row in csv_rows(store)]
    assert sorted(said) == sorted(rows.to_numpy().tolist())
    assert csv_index(store) == [
        ["bucket", "key", "rows"],
        *(
            [part.bucket, f"tables/image_manifest/{part.bucket}.csv", str(part.rows)]
            for part in manifest.read_parts()
        ),
    ]


def test_it_has_the_rows_of_a_whole_one_by_bucket_then_product_and_shot(
    store: HookedStore, tmp_path: Path
) -> None:
    whole = refresh(DirectoryStore(tmp_path / "whole"), in_parts=False).read(["product_id", "shot"])
    found = refresh(store).read(["product_id", "shot"])
    order = sorted(whole.itertuples(index=False, name=None), key=lambda it: (bucket_of(it[0]), it))
    assert list(found.itertuples(index=False, name=None)) == order
    assert_csv_says(store)


def test_only_what_changed_is_written(store: HookedStore) -> None:
    refresh(store)
    take = watch(store)
    refresh(store)
    assert take() == set()
    refresh(store, change("1e5"))
    assert take() == written_for("1e5")
    refresh(store, unstored=REQUESTS[2:3])
    assert take() == written_for("1e5"), "one picture is stale now"
    assert_csv_says(store)


@pytest.mark.parametrize("asked", REQUESTS, ids=lambda it: f"{it.product_id} {it.shot}")
def test_just_the_picture_that_is_not_stored_is_stale(
    store: HookedStore, asked: ImageRequest
) -> None:
    refresh(store, change(asked.product_id))
    rows = refresh(store, unstored=[asked]).read(["product_id", "shot", "stale"])
    stale = rows[rows["stale"]][["product_id", "shot"]]
    assert stale.to_numpy().tolist() == [[asked.product_id, asked.shot]]


def test_a_renamed_product_writes_its_part_only(store: HookedStore) -> None:
    names = build_frame([(it, f"Title {it}", "Chairs") for it in IDS], NAMED, numbers=())
    refresh(store, names=names)
    take = watch(store)
    refresh(store, names=names)
    assert take() == set()
    renamed = names.assign(title=names["title"].where(names["product_id"] != "N-7", "Armchair"))
    assert "Armchair" in refresh(store, names=renamed).read(["title"])["title"].tolist()
    assert take() == written_for("N-7")


def test_another_public_address_writes_all(store: HookedStore, tmp_path: Path) -> None:
    refresh(store)
    moved = HookedStore(DirectoryStore(tmp_path, public_url="https://other.example"))
    take = watch(moved)
    urls = refresh(moved).read(["url"])["url"]
    assert urls.str.startswith("https://other.example/").all()
    assert take() == written_for(*IDS)


def test_moving_to_parts_and_back_leaves_no_csv_of_before(store: HookedStore) -> None:
    whole = refresh(store, in_parts=False)
    data, text = store.get(MANIFEST_KEY).data, store.get(MANIFEST_CSV_KEY).data
    assert csv_rows(store) == []
    assert refresh(store).is_in_parts
    assert_csv_says(store)
    assert refresh(store, in_parts=False).table.data == whole.table.data == data
    assert store.get(MANIFEST_CSV_KEY).data == text
    assert csv_rows(store) == [], "who reads the folder must not take these for today's"
    refresh(store)
    assert_csv_says(store)


def test_a_bucket_that_has_no_product_any_more_has_no_row_in_its_csv(store: HookedStore) -> None:
    refresh(store)
    refresh(store, REQUESTS[2:])
    assert "00123" not in {row["product_id"].removeprefix("'") for row in csv_rows(store)}
    assert_csv_says(store)


@pytest.mark.parametrize("lost", [MANIFEST_CSV_KEY, f"tables/image_manifest/{BUCKETS[1]}.csv"])
def test_a_csv_whose_writer_was_killed_is_written_by_the_next(
    store: HookedStore, lost: str
) -> None:
    class Killed(BaseException):
        pass

    def kill(operation: str, key: str) -> None:
        if operation == "put" and key == lost:
            raise Killed

    refresh(store)
    store.before = kill
    changed = change(*IDS)
    with pytest.raises(Killed):
        refresh(store, changed)
    store.before = lambda _operation, _key: None
    refresh(store, changed)
    assert_csv_says(store)


class _SlowCsv(DirectoryStore):
    """Another writer writes a whole manifest before this one's first CSV of a part."""

    def __init__(self, root: Path, other: Callable[[], object]) -> None:
        super().__init__(root, public_url="https://cdn.example")
        self._others = [other]

    def put(self, key: str, *arguments: Any, **keywords: Any) -> str:  # noqa: ANN401 - as put takes
        if key == f"tables/image_manifest/{bucket_of('1e5')}.csv" and self._others:
            self._others.pop()()
        return super().put(key, *arguments, **keywords)


@pytest.mark.parametrize("in_parts", [True, False])
def test_the_csv_files_of_a_slow_writer_do_not_outlive_the_manifest(
    store: HookedStore, tmp_path: Path, *, in_parts: bool
) -> None:
    refresh(_SlowCsv(tmp_path, lambda: refresh(store, change("1e5"), in_parts=in_parts)))
    latest = read_manifest(store)
    assert latest is not None
    assert "Another" in set(latest["prompt"])
    if in_parts:
        assert_csv_says(store)
    else:
        assert csv_rows(store) == []
        assert len(store.get(MANIFEST_CSV_KEY).data.splitlines()) == 1 + len(REQUESTS)


def test_a_damaged_part_is_named_with_what_to_do(store: HookedStore, tmp_path: Path) -> None:
    part = refresh(store).read_parts()[0]
    (tmp_path / part.key).unlink()
    store = HookedStore(DirectoryStore(tmp_path))  # of a process that has not read it before
    told = (
        f"could not read {tmp_path}/{MANIFEST_KEY}: it is damaged (its part {tmp_path}/{part.key} "
        "is missing); `flux-assets verify --repair` builds it again from the ledger"
    )
    for touch in (lambda: read_manifest(store), lambda: refresh(store)):
        with pytest.raises(StoreError) as caught:
            touch()
        assert str(caught.value) == told
