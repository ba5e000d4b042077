"""The files below a folder, as the keys of a directory store; symbolic links are none of them."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple


class Wanted(NamedTuple):
    """What is looked for in folders before they are opened.

    `find_starts` tells, of a folder's key and the names of the folders in it, what the name of the
    one file that is wanted of each starts with, up to its extension; "" where none is.
    `extensions` are those that these files may have, the likeliest first.
    """

    find_starts: Callable[[str, Sequence[str]], Sequence[str]]
    extensions: Sequence[str]


def scan_keys(root: str, prefix: str, wanted: Wanted | None = None) -> Iterator[str]:
    """Every file whose path below a folder starts with `prefix`, but for hidden ones.

    Of a folder that has the file that is wanted of it, there is that one alone: to look for a file
    by its name takes a fifth of the time that it takes to open its folder.

    Args:
        root: the folder's path, with a slash at its end.
        prefix: a key's beginning.
        wanted: as said; None lists all.

    Raises:
        OSError: a folder cannot be read.
    """
    folder, _, start = prefix.rpartition("/")
    folders = [f"{folder}/" if folder else ""]
    while folders:
        folder = folders.pop()
        files, inner = _look_into(root + folder, start)
        yield from (folder + name for name in files)
        if wanted is None or not inner:
            folders += [f"{folder}{name}/" for name in inner]
        else:
            for name, found in _find_wanted(root, folder, inner, wanted):
                if found:
                    yield f"{folder}{name}/{found}"
                else:
                    folders.append(f"{folder}{name}/")
        start = ""


def _look_into(path: str, start: str) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders that begin so; none where the folder is gone."""
    files: list[str] = []
    folders: list[str] = []
    try:
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name
                if name.startswith(".") or not name.startswith(start):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(name)
                elif entry.is_file(follow_symlinks=False):
                    files.append(name)
    except (FileNotFoundError, NotADirectoryError):
        pass
    return files, folders


def _find_wanted(
    root: str, folder: str, names: Sequence[str], wanted: Wanted
) -> Iterator[tuple[str, str]]:
    """Each inner folder, with the name of the wanted file if it is there."""
    try:
        descriptor = os.open(root + folder, os.O_RDONLY | os.O_DIRECTORY)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        for name, start in zip(names, wanted.find_starts(folder, names), strict=True):
            candidates = [f"{start}.{it}" for it in wanted.extensions] if start else []
            yield name, next((it for it in candidates if _is_file(f"{name}/{it}", descriptor)), "")
    finally:
        os.close(descriptor)


def _is_file(path: str, folder: int) -> bool:
    try:
        found = os.stat(path, dir_fd=folder, follow_symlinks=False)
    except (FileNotFoundError, NotADirectoryError):
        return False
    return stat.S_ISREG(found.st_mode)
