"""Requests to a host by just the address that was looked up once and found fit.

No proxy is used: it would look the host up by itself, and be told what it is told.
"""

import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, Retry, Timeout
from urllib3.exceptions import ConnectTimeoutError, MaxRetryError, NewConnectionError
from urllib3.util import Url

from flux_assets.http_exchange import tls_context
from flux_assets.pictures.photos.public_address import is_public

Resolve = Callable[[str, int], Sequence[str]]
"""All IP addresses of a host, best first; the second argument is the port."""

DEFAULT_PORTS = {"http": 80, "https": 443}
_CONNECT_SECONDS = 5.0
_MAX_ADDRESSES = 4
_KEPT_CONNECTIONS = 16

# A kept connection may have been closed meanwhile, and a GET may be asked twice. Waiting as a
# reply's Retry-After says is not ours to do.
_ONCE_MORE = Retry(total=1, connect=0, read=1, redirect=False, respect_retry_after_header=False)


class PrivateHostError(Exception):
    """A host has an address that may not be connected to; nothing was sent."""


class _Pin(NamedTuple):
    scheme: str
    address: str
    port: int
    host: str


def resolve_host(host: str, port: int) -> Sequence[str]:
    """All IP addresses of a host, as the operating system gives them.

    Raises:
        OSError: it gives none.
        UnicodeError: the name is none that could be looked up.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class PinnedConnections:
    """Sends GETs, over connections that are kept until it is closed.

    Args:
        resolve: looks hosts up.
        may_connect: says of an IP address whether it may be connected to.
        timeout_seconds: between two pieces of a reply.
    """

    resolve: Resolve = resolve_host
    may_connect: Callable[[str], bool] = is_public
    timeout_seconds: float = 30.0
    _pools: dict[_Pin, HTTPConnectionPool] = field(default_factory=dict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def close(self) -> None:
        """Close what is kept."""
        with self._lock:
            for pool in self._pools.values():
                pool.close()
            self._pools.clear()

    def get(self, target: Url, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """The reply of the first of the host's addresses that takes a connection.

        Its body is not read, and redirects are not followed. The host is looked up once.

        Raises:
            PrivateHostError: one of the host's addresses, or more, may not be connected to.
            UnicodeError: the host is no name that could be looked up.
            OSError, HTTPError, HTTPException: there is no reply.
        """
        scheme, host = str(target.scheme), str(target.host).strip("[]")
        port = target.port or DEFAULT_PORTS[scheme]
        addresses = self.resolve(host, port)
        if not all(self.may_connect(address) for address in addresses):
            raise PrivateHostError
        failure: Exception = OSError(f"{host} has no address")
        for address in addresses[:_MAX_ADDRESSES]:
            try:
                return self._send(_Pin(scheme, address, port, host), target, headers)
            except MaxRetryError as error:
                if not isinstance(error.reason, NewConnectionError | ConnectTimeoutError):
                    raise
                failure = error
        raise failure

    def _send(self, pin: _Pin, target: Url, headers: Mapping[str, str]) -> BaseHTTPResponse:
        return self._pool(pin).urlopen(
            "GET",
            target.request_uri,
            headers={"Host": str(target.netloc), **headers},
            redirect=False,
            retries=_ONCE_MORE,
            preload_content=False,
        )

    def _pool(self, pin: _Pin) -> HTTPConnectionPool:
        """The connections to one checked address, made out to one host."""
        timeout = Timeout(connect=_CONNECT_SECONDS, read=self.timeout_seconds)
        with self._lock:
            if pin not in self._pools:
                self._pools[pin] = (
                    HTTPSConnectionPool(
                        pin.address,
                        pin.port,
                        timeout=timeout,
                        maxsize=_KEPT_CONNECTIONS,
                        ssl_context=tls_context(),
                        cert_reqs="CERT_REQUIRED",
                        server_hostname=pin.host,
                    )
                    if pin.scheme == "https"
                    else HTTPConnectionPool(
                        pin.address, pin.port, timeout=timeout, maxsize=_KEPT_CONNECTIONS
                    )
                )
            return self._pools[pin]
