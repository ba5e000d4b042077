"""Bytes from an S3 object; boto3 is slow to import, so this module is imported where it is used."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from flux_assets.errors import SourceError
from flux_assets.storage.aws_session import open_aws_session
from flux_assets.storage.s3_errors import (
    S3_FAILURES,
    advise_on_refusal,
    code_of,
    explain_failure,
    told_of,
)
from flux_assets.storage.sources.address import Change, check_size

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CHUNK_BYTES = 1024 * 1024
_DENIED_CODES = frozenset({"403", "AccessDenied", "AllAccessDisabled", "Forbidden"})
_NO_OBJECT = "there is no such object; check the bucket's name and the key"
_CHANGED = "was changed by somebody else meanwhile; try again"
_PROBLEMS = {
    "NoSuchBucket": "there is no such bucket; check its name, AWS_REGION and AWS_ENDPOINT_URL_S3",
    **dict.fromkeys(("404", "NoSuchKey", "NotFound"), _NO_OBJECT),
    **dict.fromkeys(("412", "ConditionalRequestConflict", "PreconditionFailed"), _CHANGED),
}


def read_object(uri: str, max_bytes: int, s3_client: "Callable[[], S3Client] | None") -> bytes:
    """Read a whole object.

    Raises:
        SourceError: it is not there, may not be read, or is too large.
    """
    bucket, key = split_uri(uri)
    with s3_errors(uri):
        reply = make_client(s3_client).get_object(Bucket=bucket, Key=key)
        check_size(uri, reply["ContentLength"], max_bytes)
        with closing(reply["Body"]) as body:
            return b"".join(body.iter_chunks(_CHUNK_BYTES))


def object_version(uri: str, s3_client: "Callable[[], S3Client] | None") -> str:
    """An object's ETag.

    Raises:
        SourceError: it is not there, or may not be looked at.
    """
    bucket, key = split_uri(uri)
    with s3_errors(uri):
        return make_client(s3_client).head_object(Bucket=bucket, Key=key)["ETag"].strip('"')


def edit_object(
    uri: str,
    change: Change,
    put_args: Mapping[str, Any],
    s3_client: "Callable[[], S3Client] | None",
) -> None:
    """Put what `change` makes of an object in its place, if nobody else has changed it meanwhile.

    Raises:
        SourceError: it may not be read or written, or it changed meanwhile.
    """
    bucket, key = split_uri(uri)
    client = make_client(s3_client)
    with s3_errors(uri):
        before: bytes | None = None
        condition: dict[str, Any] = {"IfNoneMatch": "*"}
        try:
            reply = client.get_object(Bucket=bucket, Key=key)
            before, condition = reply["Body"].read(), {"IfMatch": reply["ETag"].removeprefix("W/")}
        except client.exceptions.NoSuchKey:
            pass
        data = change(before)
        arguments = {"ContentType": "text/csv", **put_args, **condition}
        client.put_object(Bucket=bucket, Key=key, Body=data, **arguments)


def split_uri(uri: str) -> tuple[str, str]:
    """The bucket and the key.

    Raises:
        SourceError: the address lacks one of them.
    """
    bucket, _, key = uri[len("s3://") :].partition("/")
    if not bucket or not key or key.endswith("/"):
        raise SourceError(uri, "names no object; write s3://bucket/key, down to the file's name")
    return bucket, key


def make_client(s3_client: "Callable[[], S3Client] | None") -> "S3Client":
    """The caller's client, else one with AWS's own credential chain."""
    return s3_client() if s3_client is not None else open_aws_session().client("s3")


@contextmanager
def s3_errors(uri: str) -> Iterator[None]:
    """Say in our own words what boto3 raises; its error stays the cause.

    Raises:
        SourceError: whatever went wrong.
    """
    try:
        yield
    except ClientError as error:
        raise SourceError(uri, _explain_refusal(error)) from error
    except S3_FAILURES as error:
        raise SourceError(uri, f"could not be read from S3: {explain_failure(error)}") from error
    except (KeyError, ValueError) as error:  # a reply without what is asked of it, or no URL at all
        problem = f"could not be read from S3 ({error}); check AWS_ENDPOINT_URL_S3"
        raise SourceError(uri, problem) from error


def _explain_refusal(error: ClientError) -> str:
    code, told = code_of(error), told_of(error)
    if code in _PROBLEMS:
        return _PROBLEMS[code]
    if error.operation_name.startswith("AssumeRole"):
        return f"the role was refused ({told}); check its trust policy, and AWS_PROFILE"
    if advice := advise_on_refusal(error):
        return f"S3 answered {told}; {advice[0].lower()}{advice[1:]}"
    if code in _DENIED_CODES:
        return (
            "access is denied; the credentials need s3:GetObject on it (and, to tell a missing "
            "object from a forbidden one, s3:ListBucket on the bucket; to change it, s3:PutObject)"
        )
    return f"S3 answered {told}; check the credentials, AWS_REGION and AWS_ENDPOINT_URL_S3"
