"""One HTTP exchange past requests' session: no redirect followed, no netrc, nothing read unasked.

The session would read the bodies of redirects without limit, and look for a password in ~/.netrc.
requests is imported with this module, so this one is where it is used.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from flux_assets.settings import LOOPBACK_HOSTS

_ENVIRONMENT = requests.Session()
"""Knows the environment's settings; it sends nothing."""


@contextmanager
def exchange(
    request: requests.Request,
    *,
    timeout: float | tuple[float, float] | tuple[float, None],
    adapter: HTTPAdapter | None = None,
) -> Iterator[requests.Response]:
    """Send one request over a connection of its own, and give its reply, whose body is not read.

    Proxies and the CA bundle come from the environment, but no proxy knows this machine's own
    addresses. Credentials go out only as the request has them.

    Args:
        request: whole.
        timeout: to connect and between two pieces, in seconds, or one for each of them.
        adapter: what carries it, and is closed then; requests' own, if not given.

    Raises:
        OSError, HTTPError, HTTPException, ValueError: what requests and the libraries beneath it
            raise, with the whole URL in some of their texts.
    """
    options: dict[str, Any] = dict(
        _ENVIRONMENT.merge_environment_settings(
            request.url, {}, stream=True, verify=True, cert=None
        )
    )
    if urlsplit(request.url).hostname in LOOPBACK_HOSTS:
        options["proxies"] = {}
    with (
        closing(adapter or HTTPAdapter()) as carrier,
        carrier.send(request.prepare(), timeout=timeout, **options) as response,
    ):
        yield response
