"""Bytes from a file of this machine, and a file edited."""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from flux_assets.errors import SourceError
from flux_assets.os_errors import explain_refusal
from flux_assets.storage.sources.address import Change, check_size


def read_file(uri: str, max_bytes: int) -> bytes:
    """Read a whole file.

    Raises:
        SourceError: it is not there, may not be read, is too large, or is being written.
    """
    path = Path(uri)
    with _path_errors(uri):
        before = path.stat()
        if stat.S_ISDIR(before.st_mode):
            raise SourceError(uri, "is a directory; name the file in it")
        if not stat.S_ISREG(before.st_mode):
            # A pipe or a device may never end.
            raise SourceError(uri, "is no regular file; save the export as a file first")
        check_size(uri, before.st_size, max_bytes)
        with path.open("rb") as file:
            data = file.read(before.st_size + 1)
        after = path.stat()
    if (len(data), after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SourceError(uri, "changed while it was read; try again once it is written completely")
    return data


def file_version(uri: str) -> str:
    """When a file was changed, and its size.

    Raises:
        SourceError: it is not there, or may not be looked at.
    """
    with _path_errors(uri):
        found = Path(uri).stat()
    return f"{found.st_mtime_ns}-{found.st_size}"


def edit_file(uri: str, change: Change, max_bytes: int) -> None:
    """Put what `change` makes of a file in its place, whole or not at all.

    Two edits of one folder's files take turns; whoever else writes meanwhile is noticed.

    Raises:
        SourceError: it may not be read or written, or it changed meanwhile.
    """
    with _edit_errors(uri):
        path = Path(uri).resolve()  # what a link leads to is edited, not the link
        with _folder_lock(path.parent):
            before = read_file(uri, max_bytes) if path.exists() else None
            data = change(before)
            with NamedTemporaryFile(dir=path.parent, delete=False) as file:
                try:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                    Path(file.name).chmod(path.stat().st_mode if path.exists() else 0o644)
                    if (path.read_bytes() if path.exists() else None) != before:
                        problem = "was changed by somebody else meanwhile; try again"
                        raise SourceError(uri, problem)
                    Path(file.name).replace(path)
                finally:
                    Path(file.name).unlink(missing_ok=True)


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _path_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        problem = f"there is no such file; check the path{_start_of(uri)}"
        raise SourceError(uri, problem) from error
    except PermissionError as error:
        problem = "may not be read; give this process's user permission to read it"
        raise SourceError(uri, problem) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SourceError(uri, f"cannot be read ({error}); check the path") from error


@contextmanager
def _edit_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        problem = f"its folder is not there; make it, or correct the path{_start_of(uri)}"
        raise SourceError(uri, problem) from error
    except OSError as error:
        refusal = explain_refusal(OSError(error.errno, error.strerror))  # a temporary file's name
        raise SourceError(uri, f"cannot be written: {refusal or error}") from error
    except ValueError as error:  # a NUL in the path
        raise SourceError(uri, f"cannot be written ({error}); check the path") from error


def _start_of(uri: str) -> str:
    return "" if Path(uri).is_absolute() else f" (relative ones start at {Path.cwd()})"
