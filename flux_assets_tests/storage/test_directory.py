import hashlib
import itertools
import multiprocessing
import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.storage.directory import DirectoryStore

PROJECT = Path(__file__).parents[2]
TEXT = "text/plain"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def start(target: Callable[..., None], *args: str | int) -> BaseProcess:
    process = multiprocessing.get_context("spawn").Process(target=target, args=args)
    process.start()
    return process


def files_in(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


# --- Keys and addresses ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "..", "a/../../b", "a//b", "a/", "./a", ".tmp/a", "a/.b", "a\0b"]
)
def test_no_key_leaves_the_root_or_hides(store: DirectoryStore, key: str) -> None:
    with pytest.raises(StoreError, match="no part of a key"):
        store.put(key, b"", content_type=TEXT)
    with pytest.raises(StoreError, match="no part of a key"):
        store.get(key)
    with pytest.raises(StoreError, match="no part of a key"):
        store.head(key)


@pytest.mark.parametrize("prefix", ["/", "../", "..", "a//", ".tmp/", "a/.."])
def test_no_prefix_leaves_the_root_or_lists_what_is_hidden(
    store: DirectoryStore, prefix: str
) -> None:
    with pytest.raises(StoreError, match="no part of a key"):
        list(store.list(prefix))


def test_links_are_followed_by_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    store.put("images/a", b"", content_type=TEXT)
    (Path(store.uri) / "images" / "link").symlink_to(outside / "secret")
    (Path(store.uri) / "linked").symlink_to(outside)

    assert [info.key for info in store.list("")] == ["images/a"]
    for read in (store.get, store.head, lambda prefix: list(store.list(f"{prefix}/"))):
        with pytest.raises(StoreError):
            read("linked/secret")
    with pytest.raises(StoreError):
        store.get("images/link")
    with pytest.raises(StoreError, match="symbolic link"):
        store.put("linked/new", b"", content_type=TEXT)
    assert files_in(outside) == ["secret"]


def test_an_object_has_a_path_and_where_a_base_is_given_a_quoted_url(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path, public_url="https://cdn.example.com/shop")

    assert store.uri == str(tmp_path)
    assert store.uri_for("images/a%2Eb") == f"{tmp_path}/images/a%2Eb"
    assert store.url_for("images/a%2Eb") == "https://cdn.example.com/shop/images/a%252Eb"
    assert DirectoryStore(tmp_path).url_for("images/a") is None


def test_a_relative_root_becomes_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)

    assert DirectoryStore(Path("store")).uri == str(tmp_path / "store")


def test_a_folder_cannot_become_an_object(store: DirectoryStore) -> None:
    store.put("images/a", b"", content_type=TEXT)

    with pytest.raises(StoreError, match="images"):
        store.put("images", b"", content_type=TEXT)
    with pytest.raises(StoreError, match="images/a/b"):
        store.put("images/a/b", b"", content_type=TEXT)


# --- What lies on the disk -------------------------------------------------------------------


def test_an_etag_is_the_bodys_sha256_but_a_listing_gives_none(store: DirectoryStore) -> None:
    etag = store.put("a", b"body", content_type=TEXT)

    assert etag == store.head("a").etag == hashlib.sha256(b"body").hexdigest()
    assert [info.etag for info in store.list("")] == [""]


def test_a_listing_goes_on_where_a_file_has_gone(store: DirectoryStore) -> None:
    for key in ("a", "b"):
        store.put(key, b"", content_type=TEXT)
    listing = store.list("")

    first = next(listing)
    (Path(store.uri) / {"a": "b", "b": "a"}[first.key]).unlink()

    assert list(listing) == []


def test_looking_at_an_empty_store_makes_no_directory(store: DirectoryStore) -> None:
    assert list(store.list("images/")) == []
    with pytest.raises(StoreError):
        store.get("a")

    assert not Path(store.uri).exists()


def test_what_the_extension_says_is_not_written_again(store: DirectoryStore) -> None:
    store.put("ledger/a.json", b"{}", content_type="application/json")
    assert not (Path(store.uri) / ".metadata").exists()

    store.put("images/a.png", b"", content_type="image/png", metadata={"seed": "1"})
    store.put("b.json", b"", content_type="text/html")
    assert files_in(Path(store.uri) / ".metadata") == ["b.json.json", "images"]


@pytest.mark.parametrize(
    ("key", "content_type"),
    [
        ("a.json", "application/json"),
        ("a.b.csv", "text/csv"),
        ("json", "application/octet-stream"),
        ("a.", "application/octet-stream"),
        ("a.json/b", "application/octet-stream"),
    ],
)
def test_a_file_put_there_by_hand_is_what_its_extension_says(
    store: DirectoryStore, key: str, content_type: str
) -> None:
    path = Path(store.uri) / key
    path.parent.mkdir(parents=True)
    path.write_bytes(b"")

    assert store.get(key).content_type == content_type


def test_objects_are_as_readable_as_any_other_file(store: DirectoryStore, tmp_path: Path) -> None:
    store.put("images/a", b"", content_type=TEXT)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a").touch()

    for ours, other in (("images", "other"), ("images/a", "other/a")):
        assert (Path(store.uri) / ours).stat().st_mode == (tmp_path / other).stat().st_mode


def test_a_deleted_picture_leaves_nothing_of_itself_behind(
    store: DirectoryStore, tmp_path: Path
) -> None:
    key = f"images/hero/1/{'f' * 32}.png"
    store.put(key, b"", content_type="image/png", metadata={"seed": "1"})
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / Path(key).name).write_bytes(b"not ours")
    (Path(store.uri) / "images" / "hero" / "linked").symlink_to(outside)

    store.delete(key)
    with pytest.raises(StoreError, match="symbolic link"):
        store.delete(key.replace("/1/", "/linked/"))

    left = [path for path in Path(store.uri).rglob("*.*") if path.is_file()]
    assert [path for path in left if ".locks" not in path.parts] == []
    assert files_in(outside) == [Path(key).name]


def test_a_body_changed_by_hand_is_read_without_the_old_metadata(store: DirectoryStore) -> None:
    store.put("a.png", b"before", content_type="image/x", metadata={"seed": "1"})
    (Path(store.uri) / "a.png").write_bytes(b"after")

    body = store.get("a.png")

    assert (body.data, body.content_type, body.metadata) == (b"after", "image/png", {})


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"a": 1}', b'{"a": {"b": 1}}'])
def test_damaged_metadata_is_named(store: DirectoryStore, damage: bytes) -> None:
    store.put("a.png", b"", content_type="image/x")
    metadata = Path(store.uri) / ".metadata" / "a.png.json"
    metadata.write_bytes(damage)

    with pytest.raises(StoreError, match="damaged") as caught:
        store.get("a.png")

    assert caught.value.uri == str(metadata)


def test_the_leftovers_of_the_dead_are_removed_after_a_day(store: DirectoryStore) -> None:
    leftovers = Path(store.uri) / ".tmp"
    leftovers.mkdir(parents=True)
    for name, age_hours in (("old", 25), ("young", 23)):
        (leftovers / name).touch()
        changed_at = (datetime.now(UTC) - timedelta(hours=age_hours)).timestamp()
        os.utime(leftovers / name, (changed_at, changed_at))

    store.put("a", b"", content_type=TEXT)

    assert files_in(leftovers) == ["young"]


# --- Several at once -------------------------------------------------------------------------


def test_a_reader_among_writers_sees_every_body_with_its_own_metadata(
    store: DirectoryStore,
) -> None:
    def put(number: int) -> None:
        metadata = {"number": str(number)}
        store.put("a.png", str(number).encode(), content_type="image/x", metadata=metadata)

    put(0)
    with ThreadPoolExecutor(4) as threads:
        puts = [threads.submit(put, number) for number in range(200)]
        while not all(one.done() for one in puts):
            body = store.get("a.png")
            assert body.metadata == {"number": body.data.decode()}


def count_up(root: str, times: int) -> None:
    store = DirectoryStore(Path(root))
    counted = 0
    while counted < times:
        found = store.get("budget/day.json")
        count = str(int(found.data) + 1).encode()
        try:
            store.put("budget/day.json", count, content_type=TEXT, if_match=found.info.etag)
        except ConditionFailedError:
            continue
        counted += 1


def test_two_processes_count_without_losing_any(store: DirectoryStore) -> None:
    store.put("budget/day.json", b"0", content_type=TEXT)

    processes = [start(count_up, store.uri, 100) for _ in range(2)]
    for process in processes:
        process.join()

    assert store.get("budget/day.json").data == b"200"


def put_for_ever(root: str, seed: int) -> None:
    store = DirectoryStore(Path(root))
    chance = random.Random(seed)  # noqa: S311 # no secret
    for number in itertools.count():
        body = chance.randbytes(chance.randrange(300_000))
        metadata = {"sha256": hashlib.sha256(body).hexdigest()}
        for key in ("images/same.png", f"images/{seed}-{number}.png"):
            store.put(key, body, content_type="image/x", metadata=metadata)


def test_whoever_is_killed_leaves_only_whole_objects(store: DirectoryStore) -> None:
    for seed in range(4):
        writer = start(put_for_ever, store.uri, seed)
        while not any(store.list(f"images/{seed}-{seed * 5}.png")):
            writer.join(timeout=0.001)
            assert writer.is_alive()
        writer.kill()
        writer.join()

    bodies = [store.get(info.key) for info in store.list("images/")]
    assert len(bodies) > 30
    for body in bodies:
        assert body.metadata == {"sha256": hashlib.sha256(body.data).hexdigest()}
        assert body.content_type == "image/x"
    store.put("images/same.png", b"after", content_type="image/png")
    assert store.get("images/same.png").data == b"after"
