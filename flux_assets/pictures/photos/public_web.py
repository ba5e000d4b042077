"""Photos behind `http(s)://` addresses that a catalog names, which nobody has vouched for.

Whoever writes a catalog's cell must not reach through us what only we can reach. So a host is
looked up once, every address found must be public, and the connection goes to just the address
that was checked: a second look-up could be told another one. No proxy is used, for a proxy looks
hosts up by itself. urllib3 is imported with this module, so this one is where it is used.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import urljoin

from urllib3 import BaseHTTPResponse
from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError
from flux_assets.pictures.photos.fetched import (
    MAX_PHOTO_BYTES,
    FetchedPhoto,
    NotModified,
    PhotoVersion,
    check_photo_size,
)
from flux_assets.pictures.photos.pinned import DEFAULT_PORTS, PinnedConnections, PrivateHostError
from flux_assets.storage.sources.address import shown_uri
from flux_assets.storage.sources.deadline import within

_CHUNK_BYTES = 65_536
_HEADERS = {"User-Agent": "flux-assets", "Accept": "image/*", "Accept-Encoding": "identity"}
_DECODED = frozenset({"", "deflate", "gzip", "identity", "x-gzip"})
_MAX_REDIRECTS = 3
_MAX_VERSION_CHARACTERS = 256
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicWeb:
    """Reads untrusted addresses, each within one deadline.

    Args:
        connections: how hosts are looked up, and which may be connected to.
        timeout_seconds: for one photo, with look-ups, redirects and all.
        max_bytes: of one photo, as sent and as decoded.
    """

    connections: PinnedConnections = field(default_factory=PinnedConnections)
    timeout_seconds: float = 30.0
    max_bytes: int = MAX_PHOTO_BYTES

    def close(self) -> None:
        """Close the connections that are kept."""
        self.connections.close()

    def read(self, uri: str, known: PhotoVersion | None) -> FetchedPhoto | NotModified:
        """Read what lies at an address, unless it is still of the `known` version.

        Raises:
            PhotoUnusableError: nothing lies there (HTTP 404 or 410), it is too large, or the
                address is one that is not read.
            PhotoUnavailableError: it cannot be had now, or only if private networks are allowed.
        """
        return within(
            self.timeout_seconds,
            uri,
            lambda is_over: self._read(uri, known, is_over),
            failed=PhotoUnavailableError,
        )

    def _read(
        self, uri: str, known: PhotoVersion | None, is_over: threading.Event
    ) -> FetchedPhoto | NotModified:
        with self._follow(uri, known, is_over) as response:
            if response.status == 304 and known is not None:
                return NotModified()
            if response.status != 200:
                _refuse_status(uri, response.status)
            version = PhotoVersion(
                etag=_version_header(response, "ETag"),
                last_modified=_version_header(response, "Last-Modified"),
            )
            return FetchedPhoto(data=self._read_body(uri, response, is_over), version=version)

    def _read_body(self, uri: str, response: BaseHTTPResponse, is_over: threading.Event) -> bytes:
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in _DECODED:
            problem = f"is sent with the content encoding {encoding[:40]!r}; serve it without any"
            raise PhotoUnusableError(shown_uri(uri), problem)
        declared = response.headers.get("Content-Length", "")
        if declared.isdecimal():
            check_photo_size(uri, int(declared), self.max_bytes)
        chunks, size_bytes = [], 0
        for chunk in response.stream(_CHUNK_BYTES, decode_content=True):
            chunks.append(chunk)
            size_bytes += len(chunk)
            check_photo_size(uri, size_bytes, self.max_bytes)
            if is_over.is_set():
                break
        return b"".join(chunks)

    @contextmanager
    def _follow(
        self, uri: str, known: PhotoVersion | None, is_over: threading.Event
    ) -> Iterator[BaseHTTPResponse]:
        """Ask, and ask again where it is redirected; every target is checked anew."""
        headers = _conditions(known)
        target = _parse_target(uri, uri)
        for _ in range(1 + _MAX_REDIRECTS):
            with self._send(uri, target, headers) as response:
                location = response.headers.get("Location")
                if response.status not in _REDIRECTS or not location:
                    yield response
                    return
            if is_over.is_set():
                raise PhotoUnavailableError(shown_uri(uri), "its time is over")
            came_from, target = target, _parse_target(urljoin(target.url, location), uri)
            if (came_from.scheme, target.scheme) == ("https", "http"):
                problem = "is redirected from https to http; give the address that it leads to"
                raise PhotoUnusableError(shown_uri(uri), problem)
            # Another target's time says nothing of this one's: it may be an older photo.
            headers.pop("If-Modified-Since", None)
        problem = f"is redirected more than {_MAX_REDIRECTS} times; give the photo's own address"
        raise PhotoUnusableError(shown_uri(uri), problem)

    @contextmanager
    def _send(
        self, uri: str, target: Url, headers: Mapping[str, str]
    ) -> Iterator[BaseHTTPResponse]:
        response = self._ask(uri, target, headers)
        try:
            yield response
            if response.status == 304:
                response.read()  # there is nothing, and so the connection can be used again
        finally:
            if response.connection is not None:  # not read to its end
                response.close()
                response.release_conn()

    def _ask(self, uri: str, target: Url, headers: Mapping[str, str]) -> BaseHTTPResponse:
        try:
            return self.connections.get(target, {**_HEADERS, **headers})
        except UnicodeError:
            problem = "names a host that cannot be looked up; correct the address"
            raise PhotoUnusableError(shown_uri(uri), problem) from None
        except PrivateHostError:
            where = "" if shown_uri(target.url) == shown_uri(uri) else f", by way of {target.host}"
            problem = (
                f"leads into a private network{where}, and only public photos are read; set "
                "FLUX_ASSETS_ALLOW_PRIVATE_SOURCES=true if the catalog may lead there"
            )
            # A setting away from being there, so no fallback may be bought in its stead.
            raise PhotoUnavailableError(shown_uri(uri), problem) from None


def _parse_target(uri: str, asked: str) -> Url:
    try:
        target = parse_url(uri)
    except LocationParseError:
        target = Url()
    problem = ""
    if target.scheme not in DEFAULT_PORTS or not target.host:
        problem = "is, or is redirected to, no http:// or https:// address; correct it"
    elif target.auth is not None:
        problem = "holds a user name or password, which is never sent; give an address without"
    if problem:
        raise PhotoUnusableError(shown_uri(asked), problem)
    return target


def _conditions(known: PhotoVersion | None) -> dict[str, str]:
    if known is None:
        return {}
    conditions = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in conditions.items() if value}


def _version_header(response: BaseHTTPResponse, name: str) -> str:
    """A header that can be sent back as it is; another says nothing."""
    value = response.headers.get(name, "").strip()
    fits = value.isascii() and value.isprintable() and len(value) <= _MAX_VERSION_CHARACTERS
    return value if fits else ""


def _refuse_status(uri: str, status: int) -> NoReturn:
    if status in {404, 410}:
        problem = f"there is no such photo (HTTP {status}); correct the address in the catalog"
        raise PhotoUnusableError(shown_uri(uri), problem)
    problem = f"the server answered HTTP {status}, and no photo; check the address"
    if status in {401, 403, 407}:
        problem = f"access is denied (HTTP {status}); let the photo be read without signing in"
    elif status in {408, 429} or status >= 500:
        problem = f"the server cannot give it now (HTTP {status}); try again later"
    raise PhotoUnavailableError(shown_uri(uri), problem)
