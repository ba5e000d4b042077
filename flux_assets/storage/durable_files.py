"""File operations that are on the disk when they return, and that leave nothing half done."""

import ctypes
import errno
import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from flux_assets.errors import ConditionFailedError, StoreError, StorePermissionError

_ANOTHER_STORE = "or choose another place with FLUX_ASSETS_STORE"
_PROBLEMS = {
    errno.ENOSPC: f"the disk is full; free some space {_ANOTHER_STORE}",
    errno.EDQUOT: f"the disk quota is used up; free some space {_ANOTHER_STORE}",
    errno.EROFS: f"the file system is read-only; make it writable {_ANOTHER_STORE}",
    errno.EACCES: f"permission denied; give this user access to the files {_ANOTHER_STORE}",
    errno.EXDEV: (
        "a folder of the store is a mount of its own, into which no file can be moved; mount the "
        f"store as one, {_ANOTHER_STORE}"
    ),
    errno.EPERM: f"not permitted; give this user access to the files {_ANOTHER_STORE}",
}
_REFUSALS = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
# What file systems that have none of it answer to a link, to a lock, and to fsync of a folder.
_NOT_OFFERED = frozenset({errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_NO_LINK = _NOT_OFFERED | {errno.EPERM, errno.EXDEV, errno.EIO, errno.EMLINK, errno.EACCES}
_NO_LOCK = _NOT_OFFERED | {errno.ENOLCK, errno.EBADF}
_NO_FOLDER_SYNC = _NOT_OFFERED | {errno.EBADF, errno.EISDIR, errno.EACCES, errno.EPERM}
_AT_WORKING_FOLDER = -100
_WITHOUT_REPLACING = 1


@contextmanager
def store_errors(uri: str | Path, attempted: str) -> Iterator[None]:
    """Turn what the operating system refuses into a StoreError that says what to do."""
    try:
        yield
    except OSError as error:
        kind = StorePermissionError if error.errno in _REFUSALS else StoreError
        problem = _PROBLEMS.get(error.errno or 0, error.strerror or str(error))
        raise kind(str(uri), attempted, problem) from error


@contextmanager
def temporary_file(folder: Path, parts: Iterable[bytes]) -> Iterator[tuple[Path, str]]:
    """A new file with these parts of a body, and its sha256; gone in the end unless renamed."""
    make_directory(folder)
    path = folder / secrets.token_hex(16)
    sha256 = hashlib.sha256()
    try:
        with path.open("xb") as file:
            for part in parts:
                sha256.update(part)
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        yield path, sha256.hexdigest()
    finally:
        path.unlink(missing_ok=True)


def name_if_absent(temporary: Path, path: Path) -> None:
    """Give the temporary file a name that no file has yet, by one step of the file system.

    Where it has no hard links (SMB, FAT, many a network's), Linux can rename without replacing.

    Raises:
        ConditionFailedError: a file has it.
        StoreError: the file system cannot do that.
    """
    try:
        path.hardlink_to(temporary)
    except FileExistsError as error:
        raise ConditionFailedError(str(path), "write", "it exists already") from error
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        _rename_if_absent(temporary, path, error)


def _rename_if_absent(temporary: Path, path: Path, no_link: OSError) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        raise _no_creation(path, no_link) from no_link
    here = _AT_WORKING_FOLDER
    if rename(here, os.fsencode(temporary), here, os.fsencode(path), _WITHOUT_REPLACING) == 0:
        return
    number = ctypes.get_errno()
    if number == errno.EEXIST:
        raise ConditionFailedError(str(path), "write", "it exists already") from no_link
    if number in _NOT_OFFERED | {errno.EPERM}:
        raise _no_creation(path, no_link) from no_link
    raise OSError(number, os.strerror(number), str(path))


def _no_creation(path: Path, no_link: OSError) -> StoreError:
    problem = (
        f"this file system has no hard links ({no_link.strerror}) nor another way to create a file "
        f"only once; move the store to one that has, {_ANOTHER_STORE}"
    )
    return StoreError(str(path), "write", problem)


def lock(descriptor: int, path: Path) -> None:
    """Take a file's lock, waiting for whoever has it.

    Raises:
        StoreError: the file system has none.
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCK:
            raise
        problem = (
            f"this file system has no locks ({error.strerror}); move the store to one that has, "
            f"{_ANOTHER_STORE}"
        )
        raise StoreError(str(path), "lock", problem) from error


def remove(path: Path) -> None:
    """Remove a file; nothing is wrong where there is none."""
    with suppress(FileNotFoundError):
        path.unlink()
        sync_directory(path.parent)


def make_directory(path: Path) -> None:
    """Make a directory and its parents."""
    if path.is_dir():
        return
    make_directory(path.parent)
    try:
        path.mkdir()
    except FileExistsError:
        if not path.is_dir():
            raise
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory as durable as its files.

    A file system that offers no such thing (SMB) keeps names as safe as its server does.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def scan(folder: Path | str) -> list["os.DirEntry[str]"]:
    """What lies in a directory itself; nothing if it is gone."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
