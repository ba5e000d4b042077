"""One limit for all that a fetch takes, whatever it waits for."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from http.client import HTTPException
from typing import TypeVar
from urllib.parse import urlsplit

from urllib3.exceptions import HTTPError

from flux_assets.connections import advise_on_connection, causes_of
from flux_assets.errors import SourceError
from flux_assets.storage.sources.address import shown_uri

_T = TypeVar("_T")
_CA_VARIABLE = "REQUESTS_CA_BUNDLE"
# By their names, for requests is slow to import and may not be what fetched.
_NO_CONNECTION = frozenset(
    {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError", "SSLError"}
)


def within(
    seconds: float,
    uri: str,
    fetch: Callable[[threading.Event], _T],
    *,
    failed: type[SourceError] = SourceError,
) -> _T:
    """Give a fetch so much time; when that is over, tell it so and wait no longer.

    It runs in a thread of its own: neither the look-up of a host nor headers that come drop by
    drop heed any other limit.

    Args:
        seconds: for everything.
        uri: what is fetched.
        fetch: gets the event that says that its time is over.
        failed: the error for a fetch that broke off or took too long.

    Raises:
        SourceError: as `failed`; whatever else the fetch raises on purpose comes as it is.
    """
    future: Future[_T] = Future()
    is_over = threading.Event()

    def run() -> None:
        try:
            future.set_result(fetch(is_over))
        except (OSError, HTTPError, HTTPException, ValueError) as error:
            # Not raised from here: the errors beneath would come along, and with them the query.
            problem = f"could not be read ({_reason_of(error)}); check the address and the network"
            if not _NO_CONNECTION.isdisjoint(type(it).__name__ for it in causes_of(error)):
                host = urlsplit(uri).netloc.rpartition("@")[2]
                problem += f": {advise_on_connection(error, host, ca_variable=_CA_VARIABLE)}"
            future.set_exception(failed(shown_uri(uri), problem))
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        problem = f"was not complete after {seconds:g} seconds; try again, or make it smaller"
        raise failed(shown_uri(uri), problem) from None
    finally:
        is_over.set()


def _reason_of(error: BaseException) -> str:
    """The innermost error's: the others' texts hold the address, or a header."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    return getattr(error, "strerror", None) or type(error).__name__
