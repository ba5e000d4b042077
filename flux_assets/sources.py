"""Bytes from where a shop keeps them: a local path or `s3://bucket/key`."""

import re
import stat
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flux_assets.errors import SourceError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DEFAULT_MAX_BYTES = 512 * 1024 * 1024
_CHUNK_BYTES = 1024 * 1024
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_DENIED_CODES = frozenset({"403", "AccessDenied", "AllAccessDisabled", "Forbidden"})
_MISSING_CODES = frozenset({"404", "NoSuchKey", "NotFound"})


def read_bytes(
    uri: str,
    *,
    s3_client: "Callable[[], S3Client] | None" = None,
    max_bytes: int = DEFAULT_MAX_BYTES,
) -> bytes:
    """Read the whole of one file or S3 object, and nothing if it is too large.

    Args:
        uri: a path, or `s3://bucket/key`.
        s3_client: makes the client; without it, one with AWS's own credential chain is made.
        max_bytes: what is larger is refused, before it is read where its size is known.

    Raises:
        SourceError: there is nothing to read, it may not be read, or it is too large.
    """
    location = _split_s3(uri)
    if location is None:
        return _read_path(uri, max_bytes)
    bucket, key = location
    with _s3_errors(uri):
        reply = _make_client(s3_client).get_object(Bucket=bucket, Key=key)
        _check_size(uri, reply["ContentLength"], max_bytes)
        with closing(reply["Body"]) as body:
            return b"".join(body.iter_chunks(_CHUNK_BYTES))


def source_version(uri: str, *, s3_client: "Callable[[], S3Client] | None" = None) -> str:
    """What changes when the file or object is replaced, without reading it.

    Raises:
        SourceError: there is nothing there, or it may not be looked at.
    """
    location = _split_s3(uri)
    if location is None:
        with _path_errors(uri):
            found = Path(uri).stat()
        return f"{found.st_mtime_ns}-{found.st_size}"
    bucket, key = location
    with _s3_errors(uri):
        return _make_client(s3_client).head_object(Bucket=bucket, Key=key)["ETag"].strip('"')


def _split_s3(uri: str) -> tuple[str, str] | None:
    """Bucket and key, or None for a path."""
    scheme = _SCHEME.match(uri)
    if scheme is None:
        return None
    if scheme[1].lower() != "s3":
        raise SourceError(uri, f"{scheme[1]}:// is not supported; give a path or s3://bucket/key")
    bucket, _, key = uri[scheme.end() :].partition("/")
    if not bucket or not key or key.endswith("/"):
        raise SourceError(uri, "names no object; write s3://bucket/key, down to the file's name")
    return bucket, key


def _check_size(uri: str, size_bytes: int, max_bytes: int) -> None:
    if size_bytes > max_bytes:
        raise SourceError(
            uri,
            f"has {size_bytes:,} bytes, more than the {max_bytes:,} that are read at most; "
            "check that it is the right file, or export fewer columns or products",
        )


def _read_path(uri: str, max_bytes: int) -> bytes:
    path = Path(uri)
    with _path_errors(uri):
        before = path.stat()
        if stat.S_ISDIR(before.st_mode):
            raise SourceError(uri, "is a directory; name the file in it")
        if not stat.S_ISREG(before.st_mode):
            # A pipe or a device may never end.
            raise SourceError(uri, "is no regular file; save the export as a file first")
        _check_size(uri, before.st_size, max_bytes)
        with path.open("rb") as file:
            data = file.read(before.st_size + 1)
        after = path.stat()
    if (len(data), after.st_mtime_ns) != (before.st_size, before.st_mtime_ns):
        raise SourceError(uri, "changed while it was read; try again once it is written completely")
    return data


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


def _make_client(s3_client: "Callable[[], S3Client] | None") -> "S3Client":
    if s3_client is not None:
        return s3_client()
    import boto3  # noqa: PLC0415 - heavy, and a path needs none

    # A session of its own: boto3's default one is not safe to make from several threads.
    return boto3.session.Session().client("s3")


@contextmanager
def _s3_errors(uri: str) -> Iterator[None]:
    from botocore.exceptions import (  # noqa: PLC0415 - heavy, and a path needs none
        BotoCoreError,
        ClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise SourceError(uri, _explain_s3_code(code, str(error))) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        problem = (
            "no complete AWS credentials were found; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or run with a role"
        )
        raise SourceError(uri, problem) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: an endpoint that is no URL
        raise SourceError(uri, f"could not be read from S3 ({error}); try again") from error


def _explain_s3_code(code: str, message: str) -> str:
    if code == "NoSuchBucket":
        return "there is no such bucket; check its name, AWS_REGION and AWS_ENDPOINT_URL_S3"
    if code in _MISSING_CODES:
        return "there is no such object; check the bucket's name and the key"
    if code in _DENIED_CODES:
        return (
            "access is denied; the credentials need s3:GetObject on it (and, to tell a missing "
            "object from a forbidden one, s3:ListBucket on the bucket)"
        )
    return f"S3 answered {message}; check the credentials, AWS_REGION and AWS_ENDPOINT_URL_S3"
