import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Literal

import pytest

from flux_assets.errors import SettingsError, StoreError, StoreMismatchError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity, open_store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ORIGIN = "https://api.1min.ai"
MADE = {"format": 1, "mode": "live", "api_origin": ORIGIN, "shop": "shoes"}


def ensure(
    store: ObjectStore,
    *,
    mode: Literal["sample", "live"] = "live",
    api_origin: str = ORIGIN,
    shop: str | None = "shoes",
) -> None:
    ensure_store_identity(store, mode=mode, api_origin=api_origin, shop=shop)


def put_identity(store: ObjectStore, identity: bytes) -> None:
    store.put("store.json", identity, content_type="application/json")


def test_a_new_store_is_marked_and_stays_open_to_the_same_deployment(
    any_store: ObjectStore,
) -> None:
    ensure(any_store)
    etag = any_store.head("store.json").etag
    ensure(any_store)

    assert json.loads(any_store.get("store.json").data) == MADE
    assert any_store.head("store.json").etag == etag


def test_a_store_without_a_shop_is_one_of_its_own(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    ensure(store, shop=None)

    ensure(store, shop=None)
    with pytest.raises(StoreMismatchError, match="shop None, not 'shoes'"):
        ensure(store, shop="shoes")


def test_of_two_modes_that_race_for_a_new_store_one_has_it(any_store: ObjectStore) -> None:
    start = Barrier(16)

    def run(number: int) -> str | None:
        mode: Literal["sample", "live"] = "live" if number % 2 else "sample"
        start.wait()
        try:
            ensure(any_store, mode=mode)
        except StoreMismatchError:
            return None
        return mode

    with ThreadPoolExecutor(16) as threads:
        modes = [mode for mode in threads.map(run, range(16)) if mode]

    assert modes == [json.loads(any_store.get("store.json").data)["mode"]] * 8


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("format", 2),
        ("mode", "sample"),
        ("api_origin", "https://api.example.com"),
        ("shop", "hats"),
        ("shop", None),
    ],
)
def test_a_store_of_another_deployment_is_refused_and_left_alone(
    tmp_path: Path, field: str, found: object
) -> None:
    store = DirectoryStore(tmp_path)
    theirs = json.dumps({**MADE, field: found}).encode()
    put_identity(store, theirs)

    with pytest.raises(StoreMismatchError, match="FLUX_ASSETS_STORE") as caught:
        ensure(store)

    assert (caught.value.field, caught.value.found) == (field, found)
    assert caught.value.store_uri == str(tmp_path)
    assert store.get("store.json").data == theirs


def test_an_older_format_is_read(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    put_identity(store, json.dumps({**MADE, "format": 0}).encode())

    ensure(store)
    with pytest.raises(StoreMismatchError):
        ensure(store, mode="sample")


@pytest.mark.parametrize("damage", [b"", b"\xff", b"[]", b"1", b"{}", b'{"format": "new"}'])
def test_a_damaged_mark_is_named_and_left_alone(tmp_path: Path, damage: bytes) -> None:
    store = DirectoryStore(tmp_path)
    put_identity(store, damage)

    with pytest.raises(StoreError, match="restore it") as caught:
        ensure(store)

    assert caught.value.uri == str(tmp_path / "store.json")
    assert store.get("store.json").data == damage


# --- Opening ---------------------------------------------------------------------------------


def test_a_path_opens_a_directory(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), public_url="https://cdn.example.com")

    assert store.uri == str(tmp_path)
    assert store.url_for("a") == "https://cdn.example.com/a"


def test_a_shop_has_its_own_part_of_a_directory_and_of_its_urls(tmp_path: Path) -> None:
    store = open_store(str(tmp_path), shop="shoes", public_url="https://cdn.example.com")

    assert store.uri == str(tmp_path / "shoes")
    assert store.url_for("a") == "https://cdn.example.com/shoes/a"


@pytest.mark.parametrize(
    ("uri", "shop", "opened"),
    [
        ("s3://bucket", None, "s3://bucket"),
        ("s3://bucket/", "shoes", "s3://bucket/shoes"),
        ("s3://bucket/some/prefix/", None, "s3://bucket/some/prefix"),
        ("s3://bucket/some/prefix", "shoes", "s3://bucket/some/prefix/shoes"),
    ],
)
def test_an_s3_uri_opens_a_bucket_and_prefix(
    moto_client: "S3Client", uri: str, shop: str | None, opened: str
) -> None:
    assert open_store(uri, shop=shop, s3_client=lambda: moto_client).uri == opened


def test_an_s3_store_is_opened_with_its_put_args(s3_client: "S3Client", s3_bucket: str) -> None:
    store = open_store(
        f"s3://{s3_bucket}/prefix",
        s3_client=lambda: s3_client,
        put_args={"StorageClass": "STANDARD_IA"},
        public_url="https://cdn.example.com",
    )
    store.put("a", b"", content_type="text/plain")

    found = s3_client.head_object(Bucket=s3_bucket, Key="prefix/a")
    assert found["StorageClass"] == "STANDARD_IA"
    assert store.url_for("a") == "https://cdn.example.com/a"


def test_without_a_client_one_is_built_from_the_environment(
    moto_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", moto_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "invented")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented")

    store = open_store("s3://absent-bucket", checksum="when_required", max_pool_connections=2)

    with pytest.raises(StoreError, match="no bucket absent-bucket; create it"):
        store.put("a", b"", content_type="text/plain")


@pytest.mark.parametrize("uri", ["gs://bucket", "s3://", "s3:///prefix", "file:///tmp"])
def test_any_other_uri_is_refused(uri: str) -> None:
    with pytest.raises(SettingsError, match="FLUX_ASSETS_STORE: must be s3://bucket/prefix or"):
        open_store(uri)


def test_a_directory_needs_no_boto3(tmp_path: Path) -> None:
    code = (
        "import sys; from flux_assets.storage.open_store import open_store; "
        "open_store(sys.argv[1]); sys.exit('boto3' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code, tmp_path], check=True)  # noqa: S603 # our own code
