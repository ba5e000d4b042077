import socket
import ssl

import pytest

from flux_assets.connections import advise_on_connection


class ProxyError(Exception):
    """As several libraries name theirs."""


def wrapped(cause: Exception) -> Exception:
    """An error as libraries raise it: with its cause among the arguments of one beneath."""
    outer = ConnectionError("Max retries exceeded", cause)
    try:
        raise outer
    except ConnectionError as error:
        last = RuntimeError("gave up")
        last.__context__ = error
        return last


@pytest.mark.parametrize(
    ("cause", "host", "advice"),
    [
        (
            socket.gaierror(-2, "Name or service not known"),
            "a.example",
            "the name a.example is not",
        ),
        (ConnectionRefusedError(111, "refused"), "a.example", "a.example cannot be reached"),
        (OSError(101, "Network is unreachable"), "a.example", "a.example cannot be reached"),
        (TimeoutError("timed out"), "a.example", "a.example cannot be reached"),
        (ConnectionRefusedError(111, "refused"), "127.0.0.1:9000", "nothing answers at 127.0.0.1"),
        (ProxyError("407"), "a.example", "the proxy that HTTPS_PROXY names"),
        (
            ssl.SSLCertVerificationError(1, "self-signed certificate"),
            "a.example",
            "does not trust the certificate of a.example",
        ),
    ],
)
def test_the_advice_follows_from_the_innermost_cause(
    cause: Exception, host: str, advice: str
) -> None:
    told = advise_on_connection(wrapped(cause), host, ca_variable="X_CA_BUNDLE")
    assert advice in told
    if "cannot be reached" in advice or "the name" in advice:
        assert "HTTPS_PROXY, and X_CA_BUNDLE" in told
