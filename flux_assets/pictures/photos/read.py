"""One photo that a catalog names, with its version, wherever it lies."""

import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError, SourceError
from flux_assets.pictures.photos.address import locate_photo
from flux_assets.pictures.photos.fetched import (
    MAX_PHOTO_BYTES,
    FetchedPhoto,
    NotModified,
    PhotoVersion,
    check_photo_size,
)
from flux_assets.storage.sources.address import scheme_of
from flux_assets.storage.sources.local_file import file_version, read_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from flux_assets.pictures.photos.public_web import PublicWeb


def read_photo(
    uri: str,
    *,
    beside: str,
    known: PhotoVersion | None,
    web: "PublicWeb",
    s3_client: "Callable[[], S3Client] | None" = None,
) -> FetchedPhoto | NotModified:
    """Read a photo, unless it is still of the version that is known.

    Args:
        uri: the cell's text, see `locate_photo`.
        beside: the catalog's own path or URI.
        known: the version that was read last; None to read whatever is there.
        web: reads `http(s)://` addresses.
        s3_client: makes the client; without it, one with AWS's own credential chain is made.

    Raises:
        PhotoUnusableError: there is no photo there, it is too large, or it may not be read from
            there.
        PhotoUnavailableError: it cannot be had now.
    """
    address = locate_photo(uri, beside=beside)
    scheme = scheme_of(address)
    if scheme == "s3":
        from flux_assets.pictures.photos.s3 import read_s3_photo

        return read_s3_photo(address, known, s3_client)
    if not scheme:
        return _read_file(address, known)
    return web.read(address, known)


def _read_file(path: str, known: PhotoVersion | None) -> FetchedPhoto | NotModified:
    _check_file(path)
    try:
        version = PhotoVersion(etag="", last_modified=file_version(path))
        if version == known:
            return NotModified()
        return FetchedPhoto(data=read_file(path, MAX_PHOTO_BYTES), version=version)
    except SourceError as error:
        raise PhotoUnavailableError(error.uri, error.problem) from error


def _check_file(path: str) -> None:
    try:
        found = Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        problem = "there is no such file; put it there, or correct the path in the catalog"
        raise PhotoUnusableError(path, problem) from None
    except OSError as error:
        problem = f"may not be looked at ({error.strerror}); give this process's user permission"
        raise PhotoUnavailableError(path, problem) from error
    if not stat.S_ISREG(found.st_mode):
        raise PhotoUnusableError(path, "is no regular file; give the path of the photo itself")
    check_photo_size(path, found.st_size)
