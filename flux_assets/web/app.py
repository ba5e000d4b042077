"""The review server's routes, put together: what is read, and what changes something."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from flux_assets.errors import FluxAssetsError
from flux_assets.web.access import Access, Guard
from flux_assets.web.bodies import DecisionsBody, read_body
from flux_assets.web.decided import decide_items
from flux_assets.web.errors import tell_error
from flux_assets.web.files import PictureFiles
from flux_assets.web.live import LivePictures
from flux_assets.web.pages import Pages

_log = logging.getLogger(__name__)


def build_app(live: LivePictures, access: Access, *, rerolls: bool) -> ASGIApp:
    """The whole server, guarded.

    Args:
        live: the pictures.
        access: who may ask.
        rerolls: whether other pictures may be asked for, and earlier ones pinned.
    """
    routes = [
        *Pages(live, access, rerolls=rerolls).list_routes(),
        *Changes(live).list_routes(),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            FluxAssetsError: tell_error,
            HTTPException: _tell_http,
            Exception: _tell_fault,
        },
    )
    return Guard(app, access)


class Changes:
    """The routes that change something.

    Args:
        live: the pictures.
    """

    def __init__(self, live: LivePictures) -> None:
        self._live = live
        self._files = PictureFiles(live.store)

    def list_routes(self) -> list[Route]:
        """All of them."""
        routes: dict[str, Callable[[Request], Awaitable[Response]]] = {
            "/api/decisions": self.decide,
        }
        return [Route(path, answer, methods=["POST"]) for path, answer in routes.items()]

    async def decide(self, request: Request) -> Response:
        """Decide a batch, item by item."""
        body = await read_body(request, DecisionsBody)

        def work() -> list[dict[str, Any]]:
            items = decide_items(
                self._live.store,
                self._live.read_sheet(),
                self._files,
                body.decisions,
                by=request.scope["person"].name,
            )
            self._live.expire()
            return items

        return JSONResponse({"items": await run_in_threadpool(work)})


def _tell_http(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentences = {404: "there is nothing of that name", 405: "there is nothing of that kind here"}
    return JSONResponse({"error": sentences.get(status, "it cannot be done")}, status_code=status)


def _tell_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: told without anything of its inside, which goes to whoever runs it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error(
        "%s %s: %s: %s (%s, line %d); this is a fault of flux_assets or of a library: report it",
        *(request.method, request.url.path, type(error).__name__, error),
        *(place.filename, place.lineno),
    )
    sentence = "this is a fault of the server; whoever runs it finds more in its output"
    return JSONResponse({"error": sentence}, status_code=500)
