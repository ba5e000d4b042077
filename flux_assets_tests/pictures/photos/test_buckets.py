"""Which buckets a catalog's cell can reach with our role."""

import datetime as dt
import io
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from flux_assets.errors import PhotoUnavailableError, SettingsError
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.buckets import check_bucket, list_photo_buckets
from flux_assets.pictures.photos.library import PhotoLibrary
from flux_assets.pictures.photos.photo import Photo
from flux_assets.settings import load_settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.stores import new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def draw(color: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), color).save(buffer, "PNG")
    return buffer.getvalue()


def find(folder: Path, s3_client: "S3Client", uri: str, *buckets: str) -> Photo:
    library = PhotoLibrary(
        store=DirectoryStore(folder),
        catalog_uri="catalog.csv",
        allow_private=False,
        buckets=buckets,
        max_age=dt.timedelta(0),
        clock=StandingClock(today=dt.datetime(2026, 11, 3, tzinfo=dt.UTC)),
        s3_client=lambda: s3_client,
    )
    return library.find([(uri,)])[uri,]


def test_the_store_s_and_the_catalog_s_buckets_and_named_ones_hold_photos() -> None:
    settings = load_settings(
        {
            "FLUX_ASSETS_STORE": "s3://pictures/shop",
            "FLUX_ASSETS_CATALOG": "s3://exports/catalog.csv",
            "FLUX_ASSETS_PHOTO_BUCKETS": " supplier-photos, studio ",
        }
    )
    assert list_photo_buckets(settings) == {"pictures", "exports", "supplier-photos", "studio"}
    assert list_photo_buckets(load_settings({})) == frozenset()


@pytest.mark.parametrize("text", ["s3://studio", "studio/photos", "arn:aws:s3:::a/b"])
def test_a_prefix_is_no_bucket(text: str) -> None:
    with pytest.raises(SettingsError, match="buckets' names alone"):
        load_settings({"FLUX_ASSETS_PHOTO_BUCKETS": text})


def test_nothing_is_told_of_what_another_bucket_holds(
    tmp_path: Path, s3_client: "S3Client"
) -> None:
    bucket = new_bucket(s3_client)
    s3_client.put_object(Bucket=bucket, Key="secret.png", Body=draw("red"))
    told = set()
    for uri in (f"s3://{bucket}/secret.png", f"s3://{bucket}/gone.png", "s3://no-such/a.png"):
        found = find(tmp_path, s3_client, uri, "own")
        assert isinstance(found, PhotoUnavailableError)
        told.add(found.problem)
    assert len(told) == 1
    assert "FLUX_ASSETS_PHOTO_BUCKETS" in told.pop()
    assert isinstance(find(tmp_path, s3_client, f"s3://{bucket}/secret.png", bucket), SourcePhoto)


def test_a_photo_that_was_read_before_is_used_on_and_not_asked_for(
    tmp_path: Path, s3_client: "S3Client"
) -> None:
    bucket = new_bucket(s3_client)
    uri = f"s3://{bucket}/a.png"
    s3_client.put_object(Bucket=bucket, Key="a.png", Body=draw("red"))
    before = find(tmp_path, s3_client, uri, bucket)
    s3_client.put_object(Bucket=bucket, Key="a.png", Body=draw("blue"))
    assert find(tmp_path, s3_client, uri) == before


@pytest.mark.parametrize(
    "address", ["s3://ownx/a.jpg", "s3://own.evil/a.jpg", "s3:///own/a.jpg", "s3://Own/a.jpg"]
)
def test_a_bucket_s_whole_name_counts(address: str) -> None:
    with pytest.raises(PhotoUnavailableError):
        check_bucket(address, {"own"})


def test_other_schemes_are_judged_elsewhere() -> None:
    for address in ("https://a.example/own/a.jpg", "photos/a.jpg"):
        check_bucket(address, {})
