"""A directory as the store: every object is whole or absent, whatever crashes."""

import fcntl
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BufferedReader
from pathlib import Path
from urllib.parse import quote

from flux_assets.errors import ConditionFailedError, ObjectNotFoundError, StoreError
from flux_assets.storage.descriptions import Description, Descriptions, default_description
from flux_assets.storage.directory_scan import Wanted, scan_keys
from flux_assets.storage.durable_files import (
    lock,
    make_directory,
    name_if_absent,
    remove,
    scan,
    store_errors,
    sync_directory,
    temporary_file,
)
from flux_assets.storage.mounts import why_unsafe
from flux_assets.storage.object_store import ObjectBody, ObjectInfo, check_picture_key

_LOCKS = 64
_LEFTOVER_AGE = timedelta(days=1)


class DirectoryStore:
    """Objects as files under `root`, safe between threads, processes and power cuts.

    An etag is the body's sha256. `get` and `head` read the body for it; a listing gives "".

    Beside the objects lie three folders that no key can name: `.tmp` (files being written; what a
    dead process leaves there is in nobody's way and removed after a day), `.locks` (a key's
    writers take turns, by flock) and `.metadata` (content type and metadata of each object whose
    key's extension does not say it all). Symbolic links below `root` are not followed.
    """

    def __init__(self, root: Path, *, public_url: str | None = None) -> None:
        self._root = root.resolve()
        self._temporary_folder = self._root / ".tmp"
        self._locks = self._root / ".locks"
        self._descriptions = Descriptions(
            self._root / ".metadata", temporary_folder=self._temporary_folder
        )
        self._public_url = public_url
        self._leftovers_removed = False
        self._is_known_safe = False

    @property
    def uri(self) -> str:
        """The directory's absolute path."""
        return str(self._root)

    def uri_for(self, key: str) -> str:
        """The file's absolute path."""
        return f"{self._root}/{key}"

    def url_for(self, key: str) -> str | None:
        """The file's URL below the public base, if there is one."""
        return f"{self._public_url}/{quote(key)}" if self._public_url else None

    def get(self, key: str) -> ObjectBody:
        """Read one object."""
        path = self._path_of(key, "read")
        with store_errors(path, "read"):
            etag_before = None
            while True:
                data, info = _read(key, path)
                descriptions = self._descriptions.read(key)
                # A body that is not among them changed meanwhile, so it is read again; if it is
                # still the same, it was put here by hand.
                if info.etag in descriptions or not descriptions or info.etag == etag_before:
                    break
                etag_before = info.etag
        description = descriptions.get(info.etag, default_description(key))
        return ObjectBody(
            data=data,
            info=info,
            content_type=description.content_type,
            metadata=description.metadata,
        )

    def head(self, key: str) -> ObjectInfo:
        """Look at one object; its bytes are read for the etag."""
        path = self._path_of(key, "read")
        with store_errors(path, "read"):
            info = _look_at(key, path)
            known = self._descriptions.read(key).get(info.etag)
        return replace(info, metadata=known.metadata) if known else info

    def put(
        self,
        key: str,
        data: bytes | Iterable[bytes],
        *,
        content_type: str,
        metadata: Mapping[str, str] | None = None,
        if_absent: bool = False,
        if_match: str | None = None,
    ) -> str:
        """Write one object durably and return its etag."""
        path = self._path_of(key, "write")
        parts = [data] if isinstance(data, bytes) else data
        description = Description(content_type=content_type, metadata=metadata or {})
        with store_errors(path, "write"), self._temporary_file(parts) as (temporary, etag):
            with self._key_lock(key):
                if if_absent and path.exists():
                    raise ConditionFailedError(str(path), "write", "it exists already")
                if if_match is not None and _etag_of(path) != if_match:
                    raise ConditionFailedError(str(path), "write", "it has changed since")
                make_directory(path.parent)
                self._put_description(key, path, etag, description)
                if if_absent:  # it fails for whoever comes second past the lock, too
                    name_if_absent(temporary, path)
                else:
                    temporary.replace(path)
            sync_directory(path.parent)
        return etag

    def delete(self, key: str) -> None:
        """Delete one picture, and then what is kept beside it; its folder stays."""
        check_picture_key(key, self.uri_for(key))
        path = self._path_of(key, "delete")
        with store_errors(path, "delete"), self._key_lock(key):
            remove(path)
            self._descriptions.delete(key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Every object whose key starts with `prefix`, with "" for its etag."""
        for key in self.list_keys(prefix):
            path = self.uri_for(key)
            with store_errors(path, "list"), suppress(FileNotFoundError):  # it is gone by now
                yield _info(key, os.lstat(path), etag="")

    def list_keys(self, prefix: str) -> Iterator[str]:
        """The keys alone."""
        return self.list_wanted(prefix, None)

    def list_wanted(self, prefix: str, wanted: Wanted | None) -> Iterator[str]:
        """As `list_keys`; of a folder that has what is wanted of it, that alone."""
        self._path_of(f"{prefix}-", "list")  # a prefix is good if a key can start with it
        with store_errors(self.uri_for(prefix), "list"):
            yield from scan_keys(f"{self._root}/", prefix, wanted)

    def free_bytes(self) -> int:
        """What the file system has left for this user."""
        with store_errors(self.uri, "read the free space of"):
            made = self._root
            while not made.exists():
                made = made.parent
            file_system = os.statvfs(made)
            return file_system.f_bavail * file_system.f_frsize

    def now(self) -> datetime:
        """The file system's clock: the time that it gives to a new file."""
        with (
            store_errors(self.uri, "read the clock of"),
            self._temporary_file([]) as (temporary, _),
        ):
            return _modified_at(temporary.stat())

    def _path_of(self, key: str, attempted: str) -> Path:
        if "\0" in key or any(not part or part.startswith(".") for part in key.split("/")):
            problem = "no part of a key may be empty or start with a dot"
            raise StoreError(f"{self.uri}/{key}", attempted, problem)
        path = self._root / key
        with store_errors(path, attempted):
            for folder in path.parents[: key.count("/")]:
                if folder.is_symlink():
                    problem = "a symbolic link leads there, and the store follows none"
                    raise StoreError(str(path), attempted, problem)
        return path

    def _put_description(self, key: str, path: Path, etag: str, new: Description) -> None:
        """Describe the body that comes next, and still the present one until then."""
        known = self._descriptions.read(key)
        if not known and new == default_description(key):
            return
        current = _etag_of(path) if known else None
        kept = {one: known[one] for one in known if one == current}
        self._descriptions.write(key, kept | {etag: new})

    @contextmanager
    def _temporary_file(self, parts: Iterable[bytes]) -> Iterator[tuple[Path, str]]:
        with temporary_file(self._temporary_folder, parts) as (path, sha256):
            if not self._leftovers_removed:
                self._leftovers_removed = True
                with suppress(OSError):  # no reason not to write
                    _remove_leftovers(self._temporary_folder, path)
            yield path, sha256

    @contextmanager
    def _key_lock(self, key: str) -> Iterator[None]:
        if not self._is_known_safe:
            if problem := why_unsafe(self._root):
                raise StoreError(self.uri, "write", problem)
            self._is_known_safe = True
        make_directory(self._locks)
        path = self._locks / f"{zlib.crc32(key.encode()) % _LOCKS:02d}"
        # Never removed: one writer would hold the removed file's lock, the next a new file's.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            lock(descriptor, path)
            try:
                yield
            finally:
                # Said outright: closing does not unlock what a forked child holds open too.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)


def _remove_leftovers(folder: Path, fresh: Path) -> None:
    """Remove what dead processes left; a live one's file is never that old."""
    newest = fresh.stat().st_mtime - _LEFTOVER_AGE.total_seconds()
    for entry in scan(folder):
        with suppress(FileNotFoundError):
            if entry.stat(follow_symlinks=False).st_mtime < newest:
                Path(entry).unlink()


def _read(key: str, path: Path) -> tuple[bytes, ObjectInfo]:
    with _open_object(path) as file:
        data = file.read()
        info = os.fstat(file.fileno())  # its name may lead to the next body by now
    return data, _info(key, info, etag=hashlib.sha256(data).hexdigest())


def _look_at(key: str, path: Path) -> ObjectInfo:
    with _open_object(path) as file:
        etag = hashlib.file_digest(file, "sha256").hexdigest()
        return _info(key, os.fstat(file.fileno()), etag=etag)


def _open_object(path: Path) -> BufferedReader:
    try:
        return open(path, "rb", opener=_open_itself)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise ObjectNotFoundError(str(path), "read", "there is no such object") from error


def _open_itself(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _info(key: str, info: os.stat_result, *, etag: str) -> ObjectInfo:
    modified_at = _modified_at(info)
    return ObjectInfo(key=key, size_bytes=info.st_size, etag=etag, modified_at=modified_at)


def _modified_at(info: os.stat_result) -> datetime:
    return datetime.fromtimestamp(info.st_mtime, UTC)


def _etag_of(path: Path) -> str | None:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
