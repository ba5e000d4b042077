"""Which servers of photos are down, so that a large catalog does not wait for each photo anew."""

import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from flux_assets.errors import PhotoUnavailableError, SourceError
from flux_assets.storage.sources.address import shown_uri

_IN_A_ROW = 50
"""Of one server; each may have taken its whole 30 seconds."""


@dataclass(frozen=True, slots=True)
class Outages:
    """Counts each server's failures in a row; safe to call from many threads."""

    _failures: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, address: str) -> None:
        """Spare a server that is down one more request.

        Raises:
            PhotoUnavailableError: so many of its photos in a row could not be had.
        """
        with self._lock:
            failures = self._failures.get(_server_of(address), 0)
        if failures >= _IN_A_ROW:
            problem = (
                f"was not asked for, as {_IN_A_ROW} photos in a row could not be had from its "
                "server; see that it answers, and run again"
            )
            raise PhotoUnavailableError(shown_uri(address), problem)

    def note(self, address: str, error: SourceError | None) -> None:
        """Count what became of one request."""
        server = _server_of(address)
        with self._lock:
            failed = bool(server) and isinstance(error, PhotoUnavailableError)
            self._failures[server] = self._failures.get(server, 0) + 1 if failed else 0


def _server_of(address: str) -> str:
    """Scheme and host, or bucket; nothing for a file, and for what is no address at all."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
