"""Bytes as the public gets them: no cookie, password or signature goes along.

requests is imported with this module, so this one is where it is used.
"""

import threading
from typing import NamedTuple
from urllib.parse import urljoin

import requests
from urllib3.util import Url, parse_url

from flux_assets.errors import SourceError
from flux_assets.http_exchange import exchange
from flux_assets.image_api.vendor_text import safe_text
from flux_assets.pictures.photos.pinned import resolve_host
from flux_assets.pictures.photos.public_address import is_public
from flux_assets.storage.sources import shown_uri
from flux_assets.storage.sources.deadline import within

MAX_BYTES = 32 * 1024 * 1024
"""No channel takes pictures of so much."""

_CHUNK_BYTES = 65_536
_TIMEOUT = (10, 30)
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_TELLING = ("Server", "Via", "X-Cache", "X-Powered-By")
"""Headers by which whoever changed the bytes can be found."""


class NotPublicError(SourceError):
    """An address leads where the public cannot, or should not, follow."""


class PublicReply(NamedTuple):
    """What came; `served_by` is what the headers say of who sent it, '' if nothing."""

    status: int
    content_type: str
    served_by: str
    data: bytes


def fetch_as_stranger(
    url: str,
    *,
    accept: str = "*/*",
    most_bytes: int = MAX_BYTES,
    timeout_seconds: float = 30,
) -> PublicReply:
    """Ask for an address, and follow where it leads, but never from the internet into a network.

    Args:
        url: whose host may be any, for it is the operator's own setting.
        accept: which media types are wanted.
        most_bytes: that are read; one more is given where there are more.
        timeout_seconds: for everything.

    Raises:
        NotPublicError: it leads where the public cannot, or should not, follow.
        SourceError: nothing complete came.
    """
    return within(timeout_seconds, url, lambda is_over: _ask(url, accept, most_bytes, is_over))


def _ask(url: str, accept: str, most_bytes: int, is_over: threading.Event) -> PublicReply:
    target = parse_url(url)
    headers = {"User-Agent": "flux-assets", "Accept": accept, "Accept-Encoding": "identity"}
    for _ in range(1 + _MAX_REDIRECTS):
        request = requests.Request("GET", target.url, headers=headers, auth=_no_auth)
        with exchange(request, timeout=_TIMEOUT) as response:
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                return PublicReply(
                    status=response.status_code,
                    content_type=safe_text(response.headers.get("Content-Type", "")),
                    served_by=_name_server(response),
                    data=_read(response, most_bytes, is_over),
                )
        came_from, target = target, parse_url(urljoin(target.url, location))
        _check_redirect(url, came_from, target)
    raise NotPublicError(shown_uri(url), f"is redirected more than {_MAX_REDIRECTS} times")


def _read(response: requests.Response, most_bytes: int, is_over: threading.Event) -> bytes:
    data = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        data += chunk
        if len(data) > most_bytes or is_over.is_set():
            break
    return bytes(data[: most_bytes + 1])


def _name_server(response: requests.Response) -> str:
    found = ((name, safe_text(response.headers.get(name, ""))) for name in _TELLING)
    return ", ".join(f"{name}: {text[:80]}" for name, text in found if text)


def _check_redirect(url: str, came_from: Url, target: Url) -> None:
    problem = ""
    if target.scheme not in {"http", "https"} or target.auth or not target.host:
        problem = "where nothing is fetched from"
    elif (came_from.scheme, target.scheme) == ("https", "http"):
        problem = "where anybody on the way can change it; redirect to https"
    elif _is_private(target.host) and not _is_private(came_from.host or ""):
        problem = "in a private network, where the public cannot follow"
    if problem:
        raise NotPublicError(shown_uri(url), f"is redirected to {shown_uri(target.url)}, {problem}")


def _is_private(host: str) -> bool:
    """Whether a name or number leads where the internet does not reach, as far as known here."""
    try:
        return not all(map(is_public, resolve_host(host.strip("[]"), 0)))
    except (OSError, UnicodeError):  # a proxy may know it
        return False


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for credentials, or requests would take those that an address may name."""
    return request
