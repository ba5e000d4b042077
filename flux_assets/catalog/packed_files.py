"""A packed file's bytes -> the bytes of the one file inside, within limits."""

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Sequence
from typing import Protocol

from flux_assets.catalog.file_kinds import GZIP_MARK, ZIP_MARK
from flux_assets.errors import CatalogError
from flux_assets.storage.sources.read import DEFAULT_MAX_BYTES

# A repetitive export packs to a fiftieth; what packs better than this is made to fill the memory.
_MAX_RATIO = 250
_RATIO_FREE_BYTES = 16 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_ENCRYPTED = 0x1
_DAMAGED = (
    *(OSError, EOFError, ValueError, NotImplementedError, RuntimeError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)
# What a ZIP archive is by the files it has.
_OFFICE = (
    ("xl/", "spreadsheet"),
    ("content.xml", "spreadsheet"),
    ("word/", "a Word document"),
    ("ppt/", "a PowerPoint presentation"),
    ("Index/", "a document of Apple's Numbers, Pages or Keynote; export it there as CSV"),
    ("index.numbers", "a document of Apple's Numbers; export it there as CSV"),
)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpack(data: bytes, name: str) -> bytes:
    """The file inside a gzip or ZIP archive; any other file, a spreadsheet too, as it is.

    Raises:
        CatalogError: the archive is damaged, encrypted, too large once unpacked, or has not
            exactly one file, that is no archive itself.
    """
    if data.startswith(GZIP_MARK):
        inner = _ungzip(data, name)
    elif data.startswith(ZIP_MARK) and not is_spreadsheet(data, name):
        inner = _unzip(data, name)
    else:
        return data
    is_zip = inner.startswith(ZIP_MARK) and not is_spreadsheet(inner, name)
    if is_zip or inner.startswith(GZIP_MARK):
        raise CatalogError(name, "is an archive in an archive; give the file inside, or pack once")
    return inner


def is_spreadsheet(data: bytes, name: str) -> bool:
    """Whether a ZIP archive is a workbook, whose parts are then known to unpack within limits.

    Raises:
        CatalogError: it is damaged, too large once unpacked, or another program's document.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            kind = _office_kind([member.filename for member in members])
            if kind == "spreadsheet":
                left = DEFAULT_MAX_BYTES
                for member in members:
                    with archive.open(member) as file:
                        left -= _count(file, left, len(data), name)
    except _DAMAGED as error:
        raise CatalogError(name, f"is a damaged ZIP archive ({error}); export it again") from error
    if kind and kind != "spreadsheet":
        raise CatalogError(name, f"is {kind}, no catalog; give the shop's export as CSV")
    return bool(kind)


def _office_kind(names: Sequence[str]) -> str:
    for start, kind in _OFFICE:
        if any(name.startswith(start) for name in names):
            return kind
    return ""


def _ungzip(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            return _read(file, len(data), name)
    except _DAMAGED as error:
        problem = f"is a gzip archive that is cut off or damaged ({error}); export it again"
        raise CatalogError(name, problem) from error


def _unzip(data: bytes, name: str) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            member = _only_file(archive.infolist(), name)
            with archive.open(member) as file:
                return _read(file, len(data), name)
    except _DAMAGED as error:
        raise CatalogError(name, f"is a damaged ZIP archive ({error}); export it again") from error


def _only_file(members: Sequence[zipfile.ZipInfo], name: str) -> zipfile.ZipInfo:
    files = [
        member
        for member in members
        if not member.is_dir()
        and not member.filename.startswith("__MACOSX/")
        and not member.filename.rpartition("/")[2].startswith(".")
    ]
    if len(files) != 1:
        shown = ", ".join(repr(member.filename[:60]) for member in files[:10])
        problem = f"is a ZIP archive of {len(files)} files ({shown}); give one of exactly one file"
        raise CatalogError(name, problem)
    if files[0].flag_bits & _ENCRYPTED:
        raise CatalogError(name, "is a ZIP archive with a password; give one without")
    return files[0]


def _read(file: _Readable, packed_bytes: int, name: str) -> bytes:
    unpacked = bytearray()
    while chunk := file.read(_CHUNK_BYTES):
        unpacked += chunk
        _check_size(len(unpacked), DEFAULT_MAX_BYTES, packed_bytes, name)
    return bytes(unpacked)


def _count(file: _Readable, left: int, packed_bytes: int, name: str) -> int:
    size = 0
    while chunk := file.read(_CHUNK_BYTES):
        size += len(chunk)
        _check_size(size, left, packed_bytes, name)
    return size


def _check_size(size: int, limit: int, packed_bytes: int, name: str) -> None:
    if size > limit or (size > _RATIO_FREE_BYTES and size > _MAX_RATIO * packed_bytes):
        problem = f"unpacks to more than {size // 1024**2} MB, which is more than is read"
        raise CatalogError(name, f"{problem}; give a smaller export, or an unpacked one")
