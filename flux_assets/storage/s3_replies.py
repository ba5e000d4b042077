"""What a store like S3 leaves out of its replies, though we cannot do without it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from flux_assets.errors import StoreError

_ANOTHER = "choose another store with FLUX_ASSETS_STORE, or mend the proxy before it"


def etag_of(reply: Mapping[str, Any], uri: str, attempted: str) -> str:
    """The etag of a reply about one object.

    Raises:
        StoreError: it has none.
    """
    etag = plain_etag(reply.get("ETag", ""))
    if not etag:
        problem = f"its replies have no ETag, by which changes are told apart; {_ANOTHER}"
        raise StoreError(uri, attempted, problem)
    return etag


def plain_etag(etag: str) -> str:
    """An etag without quotes, and without the mark that a proxy gives one it calls weak."""
    return etag.strip().removeprefix("W/").strip('"')


def modified_at_of(reply: Mapping[str, Any], uri: str) -> datetime:
    """When an object was last modified, in UTC.

    Raises:
        StoreError: the reply does not say.
    """
    modified_at = reply.get("LastModified")
    if not isinstance(modified_at, datetime):
        problem = f"its replies have no Last-Modified, by which a claim's age is told; {_ANOTHER}"
        raise StoreError(uri, "read", problem)
    return modified_at.astimezone(UTC)


def next_page_of(page: Mapping[str, Any], uri: str) -> str:
    """Where a listing goes on; "" where it is complete, whether or not it says so.

    Raises:
        StoreError: it is cut off, and what follows cannot be asked for.
    """
    if page.get("IsTruncated") is False:
        return ""
    token = str(page.get("NextContinuationToken", ""))
    if page.get("IsTruncated") and not token:
        problem = f"its list is cut off and does not say where it goes on; {_ANOTHER}"
        raise StoreError(uri, "list", problem)
    return token
