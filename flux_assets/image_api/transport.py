"""One HTTP call over a connection of its own, inside one deadline, with proof of what was sent.

A stale keep-alive connection cannot be told from a lost reply, and a lost reply is a picture
paid for: so nothing is pooled, nothing retried and no redirect followed.
"""

import io
import math
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from http.client import HTTPException, HTTPResponse
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests
from requests.utils import default_headers
from urllib3.exceptions import HTTPError

from flux_assets.clock import Clock
from flux_assets.connections import advise_on_connection
from flux_assets.errors import NoConnectionError, NotSentError, UnknownOutcomeError
from flux_assets.http_exchange import SharedTlsAdapter, exchange
from flux_assets.image_api.vendor_text import safe_text

_CA_VARIABLE = "REQUESTS_CA_BUNDLE"
_CHUNK_BYTES = 65_536
_HEADERS = {**default_headers(), "User-Agent": "flux-assets", "Connection": "close"}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpReply:
    """One complete reply; the body is decoded from any content encoding."""

    status_code: int
    headers: Mapping[str, str]
    body: bytes


class FilePart(NamedTuple):
    """The one file of a multipart form."""

    field: str
    file_name: str
    data: bytes
    content_type: str


class FreshConnectionAdapter(SharedTlsAdapter):
    """Carries one request; `is_connected` tells whether any of it can have been sent.

    `requests` bounds each read of the socket, so a server that drips bytes would hold it for
    ever: here every read, of headers too, gets only the time that is left until `deadline`.
    """

    def __init__(self, deadline: float, clock: Clock) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.deadline = deadline
        self.send_by = math.inf
        self.clock = clock
        self.is_connected = False

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # requests' own
        """Give the pool whose only connection reports to this adapter, through a proxy or not."""
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        bases = (_ReportingConnection, pool.ConnectionCls)
        pool.ConnectionCls = type("_Connection", bases, {"adapter": self})
        return pool


OpenAdapter = Callable[[float, Clock], FreshConnectionAdapter]


class _ReportingConnection:
    """Mixed into urllib3's connection classes."""

    adapter: FreshConnectionAdapter

    def connect(self) -> None:
        """Connect wholly, TLS and proxy included, and only then allow that something was sent."""
        super().connect()  # type: ignore[misc]  # urllib3's connection class follows in the MRO
        if self.adapter.clock.monotonic() >= min(self.adapter.deadline, self.adapter.send_by):
            message = "connecting took all the time there was"
            raise TimeoutError(message)
        self.adapter.is_connected = True

    def response_class(self, sock: socket.socket, *args: Any, **kwargs: Any) -> HTTPResponse:  # noqa: ANN401  # http.client's own
        """Build http.client's response over a socket whose reads end at the deadline."""
        timed: Any = _DeadlineSocket(sock, self.adapter)
        return HTTPResponse(timed, *args, **kwargs)


class _DeadlineSocket:
    """All that http.client wants of a socket to read a reply from it."""

    def __init__(self, sock: socket.socket, adapter: FreshConnectionAdapter) -> None:
        self._sock = sock
        self._adapter = adapter

    def makefile(self, mode: str) -> io.BufferedReader:
        raw = self._sock.makefile(mode, buffering=0)  # type: ignore[call-overload]  # "rb"
        return io.BufferedReader(_DeadlineReader(self._sock, raw, self._adapter))


class _DeadlineReader(io.RawIOBase):
    def __init__(
        self, sock: socket.socket, raw: io.RawIOBase, adapter: FreshConnectionAdapter
    ) -> None:
        self._sock = sock
        self._raw = raw
        self._adapter = adapter

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  # any writable buffer
        seconds_left = self._adapter.deadline - self._adapter.clock.monotonic()
        if seconds_left <= 0:
            message = "the deadline passed before the reply was complete"
            raise TimeoutError(message)
        self._sock.settimeout(seconds_left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """Makes single HTTP calls; safe to share between threads.

    `clock` is time; `open_adapter` is what a test replaces.
    """

    connect_timeout_seconds: float
    clock: Clock
    open_adapter: OpenAdapter = FreshConnectionAdapter

    def call(
        self,
        method: str,
        url: str,
        *,
        deadline: float,
        max_bytes: int,
        send_by: float = math.inf,
        headers: Mapping[str, str] = MappingProxyType({}),
        json_body: Mapping[str, object] | None = None,
        file_part: FilePart | None = None,
        make_room: Callable[[int], None] = lambda _bytes: None,
    ) -> HttpReply:
        """Send one request and read its whole reply, whatever its status.

        Credentials go out only as given in `headers`, never from a netrc file; proxies and the
        CA bundle come from the environment, except for this machine's own addresses.

        Args:
            method: of HTTP.
            url: whole; its query stays out of every error's text.
            deadline: for everything, on `clock`.
            max_bytes: the largest body that is read.
            send_by: when it may not be sent any more, on `clock`.
            headers: to add.
            json_body: to send.
            file_part: to send instead, as a multipart form.
            make_room: told how many bytes follow at most, before any is read; the time that it
                takes is none of the deadline's.

        Raises:
            NotSentError: no connection was made, so nothing was sent; NoConnectionError, if that
                is not for want of time.
            UnknownOutcomeError: a connection was made, and no complete reply came of it.
        """
        where = f"{method} {url.partition('?')[0]}"
        connect_seconds = min(self.connect_timeout_seconds, deadline - self.clock.monotonic())
        if connect_seconds <= 0:
            raise NotSentError(f"{where} was not sent: no time was left for it")
        outside = sys.exception()
        adapter = self.open_adapter(deadline, self.clock)
        adapter.send_by = send_by
        try:
            request = requests.Request(
                method,
                url,
                headers={**_HEADERS, **headers},
                json=json_body,
                files={file_part.field: file_part[1:]} if file_part else None,
                auth=_no_auth,
            )
            with exchange(request, timeout=(connect_seconds, None), adapter=adapter) as response:
                began = self.clock.monotonic()
                make_room(_most_bytes(response.headers, max_bytes))
                adapter.deadline += self.clock.monotonic() - began
                return self._read_reply(response, max_bytes)
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            reason = _root_of(error, outside)
            if adapter.is_connected:
                raise UnknownOutcomeError(f"{where}: its reply did not come: {reason}") from error
            told = f"{where} was not sent, there is no connection: {reason}"
            if _CA_VARIABLE not in reason:  # else it says already what to do
                host = urlsplit(url).netloc
                told += f"; {advise_on_connection(error, host, ca_variable=_CA_VARIABLE)}"
            raise NoConnectionError(told) from error

    def _read_reply(self, response: requests.Response, max_bytes: int) -> HttpReply:
        """Read it all; without a `Date` of its own it gets the time of its receipt (RFC 9110)."""
        body = bytearray()
        for chunk in response.iter_content(_CHUNK_BYTES):
            body += chunk
            if len(body) > max_bytes:
                message = f"it is larger than {max_bytes} bytes"
                raise OSError(message)
        response.headers.setdefault("Date", format_datetime(self.clock.utc_now(), usegmt=True))
        return HttpReply(
            status_code=response.status_code, headers=response.headers, body=bytes(body)
        )


def _most_bytes(headers: Mapping[str, str], max_bytes: int) -> int:
    told = headers.get("Content-Length", "")
    is_told = told.isdecimal() and "Content-Encoding" not in headers  # which may unpack to more
    return min(int(told), max_bytes) if is_told else max_bytes


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stand in for credentials, or requests would take those that the URL may name."""
    return request


def _root_of(error: BaseException, outside: BaseException | None) -> str:
    """Name the innermost cause: the outer ones carry the whole URL with its query.

    `outside` is what the caller was already dealing with when it called.
    """
    while (inner := error.__cause__ or error.__context__) and inner is not outside:
        error = inner
    return f"{type(error).__name__} {safe_text(str(error))}".strip()
