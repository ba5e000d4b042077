"""A photo as it was read, and what tells whether it is still the same."""

from dataclasses import dataclass

from flux_assets.errors import PhotoUnusableError
from flux_assets.storage.sources.address import shown_uri

MAX_PHOTO_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoVersion:
    """What a server says of the version it gave; a file's is its time and size.

    Both are empty where a server says nothing: no change can be seen then without reading.
    """

    etag: str
    last_modified: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedPhoto:
    """The bytes at an address, whatever they are, at most MAX_PHOTO_BYTES."""

    data: bytes
    version: PhotoVersion


@dataclass(frozen=True, slots=True)
class NotModified:
    """What lies at the address is still of the version that was remembered."""


def check_photo_size(uri: str, size_bytes: int, max_bytes: int = MAX_PHOTO_BYTES) -> None:
    """Refuse what is too large.

    Raises:
        PhotoUnusableError: it has more than `max_bytes`.
    """
    if size_bytes > max_bytes:
        raise PhotoUnusableError(
            shown_uri(uri),
            f"has more than the {max_bytes:,} bytes that are read at most; give a smaller photo",
        )
