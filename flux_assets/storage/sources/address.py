"""What an address of bytes may look like, be shown as, and how much it may give."""

import re
from collections.abc import Callable

from pydantic import SecretStr

from flux_assets.errors import SourceError

SecretHeader = tuple[str, SecretStr]
Change = Callable[[bytes | None], bytes]
"""Makes a file's new bytes of its present ones; None where there is no file yet."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


def scheme_of(uri: str) -> str:
    """The scheme in lower case; nothing for a path."""
    scheme = _SCHEME.match(uri)
    return scheme[1].lower() if scheme else ""


def shown_uri(uri: str) -> str:
    """An address as people may see it: without a password or a query, which may be a signature."""
    if scheme_of(uri) in {"", "s3"}:
        return uri
    return re.sub(r"(?<=://)[^/]*@", "", re.split(r"[?#]", uri, maxsplit=1)[0])


def check_size(uri: str, size_bytes: int, max_bytes: int) -> None:
    """Refuse what is too large.

    Raises:
        SourceError: it has more than `max_bytes`.
    """
    if size_bytes > max_bytes:
        raise SourceError(
            shown_uri(uri),
            f"has {size_bytes:,} bytes, more than the {max_bytes:,} that are read at most; "
            "check that it is the right file, or export fewer columns or products",
        )
