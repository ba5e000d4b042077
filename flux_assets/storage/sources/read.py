"""One way to read, whatever the address is of."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from flux_assets.errors import SourceError
from flux_assets.storage.sources.address import SecretHeader, scheme_of, shown_uri
from flux_assets.storage.sources.local_file import file_version, read_file

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
READ_TIMEOUT_SECONDS = 600
VERSION_TIMEOUT_SECONDS = 30  # whoever asks for a version asks every minute


def read_bytes(
    uri: str,
    *,
    s3_client: "Callable[[], S3Client] | None" = None,
    header: SecretHeader | None = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
    timeout_seconds: float = READ_TIMEOUT_SECONDS,
) -> bytes:
    """Read the whole of one file, S3 object or address, and nothing if it is too large.

    Args:
        uri: a path, `s3://bucket/key`, or `https://` (`http://` on this machine only).
        s3_client: makes the client; without it, one with AWS's own credential chain is made.
        header: name and value sent to the address's own server, and to no other.
        max_bytes: what is larger is refused, before it is read where its size is known.
        timeout_seconds: for all that an address takes, look-up and redirects included.

    Raises:
        SourceError: there is nothing to read, it may not be read, or it is too large.
    """
    scheme = scheme_of(uri)
    if not scheme:
        return read_file(uri, max_bytes)
    if scheme == "s3":
        from flux_assets.storage.sources.s3_object import read_object

        return read_object(uri, max_bytes, s3_client)
    _check_is_web(uri, scheme)
    from flux_assets.storage.sources.web import read_address

    return read_address(uri, header=header, max_bytes=max_bytes, timeout_seconds=timeout_seconds)


def source_version(
    uri: str,
    *,
    s3_client: "Callable[[], S3Client] | None" = None,
    header: SecretHeader | None = None,
    timeout_seconds: float = VERSION_TIMEOUT_SECONDS,
) -> str:
    """What changes when the file or object is replaced, without reading it.

    Args: as of `read_bytes`.

    Raises:
        SourceError: there is nothing there, it may not be looked at, or its server tells neither
            ETag nor Last-Modified.
    """
    scheme = scheme_of(uri)
    if not scheme:
        return file_version(uri)
    if scheme == "s3":
        from flux_assets.storage.sources.s3_object import object_version

        return object_version(uri, s3_client)
    _check_is_web(uri, scheme)
    from flux_assets.storage.sources.web import address_version

    return address_version(uri, header=header, timeout_seconds=timeout_seconds)


def _check_is_web(uri: str, scheme: str) -> None:
    if scheme not in {"https", "http"}:
        problem = f"{scheme}:// is not supported; give a path or s3://bucket/key or https://"
        raise SourceError(shown_uri(uri), problem)
