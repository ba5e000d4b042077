"""The review server on its address, until it is told to end."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

_BACKLOG = 128
_SECONDS_TO_END = 10


def listen(address: str, port: int) -> socket.socket:
    """A socket that takes connections at once; port 0 is any.

    Raises:
        OSError: the address is not this machine's, or the port is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.create_server((address, port), family=family, backlog=_BACKLOG)


def serve(app: ASGIApp, listener: socket.socket, announce: Callable[[], None]) -> None:
    """Serve until interrupted; what is under way is finished first.

    Args:
        app: what answers.
        listener: where.
        announce: called once it listens.
    """
    config = uvicorn.Config(
        app,
        interface="asgi3",
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="critical",
        timeout_graceful_shutdown=_SECONDS_TO_END,
    )
    announce()
    uvicorn.Server(config).run([listener])
