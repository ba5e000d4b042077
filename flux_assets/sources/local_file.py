"""Bytes from a file of this machine."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flux_assets.errors import SourceError
from flux_assets.sources.address import check_size


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


@contextmanager
def _path_errors(uri: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        problem = f"there is no such file; check the path (relative ones start at {Path.cwd()})"
        raise SourceError(uri, problem) from error
    except PermissionError as error:
        problem = "may not be read; give this process's user permission to read it"
        raise SourceError(uri, problem) from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise SourceError(uri, f"cannot be read ({error}); check the path") from error
