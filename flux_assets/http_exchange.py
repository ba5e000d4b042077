"""One HTTP exchange past requests' session: no redirect followed, no netrc, nothing read unasked.

The session would read the bodies of redirects without limit, and look for a password in ~/.netrc.
requests is imported with this module, so this one is where it is used.
"""

import os
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.ssl_ import create_urllib3_context

from flux_assets.setting_values import LOOPBACK_HOSTS

_ENVIRONMENT = requests.Session()
"""Knows the environment's settings; it sends nothing."""


class SharedTlsAdapter(HTTPAdapter):
    """Carries requests whose TLS connections trust by `tls_context()`, each of them fresh or not.

    requests' own loads the CA bundle anew for each connection, most of a call's CPU time.
    """

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: bool | str,  # noqa: FBT001 - requests' own
        cert: Any = None,  # noqa: ANN401 - requests' own
    ) -> tuple[Any, Any]:
        """Say what a connection to the request's host needs."""
        host, options = super().build_connection_pool_key_attributes(request, verify, cert)
        if host["scheme"] == "https":
            options["ssl_context"] = tls_context()
        return host, options

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401 - requests' own
        """Reach a proxy that is itself behind TLS by the same trust."""
        if proxy.lower().startswith("https:"):
            options["proxy_ssl_context"] = tls_context()
        return super().proxy_manager_for(proxy, **options)

    def cert_verify(self, *_: Any) -> None:  # noqa: ANN401 - requests' own
        """Leave it to the context, or its CA bundle would be loaded again."""


def tls_context() -> ssl.SSLContext:
    """Whom to trust, by the environment as requests reads it; one for all connections.

    Raises:
        OSError: the CA bundle that the environment names cannot be read.
    """
    environ = os.environ
    return _load_context(
        environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or DEFAULT_CA_BUNDLE_PATH
    )


@cache
def _load_context(certificates: str) -> ssl.SSLContext:
    context = create_urllib3_context()
    is_folder = Path(certificates).is_dir()
    problem = ""
    try:
        context.load_verify_locations(**{"capath" if is_folder else "cafile": certificates})
    except OSError as error:
        problem = error.strerror or str(error)
    if problem:  # not from the error, for it is the innermost one that is told
        message = (
            f"the CA bundle {certificates} cannot be read ({problem}); correct REQUESTS_CA_BUNDLE "
            "or CURL_CA_BUNDLE"
        )
        raise OSError(message)
    return context


@contextmanager
def exchange(
    request: requests.Request,
    *,
    timeout: float | tuple[float, float] | tuple[float, None],
    adapter: SharedTlsAdapter | None = None,
) -> Iterator[requests.Response]:
    """Send one request over a connection of its own, and give its reply, whose body is not read.

    Proxies and the CA bundle come from the environment, but no proxy knows this machine's own
    addresses. Credentials go out only as the request has them.

    Args:
        request: whole.
        timeout: to connect and between two pieces, in seconds, or one for each of them.
        adapter: what carries it, and is closed then; a plain one, if not given.

    Raises:
        OSError, HTTPError, HTTPException, ValueError: what requests and the libraries beneath it
            raise, with the whole URL in some of their texts.
    """
    options: dict[str, Any] = dict(
        _ENVIRONMENT.merge_environment_settings(
            request.url, {}, stream=True, verify=True, cert=None
        ),
        verify=True,  # by the adapter's context, which knows the environment's bundle
    )
    if urlsplit(request.url).hostname in LOOPBACK_HOSTS:
        options["proxies"] = {}
    with (
        closing(adapter or SharedTlsAdapter()) as carrier,
        carrier.send(request.prepare(), timeout=timeout, **options) as response,
    ):
        yield response
