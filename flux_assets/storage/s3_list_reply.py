"""A page of S3's LIST read in a fraction of the time that boto3's XML and time parsers take.

The call itself stays boto3's, with its credentials, endpoint, retries and errors: only what the
body says of objects is read here. What is not as S3 writes it is left to boto3.
"""

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# What stands under any service is called before what stands under `s3`, which parses the body.
_EVENT = "before-parse.*.ListObjectsV2"
_OPENING, _CLOSING = "<Contents>", "</Contents>"
# In S3's own order; checksums lie between the etag and the size.
_OBJECT = re.compile(
    r"<Contents><Key>([^<]*)</Key><LastModified>([^<]*)</LastModified><ETag>([^<]*)</ETag>"
    r"(?:<Checksum\w+>[^<]*</Checksum\w+>)*<Size>(\d+)</Size>"
)
_OK = 200


def list_quickly(client: "S3Client") -> None:
    """Let a client read LIST's pages by `read_objects`."""
    client.meta.events.register(_EVENT, read_objects, unique_id=_EVENT)


def read_objects(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    """Take the objects out of the body of a reply to ListObjectsV2, as `Contents`.

    A handler of botocore's event `before-parse`. Each object has the fields `Key`, `LastModified`,
    `ETag` and `Size` as boto3 gives them; keys are as they were sent, and botocore unquotes them
    after.

    Args:
        response_dict: the reply; its `body` loses what was read.
        customized_response_dict: what becomes a part of what boto3 answers.
    """
    if response_dict["status_code"] != _OK:
        return
    try:
        body = response_dict["body"].decode()
        objects = [_build(*texts) for texts in _OBJECT.findall(body)]
    except ValueError:
        return
    start, end = body.find(_OPENING), body.rfind(_CLOSING) + len(_CLOSING)
    if not objects or len(objects) != body.count(_OPENING) or "<CommonP" in body[start:end]:
        return
    customized_response_dict["Contents"] = objects
    response_dict["body"] = f"{body[:start]}{body[end:]}".encode()


def _build(key: str, modified_at: str, etag: str, size: str) -> dict[str, Any]:
    """One object.

    Raises:
        ValueError: a field is not as S3 writes it.
    """
    if "&" in key:
        raise ValueError
    return {
        "Key": key,
        "LastModified": datetime.fromisoformat(modified_at),
        "ETag": etag.replace("&quot;", '"'),
        "Size": int(size),
    }
