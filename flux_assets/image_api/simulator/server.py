"""Serves the simulator on this machine's loopback address: beside other work, or alone."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from flux_assets.image_api.simulator.app import SimulatedApi
from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.state import SimulatorState

_HOST = "127.0.0.1"
_BACKLOG = 2048
_TICK_SECONDS = 0.02

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningSimulator:
    """Where a simulator answers, and its state for looking into."""

    base_url: str
    port: int
    state: SimulatorState


@contextmanager
def running_simulator(
    state_dir: Path,
    *,
    options: SimulatorOptions,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Iterator[RunningSimulator]:
    """Serve on a free port, in a thread of this process, until the block ends.

    Open calls are broken off at the end; what they paid stays on the bill.

    Args:
        state_dir: what the simulator remembers; may exist, and be in use by others.
        options: how it behaves.
        clock: epoch seconds, for expiry and rate limit.
        sleep: how a synchronous call waits.
    """
    state = SimulatorState(state_dir)
    api = SimulatedApi(state, options=options, clock=clock, sleep=sleep)
    listener = _listen(0)
    port = listener.getsockname()[1]
    server = _Server.of(api.build_app())
    thread = threading.Thread(
        target=server.run, args=([listener],), name=f"simulator-{port}", daemon=True
    )
    thread.start()
    try:
        yield RunningSimulator(base_url=f"http://{_HOST}:{port}", port=port, state=state)
    finally:
        server.should_exit = True
        thread.join()


def serve(
    state_dir: Path,
    *,
    options: SimulatorOptions,
    port: int,
    announce: Callable[[str], None],
) -> None:
    """Serve until interrupted; `announce` gets the base URL once it answers; port 0 is any.

    Raises:
        OSError: the port is taken.
    """
    api = SimulatedApi(
        SimulatorState(state_dir), options=options, clock=time.time, sleep=asyncio.sleep
    )
    listener = _listen(port)
    announce(f"http://{_HOST}:{listener.getsockname()[1]}")
    _Server.of(api.build_app()).run([listener])


def _listen(port: int) -> socket.socket:
    """A socket that takes connections at once, before the server has started."""
    return socket.create_server((_HOST, port), backlog=_BACKLOG)


class _Server(uvicorn.Server):
    """Ends at once, breaking open connections off instead of waiting for them."""

    @classmethod
    def of(cls, app: Starlette) -> "_Server":
        async def quietly(scope: Scope, receive: Receive, send: Send) -> None:
            # uvicorn would log as errors the server's end, and that of a caller that was killed.
            try:
                await app(scope, receive, send)
            except (asyncio.CancelledError, ClientDisconnect):
                pass
            except OSError as error:  # the caller has its HTTP 500
                _log.error("the simulator cannot keep its state: %s", error)

        config = uvicorn.Config(
            quietly,
            interface="asgi3",
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            access_log=False,
            log_config=None,
            log_level="error",
            timeout_keep_alive=75,
        )
        server = cls(config)
        app.state.connections = server.server_state.connections
        return server

    async def main_loop(self) -> None:
        """Look for the end more often than uvicorn does: tests start hundreds of simulators."""
        while not await self.on_tick(0):  # noqa: ASYNC110  # a signal handler only sets a flag
            await asyncio.sleep(_TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, hang up, and cancel what still waits."""
        for listener in self.servers:
            listener.close()
        for sock in sockets or ():
            sock.close()
        for connection in tuple(self.server_state.connections):
            connection.transport.abort()
        tasks = tuple(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
