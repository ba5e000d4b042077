"""A photo that is an S3 object; boto3 is slow to import, so this module is where it is used."""

from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError, SourceError
from flux_assets.pictures.photos.fetched import (
    FetchedPhoto,
    NotModified,
    PhotoVersion,
    check_photo_size,
)
from flux_assets.storage.sources.s3_object import make_client, s3_errors, split_uri

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_MISSING = frozenset({"404", "NoSuchKey", "NotFound"})
_NOT_MODIFIED = frozenset({"304", "NotModified"})


def read_s3_photo(
    uri: str, known: PhotoVersion | None, s3_client: "Callable[[], S3Client] | None"
) -> FetchedPhoto | NotModified:
    """Read an object, unless it is still of the known version.

    Raises:
        PhotoUnusableError: there is no such object, or it is larger than MAX_PHOTO_BYTES.
        PhotoUnavailableError: S3 does not give it now, or not to us.
    """
    try:
        bucket, key = split_uri(uri)
    except SourceError as error:
        raise PhotoUnusableError(error.uri, error.problem) from None
    try:
        with s3_errors(uri):
            client = make_client(s3_client)
            condition = {"IfNoneMatch": known.etag} if known and known.etag else {}
            reply = client.get_object(Bucket=bucket, Key=key, **condition)  # type: ignore[arg-type]
            with closing(reply["Body"]) as body:
                check_photo_size(uri, reply["ContentLength"])
                version = PhotoVersion(etag=reply["ETag"], last_modified="")
                return FetchedPhoto(data=body.read(), version=version)
    except PhotoUnusableError:
        raise
    except SourceError as error:
        code = _code_of(error.__cause__)
        if code in _NOT_MODIFIED:
            return NotModified()
        failed = PhotoUnusableError if code in _MISSING else PhotoUnavailableError
        raise failed(error.uri, error.problem) from error


def _code_of(error: BaseException | None) -> str:
    found = error.response.get("Error", {}) if isinstance(error, ClientError) else {}
    return str(found.get("Code", ""))
