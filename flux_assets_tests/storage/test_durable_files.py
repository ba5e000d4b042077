import ctypes
import errno
import fcntl
import json
import multiprocessing
import os
import resource
import stat
import struct
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from flux_assets.errors import ConditionFailedError, StoreError, StorePermissionError
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


@pytest.mark.parametrize("if_absent", [True, False])
def test_each_step_is_on_the_disk_before_the_next(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, *, if_absent: bool
) -> None:
    synced: list[int] = []
    synced_at_naming: list[int] = []
    fsync, replace, link = os.fsync, os.replace, os.link

    def record(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    def name(give_name: Callable[[str, str], None]) -> Callable[[str, str], None]:
        def named(one: str, other: str) -> None:
            synced_at_naming[:] = synced
            give_name(one, other)

        return named

    store.put("images/first", b"", content_type=TEXT)
    monkeypatch.setattr(os, "fsync", record)
    monkeypatch.setattr(os, "replace", name(replace))
    monkeypatch.setattr(os, "link", name(link))
    store.put("images/hero/a", b"", content_type=TEXT, if_absent=if_absent)

    root = Path(store.uri)
    described = root / ".metadata" / "images" / "hero"
    before = {root / "images", described, described / "a.json", root / "images" / "hero" / "a"}
    assert {path.stat().st_ino for path in before} <= set(synced_at_naming)
    assert synced[-1] == (root / "images" / "hero").stat().st_ino


def test_a_disk_error_before_the_body_leaves_the_old_object_its_metadata(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a.png", b"old", content_type="image/png", metadata={"seed": "1"})
    replace = os.replace

    def fail_at_the_body(source: str, target: str) -> None:
        if ".metadata" not in Path(target).parts:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail_at_the_body)
    with pytest.raises(StoreError):
        store.put("a.png", b"new", content_type="image/png", metadata={"seed": "2"})
    monkeypatch.undo()

    assert (store.get("a.png").data, store.get("a.png").metadata) == (b"old", {"seed": "1"})
    assert files_in(Path(store.uri) / ".tmp") == []
    store.put("a.png", b"new", content_type="image/png")
    assert store.get("a.png").metadata == {}


def test_a_file_that_another_program_puts_there_meanwhile_is_not_overwritten(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("a", b"theirs", content_type=TEXT)
    monkeypatch.setattr("os.path.exists", lambda _: False)

    with pytest.raises(ConditionFailedError):
        store.put("a", b"ours", content_type=TEXT, if_absent=True)

    assert store.get("a").data == b"theirs"


NO_LINKS = [errno.EPERM, errno.ENOTSUP, errno.EXDEV, errno.EIO, errno.EINVAL, errno.ENOSYS]


def refusing(number: int) -> Callable[..., None]:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return refuse


@pytest.mark.parametrize("number", NO_LINKS, ids=errno.errorcode.get)
def test_without_hard_links_an_object_is_still_created_once(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "link", refusing(number))
    monkeypatch.setattr("os.path.exists", lambda _: False)  # so that only the file system knows
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)  # as where locks hold on one host only
    bodies = [str(writer).encode() for writer in range(8)]

    def create(body: bytes) -> bool:
        try:
            store.put("ledger/a.json", body, content_type="application/json", if_absent=True)
        except ConditionFailedError:
            return False
        return True

    with ThreadPoolExecutor(len(bodies)) as pool:
        created = list(pool.map(create, bodies))

    assert created.count(True) == 1
    assert store.get("ledger/a.json").data == bodies[created.index(True)]
    assert files_in(Path(store.uri) / ".tmp") == []


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (errno.EINVAL, "has no hard links .* nor another way to create a file only once"),
        (errno.ENOSYS, "has no hard links .* nor another way to create a file only once"),
        (errno.EIO, "Input/output error"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EXDEV, "a mount of its own"),
    ],
)
def test_a_file_system_that_cannot_create_only_once_is_named(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, number: int, problem: str
) -> None:
    class Library:
        def renameat2(self, *_: object) -> int:
            ctypes.set_errno(number)
            return -1

    monkeypatch.setattr(os, "link", refusing(errno.EPERM))
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Library())

    with pytest.raises(StoreError, match=problem):
        store.put("a", b"", content_type=TEXT, if_absent=True)

    assert list(store.list("")) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_folder_that_cannot_be_synced_is_as_safe_as_its_server_keeps_names(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    fsync = os.fsync

    def sync_files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", sync_files_only)
    etag = store.put("images/a", b"1", content_type=TEXT, if_absent=True)
    store.put("images/a", b"2", content_type=TEXT, if_match=etag)
    assert store.get("images/a").data == b"2"


@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
def test_a_file_or_folder_that_the_disk_does_not_take_is_an_error(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(number))
    with pytest.raises(StoreError):
        store.put("a", b"1", content_type=TEXT)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.EINVAL])
def test_a_file_system_without_locks_is_named(
    store: DirectoryStore, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", refusing(number))
    with pytest.raises(StoreError, match=r"has no locks .* FLUX_ASSETS_STORE"):
        store.put("a", b"1", content_type=TEXT)
    assert list(store.list("")) == []


def put_too_much(root: str, report: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        DirectoryStore(Path(root)).put("images/a.png", bytes(1_000_000), content_type="image/png")
    except StoreError as error:
        Path(report).write_text(str(error))


def test_a_write_that_stops_half_way_leaves_nothing(store: DirectoryStore, tmp_path: Path) -> None:
    report = tmp_path / "report"

    start(put_too_much, store.uri, str(report)).join()

    assert "could not write" in report.read_text()
    assert [one for one in Path(store.uri).rglob("*") if one.is_file()] == []


def put_without_privileges(root: str, report: str) -> None:
    no_capabilities = struct.pack("Ii", 0x20080522, 0), bytes(24)
    ctypes.CDLL(None, use_errno=True).capset(*no_capabilities)
    store = DirectoryStore(Path(root))
    try:
        store.put("images/new", b"", content_type=TEXT)
    except StorePermissionError as error:
        Path(report).write_text(f"{store.get('images/old').data.decode()}: {error}")


@pytest.mark.skipif(sys.platform != "linux", reason="drops root's privileges the Linux way")
def test_missing_permission_is_said_and_reading_goes_on(
    store: DirectoryStore, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    store.put("images/old", b"still here", content_type=TEXT)
    folder = Path(store.uri) / "images"
    folder.chmod(0o555)

    start(put_without_privileges, store.uri, str(report)).join()

    folder.chmod(0o755)
    assert "still here: could not write" in report.read_text()
    assert "give this user access" in report.read_text()
    assert [info.key for info in store.list("")] == ["images/old"]
    assert files_in(Path(store.uri) / ".tmp") == []


def fill_a_small_disk(root: str) -> None:
    """Runs where it may mount; prints what became of a full disk, then of a read-only one."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", root]
    subprocess.run(mount, check=True)  # noqa: S603 # a namespace of its own
    store = DirectoryStore(Path(root))
    problems = []
    try:
        for number in range(10):
            store.put(f"images/{number}", bytes(300_000), content_type=TEXT)
    except StoreError as error:
        problems.append([type(error).__name__, error.problem])
    subprocess.run(["mount", "-o", "remount,ro", root], check=True)  # noqa: S603, S607 # as above
    try:
        store.put("images/0", b"", content_type=TEXT)
    except StoreError as error:
        problems.append([type(error).__name__, error.problem])
    sizes = [len(store.get(info.key).data) for info in store.list("")]
    json.dump([problems, sizes, files_in(Path(root) / ".tmp")], sys.stdout)


def test_a_full_disk_and_a_read_only_one_are_named_and_leave_nothing_half(tmp_path: Path) -> None:
    namespace = ["unshare", "--map-root-user", "--mount"]
    try:
        subprocess.run([*namespace, "true"], check=True, capture_output=True)  # noqa: S603 # fixed
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk needs unprivileged user namespaces")
    code = f"from {__name__} import *; fill_a_small_disk({str(tmp_path)!r})"

    run = subprocess.run(  # noqa: S603 # our own code
        [*namespace, sys.executable, "-c", code], cwd=PROJECT, check=True, capture_output=True
    )

    problems, sizes, leftovers = json.loads(run.stdout)
    assert [kind for kind, _ in problems] == ["StoreError", "StorePermissionError"]
    assert "the disk is full; free some space" in problems[0][1]
    assert "read-only; make it writable" in problems[1][1]
    assert sizes == [300_000] * 3
    assert leftovers == []
