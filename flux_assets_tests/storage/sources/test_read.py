import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from flux_assets.errors import SourceError
from flux_assets.storage.s3_client import build_s3_client
from flux_assets.storage.sources import read_bytes, source_version

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(b"id,title\r\n1,Hat\r\n")
    return path


@pytest.fixture
def bucket(moto_client: "S3Client") -> str:
    name = f"sources-{uuid.uuid4()}"
    moto_client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def no_aws_configuration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in list(os.environ):
        if variable.startswith("AWS_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def test_a_file_comes_byte_for_byte(export: Path) -> None:
    assert read_bytes(str(export)) == b"id,title\r\n1,Hat\r\n"


def test_a_file_as_large_as_the_limit_is_read_and_a_larger_one_is_not(export: Path) -> None:
    size = export.stat().st_size
    assert len(read_bytes(str(export), max_bytes=size)) == size
    with pytest.raises(SourceError, match=rf"export.csv: has {size} bytes, more than the"):
        read_bytes(str(export), max_bytes=size - 1)


def test_a_missing_file_is_named_with_what_to_check(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere.csv: there is no such file; check the path"):
        read_bytes(str(tmp_path / "nowhere.csv"))
    with pytest.raises(SourceError, match="there is no such file"):
        source_version(str(tmp_path / "nowhere.csv"))


def test_only_of_a_relative_path_it_is_told_where_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=rf"relative ones start at {tmp_path}"):
        read_bytes("nowhere.csv")
    with pytest.raises(SourceError, match=r"check the path$"):
        read_bytes(str(tmp_path / "nowhere.csv"))


def test_a_directory_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is a directory; name the file in it"):
        read_bytes(str(tmp_path))


def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="no regular file"):
        read_bytes(str(tmp_path / "pipe"))


def test_a_file_that_may_not_be_read_says_so(export: Path) -> None:
    export.chmod(0)
    if os.access(export, os.R_OK):
        pytest.skip("this user may read every file")
    with pytest.raises(SourceError, match="give this process's user permission"):
        read_bytes(str(export))


def test_a_path_that_no_file_can_have_is_an_error_of_ours() -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        read_bytes("a\0b")


def test_a_file_that_grows_while_it_is_read_is_not_taken_for_whole(
    export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = Path.open

    def open_while_it_is_written(path: Path, mode: str) -> object:
        file = real_open(path, mode)
        with real_open(path, "ab") as writer:
            writer.write(b"2,Cap\r\n")
        return file

    monkeypatch.setattr(Path, "open", open_while_it_is_written)
    with pytest.raises(SourceError, match="changed while it was read"):
        read_bytes(str(export))


def test_a_file_s_version_changes_with_its_content_and_only_then(export: Path) -> None:
    first = source_version(str(export))
    assert source_version(str(export)) == first
    os.utime(export, ns=(0, 1))
    second = source_version(str(export))
    assert second != first
    export.write_bytes(b"id,title\r\n")
    os.utime(export, ns=(0, 1))
    assert source_version(str(export)) != second


@pytest.mark.parametrize("uri", ["ftp://example.com/a.csv", "gs://bucket/a.csv"])
def test_another_scheme_is_refused(uri: str) -> None:
    for read in (read_bytes, source_version):
        with pytest.raises(SourceError, match="is not supported; give a path or s3://bucket/key"):
            read(uri)


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "s3:///key", "s3://bucket/folder/"])
def test_an_s3_address_without_an_object_is_refused(uri: str) -> None:
    with pytest.raises(SourceError, match="names no object"):
        read_bytes(uri)


def test_an_object_comes_byte_for_byte(moto_client: "S3Client", bucket: str) -> None:
    data = bytes(range(256)) * 10_000
    moto_client.put_object(Bucket=bucket, Key="exports/a b.csv", Body=data)
    uri = f"s3://{bucket}/exports/a b.csv"
    assert read_bytes(uri, s3_client=lambda: moto_client) == data
    assert read_bytes(uri, s3_client=lambda: moto_client, max_bytes=len(data)) == data
    with pytest.raises(SourceError, match="more than the 100 that are read at most"):
        read_bytes(uri, s3_client=lambda: moto_client, max_bytes=100)


def test_an_object_s_version_changes_with_its_content(moto_client: "S3Client", bucket: str) -> None:
    versions = []
    for body in (b"a", b"a", b"b"):
        moto_client.put_object(Bucket=bucket, Key="a.csv", Body=body)
        versions.append(source_version(f"s3://{bucket}/a.csv", s3_client=lambda: moto_client))
    assert versions[0] == versions[1] != versions[2]


def test_a_missing_object_or_bucket_is_named(moto_client: "S3Client", bucket: str) -> None:
    with pytest.raises(SourceError, match=rf"s3://{bucket}/no.csv: there is no such object"):
        read_bytes(f"s3://{bucket}/no.csv", s3_client=lambda: moto_client)
    with pytest.raises(SourceError, match="there is no such object"):
        source_version(f"s3://{bucket}/no.csv", s3_client=lambda: moto_client)
    with pytest.raises(SourceError, match="there is no such bucket; check its name"):
        read_bytes("s3://no-such-bucket-here/a.csv", s3_client=lambda: moto_client)


@pytest.fixture
def refusing_client(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> "Iterator[S3Client]":
    """A client of an S3 that answers 403 with the test's code to everything."""

    class Refusal(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<Error><Code>{request.param}</Code><Message>No</Message></Error>".encode()
            self.send_response(403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.send_response(403)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Refusal)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "invented")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented-too")
    client = build_s3_client(max_pool_connections=1, checksum="when_required")
    yield client
    client.close()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("refusing_client", ["AccessDenied"], indirect=True)
def test_a_forbidden_object_names_the_permission_that_is_missing(
    refusing_client: "S3Client",
) -> None:
    for read in (read_bytes, source_version):
        with pytest.raises(SourceError, match="access is denied; the credentials need s3:GetObj"):
            read("s3://bucket/a.csv", s3_client=lambda: refusing_client)


@pytest.mark.parametrize("refusing_client", ["InvalidAccessKeyId"], indirect=True)
def test_any_other_answer_of_s3_is_told_with_what_to_check(refusing_client: "S3Client") -> None:
    with pytest.raises(SourceError, match=r"\(InvalidAccessKeyId\).*; check the credentials"):
        read_bytes("s3://bucket/a.csv", s3_client=lambda: refusing_client)


@pytest.mark.parametrize(
    ("refusing_client", "advice"),
    [
        ("InvalidObjectState", "archive class such as Glacier: restore it first"),
        ("RequestTimeTooSkewed", "clock is too far from S3's: set it"),
        ("ExpiredToken", "credentials have expired: renew them"),
    ],
    indirect=["refusing_client"],
)
def test_an_answer_whose_cause_is_known_is_told_with_what_helps_against_it(
    refusing_client: "S3Client", advice: str
) -> None:
    with pytest.raises(SourceError, match=advice) as caught:
        read_bytes("s3://bucket/a.csv", s3_client=lambda: refusing_client)
    assert "s3:GetObject" not in str(caught.value)


@pytest.mark.usefixtures("no_aws_configuration")
def test_missing_credentials_are_named() -> None:
    with pytest.raises(SourceError, match="no complete AWS credentials were found; set AWS_PROF"):
        read_bytes("s3://bucket/a.csv")


@pytest.mark.usefixtures("no_aws_configuration")
def test_an_aws_profile_that_does_not_exist_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(SourceError, match="nobody"):
        read_bytes("s3://bucket/a.csv")


def test_reading_a_path_imports_nothing_heavy(export: Path) -> None:
    program = (
        "import sys; from flux_assets.storage.sources import read_bytes; "
        "from flux_assets.catalog import read_catalog; "
        f"read_catalog(read_bytes({str(export)!r}), 'export.csv'); "
        "heavy = {'boto3', 'botocore', 'requests', 'bs4', 'pandas', 'dagster'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
