"""Why there is no connection to a host, and what whoever runs this can do about it."""

import socket
import ssl
from collections.abc import Iterator

_LOOPBACK = ("127.", "localhost", "[::1]", "::1")


def advise_on_connection(error: BaseException, host: str, *, ca_variable: str) -> str:
    """What to do, by the cause within a library's error.

    Args:
        error: as a library raised it, with its causes.
        host: that was to be reached.
        ca_variable: the one that names a file of trusted certificates for this library.
    """
    causes = list(causes_of(error))
    if any("Proxy" in type(cause).__name__ for cause in causes):
        return (
            f"the proxy that HTTPS_PROXY names cannot be reached or does not let {host} through; "
            f"correct HTTPS_PROXY, or name {host} in NO_PROXY"
        )
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return (
            f"this machine does not trust the certificate of {host}; if a proxy or firewall opens "
            f"TLS, name its CA's file with {ca_variable}, else check the name and the clock"
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return f"{host} does not speak TLS as it should; check its address, and any proxy before it"
    if host.startswith(_LOOPBACK):
        return f"nothing answers at {host}; start what should, or correct its address"
    unknown = any(isinstance(cause, socket.gaierror) for cause in causes)
    found = f"the name {host} is not known here" if unknown else f"{host} cannot be reached"
    return (
        f"{found}; check the network, and where it has a proxy set HTTPS_PROXY, and {ca_variable} "
        "for its CA"
    )


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """An error and all beneath it; libraries also keep one in `reason`, or among the arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop()
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            waiting += [found.__cause__, found.__context__, getattr(found, "reason", None)]
            waiting += found.args
