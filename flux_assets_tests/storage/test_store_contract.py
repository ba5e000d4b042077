import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, timedelta
from threading import Barrier

import pytest

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.object_store import ObjectStore, ledger_key, picture_key, rendition_key
from flux_assets_tests.fixtures.stores import EVERY_STORE

AWKWARD_IDS = ("..", ".hidden", "a/b", "50% off", "%2F", "a+b", "a b", "Größe 38", "🧦", "x" * 300)
RACERS = 16
pytestmark = EVERY_STORE
PICTURE = picture_key(shot="hero", product_id="a/b", fingerprint="f" * 64, extension="png")


def put_text(store: ObjectStore, key: str, text: str, *, if_match: str | None = None) -> str:
    return store.put(key, text.encode(), content_type="text/plain", if_match=if_match)


def race(attempt: Callable[[int], str]) -> list[int]:
    """Run the attempt on 16 threads at once; the numbers of those that did not lose."""
    start = Barrier(RACERS)

    def run(number: int) -> int | None:
        start.wait()
        try:
            attempt(number)
        except ConditionFailedError:
            return None
        return number

    with ThreadPoolExecutor(RACERS) as threads:
        return [one for one in threads.map(run, range(RACERS)) if one is not None]


def test_bytes_content_type_and_metadata_come_back(any_store: ObjectStore) -> None:
    metadata = {"uuid": "1-2-3", "seed": "42"}

    any_store.put("images/a.bin", b"\x00\xff", content_type="image/png", metadata=metadata)

    body = any_store.get("images/a.bin")
    assert body.data == b"\x00\xff"
    assert body.content_type == "image/png"
    assert body.metadata == metadata
    assert body.info == any_store.head("images/a.bin")
    assert (body.info.key, body.info.size_bytes) == ("images/a.bin", 2)
    assert body.info.modified_at.tzinfo is UTC


def test_an_object_without_metadata_has_none(any_store: ObjectStore) -> None:
    any_store.put("ledger/a.json", b"{}", content_type="application/json")

    body = any_store.get("ledger/a.json")

    assert body.content_type == "application/json"
    assert body.metadata == {}


def test_the_keys_of_awkward_product_ids_come_back_exactly(any_store: ObjectStore) -> None:
    keys = {
        picture_key(shot="hero", product_id=one, fingerprint="f" * 64, extension="png"): one
        for one in AWKWARD_IDS
    }
    for key, product_id in keys.items():
        put_text(any_store, key, product_id)

    assert {info.key for info in any_store.list("images/hero/")} == set(keys)
    assert {key: any_store.get(key).data.decode() for key in keys} == keys
    assert {any_store.head(key).key for key in keys} == set(keys)


def test_a_later_put_replaces_body_type_and_metadata(any_store: ObjectStore) -> None:
    any_store.put("a.json", b"old", content_type="text/plain", metadata={"old": "yes"})
    any_store.put("a.json", b"new", content_type="application/json")

    body = any_store.get("a.json")

    assert (body.data, body.content_type, body.metadata) == (b"new", "application/json", {})


def test_an_empty_object_is_an_object(any_store: ObjectStore) -> None:
    put_text(any_store, "empty", "")

    assert any_store.get("empty").data == b""
    assert [info.size_bytes for info in any_store.list("")] == [0]


@pytest.mark.parametrize(
    "sizes",
    [(), (0,), (3, 0, 2), (5 * 2**20, 3 * 2**20), (5 * 2**20,) * 2, (17 * 2**20, 1)],
    ids=str,
)
def test_a_body_given_in_parts_is_the_same_as_a_whole_one(
    any_store: ObjectStore, sizes: tuple[int, ...]
) -> None:
    parts = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    etags = [
        any_store.put(key, data, content_type="text/csv")
        for key, data in (("parts.csv", iter(parts)), ("whole.csv", b"".join(parts)))
    ]

    body = any_store.get("parts.csv")
    assert body.data == b"".join(parts)
    assert body.content_type == "text/csv"
    assert etags == [body.info.etag] * 2


def test_parts_that_break_off_leave_the_object_as_it_was(any_store: ObjectStore) -> None:
    def break_off() -> Iterator[bytes]:
        yield bytes(9 * 2**20)
        yield bytes(9 * 2**20)
        raise ZeroDivisionError

    put_text(any_store, "a.csv", "whole")

    with pytest.raises(ZeroDivisionError):
        any_store.put("a.csv", break_off(), content_type="text/csv")

    assert any_store.get("a.csv").data == b"whole"
    assert [info.key for info in any_store.list("")] == ["a.csv"]


@pytest.mark.parametrize("key", ["absent", "folder", "folder/a/b"])
def test_an_absent_object_is_not_found(any_store: ObjectStore, key: str) -> None:
    put_text(any_store, "folder/a", "here")

    with pytest.raises(ObjectNotFoundError, match=key):
        any_store.get(key)
    with pytest.raises(ObjectNotFoundError, match=key):
        any_store.head(key)


def test_one_of_many_creators_wins_and_its_bytes_and_metadata_stay(any_store: ObjectStore) -> None:
    def create(number: int) -> str:
        return any_store.put(
            "ledger/a.json",
            f"entry {number}".encode(),
            content_type=f"text/x-{number}",
            metadata={"writer": str(number)},
            if_absent=True,
        )

    winners = race(create)

    assert len(winners) == 1
    body = any_store.get("ledger/a.json")
    assert body.data == f"entry {winners[0]}".encode()
    assert body.content_type == f"text/x-{winners[0]}"
    assert body.metadata == {"writer": str(winners[0])}


def test_the_same_bytes_keep_the_first_creators_metadata(any_store: ObjectStore) -> None:
    any_store.put("a", b"same", content_type="text/plain", metadata={"writer": "1"})

    with pytest.raises(ConditionFailedError):
        any_store.put(
            "a", b"same", content_type="text/plain", metadata={"writer": "2"}, if_absent=True
        )

    assert any_store.get("a").metadata == {"writer": "1"}


def test_one_of_many_changers_wins(any_store: ObjectStore) -> None:
    etag = put_text(any_store, "ledger/a.json", "before")

    winners = race(
        lambda number: put_text(any_store, "ledger/a.json", f"after {number}", if_match=etag)
    )

    assert len(winners) == 1
    assert any_store.get("ledger/a.json").data == f"after {winners[0]}".encode()


def test_a_stale_etag_changes_nothing(any_store: ObjectStore) -> None:
    stale = put_text(any_store, "a", "first")
    put_text(any_store, "a", "second", if_match=stale)

    with pytest.raises(ConditionFailedError):
        put_text(any_store, "a", "third", if_match=stale)

    assert any_store.get("a").data == b"second"


def test_an_absent_object_matches_no_etag(any_store: ObjectStore) -> None:
    etag = put_text(any_store, "a", "here")

    with pytest.raises(ConditionFailedError):
        put_text(any_store, "b", "there", if_match=etag)

    assert [info.key for info in any_store.list("")] == ["a"]


@pytest.mark.parametrize("source", ["put", "head", "get"])
def test_an_etag_is_the_same_from_wherever_it_comes(any_store: ObjectStore, source: str) -> None:
    etags = {"put": put_text(any_store, "a", "first")}
    etags["head"] = any_store.head("a").etag
    etags["get"] = any_store.get("a").info.etag

    changed = put_text(any_store, "a", "second", if_match=etags[source])

    assert len(set(etags.values())) == 1
    assert changed == any_store.head("a").etag != etags[source]


def test_a_listing_gives_every_object_under_a_prefix_that_may_end_anywhere(
    any_store: ObjectStore,
) -> None:
    for key in ("images/hero/a", "images/hero/b", "images/hero_2/a", "images/table/a", "ledger/a"):
        put_text(any_store, key, key)

    def keys(prefix: str) -> list[str]:
        found = sorted(info.key for info in any_store.list(prefix))
        assert sorted(any_store.list_keys(prefix)) == found
        return found

    assert keys("images/hero/") == ["images/hero/a", "images/hero/b"]
    assert keys("images/he") == ["images/hero/a", "images/hero/b", "images/hero_2/a"]
    assert keys("images/hero/b") == ["images/hero/b"]
    assert keys("l") == ["ledger/a"]
    assert len(keys("")) == 5
    assert keys("nothing/") == keys("images/hero/a/") == []


@pytest.mark.slow
@pytest.mark.parametrize("end", [pytest.param("", id="objects"), pytest.param("/a", id="folders")])
def test_a_listing_goes_on_after_the_first_thousand(any_store: ObjectStore, end: str) -> None:
    expected = {f"many/{number:04}{end}": 1 + number % 2 for number in range(1_001)}

    def put(key: str) -> None:
        put_text(any_store, key, "x" * expected[key])

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, expected))

    assert {info.key: info.size_bytes for info in any_store.list("many/")} == expected
    assert sorted(any_store.list_keys("many/")) == sorted(expected)
    assert sorted(any_store.list_keys("")) == sorted(expected)


def test_the_stores_clock_agrees_with_the_times_of_its_objects(any_store: ObjectStore) -> None:
    before = any_store.now()
    put_text(any_store, "a", "here")
    after = any_store.now()

    second = timedelta(seconds=1)  # S3 tells the time in whole ones
    (listed,) = any_store.list("a")
    assert before - second <= any_store.head("a").modified_at <= after + second
    assert before - second <= listed.modified_at <= after + second
    assert after.tzinfo is listed.modified_at.tzinfo is UTC


def test_a_large_object_is_whole_and_created_only_once(any_store: ObjectStore) -> None:
    data = b"".join(number.to_bytes(4) for number in range(9 * 1024 * 1024 // 4))

    def create(body: bytes) -> str:
        return any_store.put(
            "large.png", body, content_type="image/png", metadata={"seed": "1"}, if_absent=True
        )

    etag = create(data)
    with pytest.raises(ConditionFailedError):
        create(data[::-1])

    body = any_store.get("large.png")
    assert hashlib.sha256(body.data).digest() == hashlib.sha256(data).digest()
    assert (body.content_type, body.metadata) == ("image/png", {"seed": "1"})
    assert body.info.etag == etag


def test_an_error_names_the_object_and_what_was_attempted(any_store: ObjectStore) -> None:
    with pytest.raises(StoreError) as caught:
        any_store.get("ledger/a.json")

    assert caught.value.uri == any_store.uri_for("ledger/a.json")
    assert caught.value.attempted == "read"


def test_a_deleted_picture_is_gone_with_its_metadata_and_its_neighbours_stay(
    any_store: ObjectStore,
) -> None:
    neighbour = PICTURE.replace("f.png", "0.png")
    for key in (PICTURE, neighbour):
        any_store.put(key, b"first", content_type="image/png", metadata={"uuid": "1"})

    any_store.delete(PICTURE)

    with pytest.raises(ObjectNotFoundError):
        any_store.get(PICTURE)
    assert [info.key for info in any_store.list("")] == [neighbour]
    any_store.put(PICTURE, b"first", content_type="image/png", if_absent=True)
    assert any_store.get(PICTURE).metadata == {}
    assert any_store.get(neighbour).metadata == {"uuid": "1"}


@pytest.mark.parametrize("extension", ["jpg", "png", "webp", "avif"])
def test_a_rendition_can_be_deleted(any_store: ObjectStore, extension: str) -> None:
    names = {"product_id": "100 % größer", "shot": "hero", "extension": extension}
    keys = [rendition_key(rendition_id=digit * 32, **names) for digit in "ab"]
    for key in keys:
        any_store.put(key, b"here", content_type="x")
    any_store.delete(keys[0])
    any_store.delete(keys[0])
    assert [*any_store.list_keys("")] == keys[1:]


def test_deleting_what_is_not_there_is_nothing_wrong(any_store: ObjectStore) -> None:
    any_store.delete(PICTURE)
    put_text(any_store, PICTURE, "here")
    any_store.delete(PICTURE)
    any_store.delete(PICTURE)
    assert list(any_store.list("")) == []


@pytest.mark.parametrize(
    "key",
    [
        ledger_key("f" * 64),
        "images/notes.txt",
        "images/hero/1/",
        "images/hero/1/f.png",
        "images/hero/1/thumbs/" + "f" * 32 + ".png",
        "images/hero/1/" + "f" * 32,
        "photos/" + "f" * 64 + ".jpg",
        "store.json",
        "shop/" + PICTURE,
        "publishing/decisions/" + "f" * 2 + ".json",
        "publishing/decisions/log/2026-11-26/2026-11-26-" + "f" * 12 + ".json",
        "publishing/feeds/google/editions/000001.parquet",
        "publishing/feeds/google.tsv",
        "publishing/renditions/1/" + "f" * 32 + ".jpg",
        "publishing/renditions/1/hero/f.jpg",
        "publishing/renditions/1/hero/" + "f" * 32 + ".json",
        "publishing/renditions/1/hero/" + "F" * 32 + ".jpg",
        "publishing/renditions/1/hero/thumbs/" + "f" * 32 + ".jpg",
        "shop/publishing/renditions/1/hero/" + "f" * 32 + ".jpg",
        "tables/image_manifest.parquet",
        "tables/image_manifest/00.csv",
        "tables/parts/image_manifest/00.parquet",
        "tables/parts/image_manifest/00-" + "F" * 32 + ".parquet",
        "tables/parts/00-" + "f" * 32 + ".parquet",
        "shop/tables/parts/image_manifest/00-" + "f" * 32 + ".parquet",
    ],
)
def test_nothing_but_a_picture_can_be_deleted(any_store: ObjectStore, key: str) -> None:
    if not key.endswith("/"):
        put_text(any_store, key, "here")
    before = list(any_store.list(""))

    with pytest.raises(StoreError, match="it is no picture, and nothing else is ever deleted"):
        any_store.delete(key)

    assert list(any_store.list("")) == before
