"""Bytes from an `https://` address; requests is imported with this module, where it is used."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin

import requests
from urllib3.util import Url, parse_url

from flux_assets.errors import SourceError
from flux_assets.http_exchange import exchange
from flux_assets.setting_values import LOOPBACK_HOSTS
from flux_assets.storage.sources.address import SecretHeader, check_size, shown_uri
from flux_assets.storage.sources.deadline import within

# To connect, and between two pieces: some shops make the export while it is waited for.
_TIMEOUT = (10, 120)
_CHUNK_BYTES = 65_536
_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_DOWNGRADE = ("https", "http")
_HEADER_SETTINGS = "FLUX_ASSETS_CATALOG_HEADER or FLUX_ASSETS_OVERRIDES_HEADER"


def read_address(
    uri: str, *, header: SecretHeader | None, max_bytes: int, timeout_seconds: float
) -> bytes:
    """Read all that an address gives.

    Raises:
        SourceError: it gives nothing, too much, too slowly, or leads where it must not.
    """
    return within(timeout_seconds, uri, lambda is_over: _download(uri, header, max_bytes, is_over))


def address_version(uri: str, *, header: SecretHeader | None, timeout_seconds: float) -> str:
    """The ETag of what is at an address, else when it was last modified.

    Raises:
        SourceError: as for `read_address`, or its server gives neither.
    """
    return within(timeout_seconds, uri, lambda _: _ask_version(uri, header))


def _download(
    uri: str, header: SecretHeader | None, max_bytes: int, is_over: threading.Event
) -> bytes:
    chunks, size_bytes = [], 0
    with _open(uri, "GET", header, {}) as response:
        if response.status_code != 200:
            raise _status_error(uri, response.status_code)
        check_size(uri, int(response.headers.get("Content-Length", 0)), max_bytes)
        for chunk in response.iter_content(_CHUNK_BYTES):
            chunks.append(chunk)
            size_bytes += len(chunk)
            check_size(uri, size_bytes, max_bytes)
            if is_over.is_set():
                break
    return b"".join(chunks)


def _ask_version(uri: str, header: SecretHeader | None) -> str:
    """By HEAD; and by GET, as not every server knows HEAD, and no signature is for both."""
    asked: tuple[tuple[str, dict[str, str]], ...] = (("HEAD", {}), ("GET", {"Range": "bytes=0-0"}))
    for method, headers in asked:
        with _open(uri, method, header, headers) as response:
            version = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if response.status_code in {200, 206} and version:
            return version
    if response.status_code not in {200, 206}:
        raise _status_error(uri, response.status_code)
    problem = "its server gives neither ETag nor Last-Modified, so no change can be seen"
    raise SourceError(shown_uri(uri), f"{problem}; refresh by the schedule instead")


@contextmanager
def _open(
    uri: str, method: str, header: SecretHeader | None, headers: Mapping[str, str]
) -> Iterator[requests.Response]:
    """Send a request, and again where it is redirected; the header goes to its own server only."""
    origin = target = parse_url(uri)
    if not _is_safe(origin):
        problem = "is not https, nor http on this machine's own address; give a safe one"
        raise SourceError(shown_uri(uri), problem)
    if origin.auth:
        problem = f"holds a user name or password; give it by {_HEADER_SETTINGS} instead"
        raise SourceError(shown_uri(uri), problem)
    for _ in range(1 + _MAX_REDIRECTS):
        secret = {}
        if header and target[:4] == origin[:4]:
            secret = {header[0]: header[1].get_secret_value()}
        sent = {"User-Agent": "flux-assets", **headers, **secret}
        request = requests.Request(method, target.url, headers=sent)
        with exchange(request, timeout=_TIMEOUT) as response:
            location = response.headers.get("Location")
            if response.status_code not in _REDIRECTS or not location:
                yield response
                return
        came_from, target = target, parse_url(urljoin(target.url, location))
        if target.auth or not _is_safe(target) or (came_from.scheme, target.scheme) == _DOWNGRADE:
            problem = f"is redirected to {shown_uri(target.url)}, where it is not safe to follow"
            raise SourceError(shown_uri(uri), problem)
    raise SourceError(shown_uri(uri), f"is redirected more than {_MAX_REDIRECTS} times")


def _is_safe(target: Url) -> bool:
    is_local = (target.host or "").strip("[]") in LOOPBACK_HOSTS
    return target.scheme == "https" or (target.scheme == "http" and is_local)


def _status_error(uri: str, status: int) -> SourceError:
    problem = f"the server answered HTTP {status}, and no file; check the address"
    if status in {401, 403, 407}:
        problem = (
            f"access is denied (HTTP {status}); give the server what it asks for by "
            f"{_HEADER_SETTINGS}, or renew the address if it was signed for a time"
        )
    elif status in {404, 410}:
        problem = f"there is no such file (HTTP {status}); check the address"
    elif status == 429 or status >= 500:
        problem = f"the server cannot give it now (HTTP {status}); try again later"
    return SourceError(shown_uri(uri), problem)
