import ctypes
import multiprocessing
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Barrier, Thread
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flux_assets.errors import SourceError
from flux_assets.storage.sources import edit_bytes, read_bytes
from flux_assets_tests.fixtures.odd_s3 import OddS3
from flux_assets_tests.fixtures.stores import new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def _append(line: bytes) -> Callable[[bytes | None], bytes]:
    return lambda data: (data or b"") + line


@pytest.fixture
def bucket(s3_client: "S3Client") -> str:
    name = f"edit-{uuid4()}"
    s3_client.create_bucket(Bucket=name)
    return name


def test_a_file_is_made_and_then_edited(tmp_path: Path) -> None:
    path = tmp_path / "overrides.csv"
    edit_bytes(str(path), _append(b"one\n"))
    path.chmod(0o640)
    edit_bytes(str(path), _append(b"two\n"))
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path], "nothing is left beside it"


def test_what_a_link_leads_to_is_edited(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_bytes(b"one\n")
    link = tmp_path / "link.csv"
    link.symlink_to("real.csv")
    edit_bytes(str(link), _append(b"two\n"))
    assert link.is_symlink()
    assert (tmp_path / "real.csv").read_bytes() == b"one\ntwo\n"


def test_a_change_that_fails_leaves_the_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "overrides.csv"
    path.write_bytes(b"one\n")

    def fail(_data: bytes | None) -> bytes:
        raise KeyError

    with pytest.raises(KeyError):
        edit_bytes(str(path), fail)
    assert path.read_bytes() == b"one\n"
    assert list(tmp_path.iterdir()) == [path]


def test_somebody_elses_change_meanwhile_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "overrides.csv"
    path.write_bytes(b"one\n")

    def overtaken(data: bytes | None) -> bytes:
        path.write_bytes(b"theirs\n")
        return (data or b"") + b"ours\n"

    with pytest.raises(SourceError, match="changed by somebody else meanwhile"):
        edit_bytes(str(path), overtaken)
    assert path.read_bytes() == b"theirs\n"
    assert list(tmp_path.iterdir()) == [path]


def test_many_edits_at_once_all_count(tmp_path: Path) -> None:
    path, together = tmp_path / "overrides.csv", Barrier(8)

    def edit(number: int) -> None:
        together.wait()
        edit_bytes(str(path), _append(b"%d\n" % number))

    threads = [Thread(target=edit, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.read_bytes().split()) == [b"%d" % number for number in range(8)]


def test_a_folder_that_is_not_there_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SourceError, match=r"none/overrides\.csv: its folder is") as caught:
        edit_bytes(str(tmp_path / "none" / "overrides.csv"), _append(b"one\n"))
    assert "relative" not in str(caught.value)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SourceError, match=rf"relative ones start at {tmp_path}"):
        edit_bytes("none/overrides.csv", _append(b"one\n"))


def test_a_file_in_the_folders_place_is_named(tmp_path: Path) -> None:
    (tmp_path / "none").write_bytes(b"in the way")
    with pytest.raises(SourceError, match="cannot be written: a file stands where a folder"):
        edit_bytes(str(tmp_path / "none" / "overrides.csv"), _append(b"one\n"))


def _edit_without_privileges(path: str, report: str) -> None:
    no_capabilities = struct.pack("Ii", 0x20080522, 0), bytes(24)
    ctypes.CDLL(None, use_errno=True).capset(*no_capabilities)
    try:
        edit_bytes(path, _append(b"two\n"))
    except SourceError as error:
        Path(report).write_text(str(error))


@pytest.mark.skipif(sys.platform != "linux", reason="drops root's privileges the Linux way")
@pytest.mark.parametrize("before", [None, b"one\n"], ids=["no file yet", "a file"])
def test_a_folder_that_may_not_be_written_to_is_told_as_that(
    tmp_path: Path, before: bytes | None
) -> None:
    path = tmp_path / "inputs" / "overrides.csv"
    path.parent.mkdir()
    if before is not None:
        path.write_bytes(before)
    path.parent.chmod(0o555)
    report = tmp_path / "report"
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_edit_without_privileges, args=(str(path), str(report)))
    process.start()
    process.join()
    path.parent.chmod(0o755)
    told = report.read_text()
    assert f"{path}: cannot be written: permission denied: give this user access" in told
    assert (path.read_bytes() if path.exists() else None) == before


def test_what_is_on_the_web_cannot_be_edited() -> None:
    with pytest.raises(SourceError, match="cannot be written from here") as caught:
        edit_bytes("https://shop.example/overrides.csv?token=secret", _append(b"one\n"))
    assert "secret" not in str(caught.value)


def test_an_object_is_made_and_then_edited(s3_client: "S3Client", bucket: str) -> None:
    uri = f"s3://{bucket}/a/overrides.csv"
    for line in (b"one\n", b"two\n"):
        edit_bytes(
            uri, _append(line), s3_client=lambda: s3_client, put_args={"Metadata": {"x": "1"}}
        )
    found = s3_client.get_object(Bucket=bucket, Key="a/overrides.csv")
    assert found["Body"].read() == b"one\ntwo\n"
    assert (found["ContentType"], found["Metadata"]) == ("text/csv", {"x": "1"})


@pytest.mark.parametrize("present", [b"one\n", None], ids=["an object", "none yet"])
def test_an_object_that_somebody_else_writes_meanwhile_is_not_overwritten(
    s3_client: "S3Client", bucket: str, present: bytes | None
) -> None:
    def write(data: bytes) -> None:
        s3_client.put_object(Bucket=bucket, Key="overrides.csv", Body=data)

    def overtaken(data: bytes | None) -> bytes:
        write(b"theirs\n")
        return (data or b"") + b"ours\n"

    if present:
        write(present)
    with pytest.raises(SourceError, match="changed by somebody else meanwhile"):
        edit_bytes(f"s3://{bucket}/overrides.csv", overtaken, s3_client=lambda: s3_client)
    found = s3_client.get_object(Bucket=bucket, Key="overrides.csv")
    assert found["Body"].read() == b"theirs\n"


def test_an_object_whose_etag_a_proxy_calls_weak_is_edited(
    odd_s3: OddS3, odd_client: "S3Client", ministack_client: "S3Client"
) -> None:
    odd_s3.etag_form, odd_s3.takes = "W/{}", "quoted"
    uri = f"s3://{new_bucket(ministack_client)}/overrides.csv"
    for line in (b"one\n", b"two\n"):
        edit_bytes(uri, _append(line), s3_client=lambda: odd_client)
    assert read_bytes(uri, s3_client=lambda: odd_client) == b"one\ntwo\n"
