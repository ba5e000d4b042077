"""The photo that a cell of a catalog names, wherever it lies."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError, SourceError
from flux_assets.pictures.photos.address import locate_photo
from flux_assets.pictures.photos.fetched import MAX_PHOTO_BYTES, FetchedPhoto, NotModified
from flux_assets.pictures.photos.public_web import PublicWeb
from flux_assets.pictures.photos.read import read_photo
from flux_assets_tests.fixtures.stores import CannedS3, new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PHOTO = b"as good as a photo"


@pytest.fixture
def catalog(tmp_path: Path) -> str:
    folder = tmp_path / "shop"
    (folder / "photos").mkdir(parents=True)
    (folder / "photos" / "hat.jpg").write_bytes(PHOTO)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    return str(folder / "catalog.csv")


def read(uri: str, catalog: str) -> FetchedPhoto:
    found = read_photo(uri, beside=catalog, known=None, web=PublicWeb())
    assert isinstance(found, FetchedPhoto)
    return found


def problem_of(uri: str, catalog: str, error: type[SourceError] = PhotoUnusableError) -> str:
    with pytest.raises(error) as caught:
        read_photo(uri, beside=catalog, known=None, web=PublicWeb())
    assert type(caught.value) is error
    return caught.value.problem


# --- Which address a cell means -------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "beside", "address"),
    [
        (" https://a.example/x.jpg?v=1 ", "c.csv", "https://a.example/x.jpg?v=1"),
        ("HTTP://a.example/x.jpg", "c.csv", "http://a.example/x.jpg"),
        ("//cdn.example/x.jpg", "c.csv", "https://cdn.example/x.jpg"),
        ("s3://bucket/x.jpg", "c.csv", "s3://bucket/x.jpg"),
        ("photos/x.jpg", "data/c.csv", "data/photos/x.jpg"),
        ("x.jpg", "s3://bucket/shop/c.csv", "s3://bucket/shop/x.jpg"),
        ("a/../x.jpg", "s3://bucket/shop/c.csv", "s3://bucket/shop/x.jpg"),
        ("photos/x.jpg", "s3://bucket/c.csv", "s3://bucket/photos/x.jpg"),
        ("photos/x.jpg", "https://a.example/e/c.csv?k=1", "https://a.example/e/photos/x.jpg"),
        ("/x.jpg", "https://a.example/e/c.csv", "https://a.example/x.jpg"),
    ],
)
def test_a_cell_names_an_address(cell: str, beside: str, address: str) -> None:
    assert locate_photo(cell, beside=beside) == address


@pytest.mark.parametrize("beside", ["c.csv", "s3://bucket/shop/c.csv", "s3://bucket/c.csv"])
@pytest.mark.parametrize("cell", ["../x.jpg", "a/../../../x.jpg", "/etc/hostname", ".."])
def test_a_path_does_not_lead_out_of_the_catalog_s_folder(cell: str, beside: str) -> None:
    with pytest.raises(PhotoUnusableError, match="leads out of the catalog's folder"):
        locate_photo(cell, beside=beside)


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("", "there is nothing in the cell"),
        ("file:///etc/passwd", "file: is not supported"),
        ("ftp://a.example/x.jpg", "ftp: is not supported"),
        ("data:image/png;base64,AAAA", "data: is not supported"),
        (r"C:\photos\x.jpg", "C: is not supported"),
        ("https:x.jpg", "is no complete address; write https://..."),
        ("a\nb.jpg", "holds characters that none has"),
        ("a\0b.jpg", "holds characters that none has"),
        ("x" * 3000, "is too long"),
    ],
)
def test_what_is_no_address_is_refused_with_what_to_do(cell: str, problem: str) -> None:
    with pytest.raises(PhotoUnusableError) as caught:
        locate_photo(cell, beside="https://a.example/c.csv")
    assert problem in caught.value.problem
    assert len(str(caught.value)) < 500
    assert str(caught.value).isprintable()


# --- Files ----------------------------------------------------------------------------------


def test_a_file_comes_with_its_version_and_is_read_again_once_it_changed(catalog: str) -> None:
    found = read("photos/hat.jpg", catalog)
    assert found.data == PHOTO
    again = read_photo("photos/hat.jpg", beside=catalog, known=found.version, web=PublicWeb())
    assert again == NotModified()
    (Path(catalog).parent / "photos" / "hat.jpg").write_bytes(b"another photo")
    changed = read_photo("photos/hat.jpg", beside=catalog, known=found.version, web=PublicWeb())
    assert isinstance(changed, FetchedPhoto)
    assert changed.data == b"another photo"


def test_a_link_out_of_the_folder_is_not_followed(catalog: str, tmp_path: Path) -> None:
    photos = Path(catalog).parent / "photos"
    (photos / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    (photos / "up").symlink_to(tmp_path)
    (photos / "circle").symlink_to(photos / "circle")
    for cell in ("photos/link.jpg", "photos/up/secret.jpg", str(tmp_path / "secret.jpg")):
        assert "leads out of the catalog's folder" in problem_of(cell, catalog)
    problem_of("photos/circle", catalog)


def test_a_link_within_the_folder_is_followed(catalog: str) -> None:
    photos = Path(catalog).parent / "photos"
    (photos / "link.jpg").symlink_to(photos / "hat.jpg")
    assert read("photos/link.jpg", catalog).data == PHOTO


def test_what_is_no_file_is_unusable(catalog: str) -> None:
    os.mkfifo(Path(catalog).parent / "pipe.jpg")
    assert "there is no such file" in problem_of("photos/gone.jpg", catalog)
    assert "there is no such file" in problem_of("photos/hat.jpg/x.jpg", catalog)
    assert "no regular file" in problem_of("photos", catalog)
    assert "no regular file" in problem_of("pipe.jpg", catalog)


def test_a_file_that_is_too_large_is_not_read(catalog: str) -> None:
    with (Path(catalog).parent / "large.jpg").open("wb") as file:
        file.truncate(MAX_PHOTO_BYTES + 1)
    assert f"more than the {MAX_PHOTO_BYTES:,} bytes" in problem_of("large.jpg", catalog)


def test_a_path_that_cannot_be_looked_at_is_an_outage(catalog: str) -> None:
    problem_of("x" * 300, catalog, PhotoUnavailableError)


# --- S3 -------------------------------------------------------------------------------------


def test_an_object_is_read_and_then_asked_for_by_its_etag(s3_client: "S3Client") -> None:
    bucket = new_bucket(s3_client)
    s3_client.put_object(Bucket=bucket, Key="shop/hat.jpg", Body=PHOTO)
    found = read_photo(
        "hat.jpg",
        beside=f"s3://{bucket}/shop/c.csv",
        known=None,
        web=PublicWeb(),
        s3_client=lambda: s3_client,
    )
    assert isinstance(found, FetchedPhoto)
    assert found.data == PHOTO
    uri = f"s3://{bucket}/shop/hat.jpg"
    for body, wanted in ((PHOTO, NotModified), (b"another", FetchedPhoto)):
        s3_client.put_object(Bucket=bucket, Key="shop/hat.jpg", Body=body)
        again = read_photo(
            uri, beside="c", known=found.version, web=PublicWeb(), s3_client=lambda: s3_client
        )
        assert isinstance(again, wanted)


def test_a_missing_object_is_unusable_and_a_missing_bucket_an_outage(
    s3_client: "S3Client",
) -> None:
    bucket = new_bucket(s3_client)
    for uri, error in (
        (f"s3://{bucket}/gone.jpg", PhotoUnusableError),
        (f"s3://{bucket}", PhotoUnusableError),
        (f"s3://{bucket}-never/gone.jpg", PhotoUnavailableError),
    ):
        with pytest.raises(error):
            read_photo(uri, beside="c", known=None, web=PublicWeb(), s3_client=lambda: s3_client)


@pytest.mark.parametrize(("status", "code"), [(403, "AccessDenied"), (503, "SlowDown")])
def test_an_object_that_s3_does_not_give_is_an_outage(
    canned_s3: CannedS3, aws_environ: pytest.MonkeyPatch, status: int, code: str
) -> None:
    aws_environ.setenv("AWS_ENDPOINT_URL_S3", canned_s3.endpoint)
    aws_environ.setenv("AWS_ACCESS_KEY_ID", "invented")
    aws_environ.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    aws_environ.setenv("AWS_MAX_ATTEMPTS", "1")
    canned_s3.fail(status, code)
    problem_of("s3://bucket/a.jpg", "c.csv", PhotoUnavailableError)


def test_an_object_that_is_too_large_is_not_read(
    canned_s3: CannedS3, aws_environ: pytest.MonkeyPatch
) -> None:
    aws_environ.setenv("AWS_ENDPOINT_URL_S3", canned_s3.endpoint)
    aws_environ.setenv("AWS_ACCESS_KEY_ID", "invented")
    aws_environ.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    canned_s3.headers["Content-Length"] = str(MAX_PHOTO_BYTES + 1)
    assert "bytes that are read at most" in problem_of("s3://bucket/a.jpg", "c.csv")


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("data:image/png", "data: is not supported"),
        ("data:image/png;base64," + "A" * 5000, "data: is not supported"),
        ("https://1drv.ms/i/s!AbC", "share link of OneDrive"),
        ("https://acme.sharepoint.com/:i:/s/x", "share link of SharePoint"),
        ("https://we.tl/t-AbC", "share link of WeTransfer"),
        ("//photos.app.goo.gl/x", "share link of Google Photos"),
        ("https://drive.google.com/drive/folders/1aB", "a link to a folder"),
        ("https://www.dropbox.com/scl/fo/k9/x?dl=0", "a link to a folder"),
    ],
)
def test_a_cell_that_leads_to_no_photo_is_named_as_what_it_is(
    cell: str, told: str, catalog: str
) -> None:
    assert told in problem_of(cell, catalog)
