"""One way to edit, whatever the address is of; what is on the web can only be read."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from flux_assets.errors import SourceError
from flux_assets.storage.sources.address import Change, scheme_of, shown_uri
from flux_assets.storage.sources.local_file import edit_file
from flux_assets.storage.sources.read import DEFAULT_MAX_BYTES

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def edit_bytes(
    uri: str,
    change: Change,
    *,
    put_args: Mapping[str, Any] = MappingProxyType({}),
    s3_client: "Callable[[], S3Client] | None" = None,
) -> None:
    """Replace one file or S3 object by what `change` makes of it, made where there is none.

    Args:
        uri: a path, or `s3://bucket/key`.
        change: gets the present bytes; what it raises leaves everything as it is.
        put_args: added to an S3 put.
        s3_client: makes the client; without it, one with AWS's own credential chain is made.

    Raises:
        SourceError: it may not be read or written, or somebody else changed it meanwhile.
    """
    scheme = scheme_of(uri)
    if not scheme:
        edit_file(uri, change, DEFAULT_MAX_BYTES)
    elif scheme == "s3":
        from flux_assets.storage.sources.s3_object import edit_object

        edit_object(uri, change, put_args, s3_client)
    else:
        problem = "cannot be written from here; keep the file at a path or at s3://bucket/key"
        raise SourceError(shown_uri(uri), problem)
