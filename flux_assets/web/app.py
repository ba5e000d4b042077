"""The review server's routes, put together: what is read, and what changes something."""

import logging
import traceback

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from flux_assets.errors import FluxAssetsError
from flux_assets.web.access import Access, Guard
from flux_assets.web.changes import Changes
from flux_assets.web.errors import tell_error
from flux_assets.web.files import PictureFiles
from flux_assets.web.live import LivePictures
from flux_assets.web.pages import Pages

_LONGEST_LOGGED = 500
_log = logging.getLogger(__name__)


def build_app(live: LivePictures, access: Access, *, rerolls: bool) -> ASGIApp:
    """The whole server, guarded.

    Args:
        live: the pictures.
        access: who may ask.
        rerolls: whether other pictures may be asked for, and earlier ones pinned.
    """
    files = PictureFiles(live.store)
    routes = [
        *Pages(live, files, access, rerolls=rerolls).list_routes(),
        *Changes(live, files, rerolls=rerolls).list_routes(),
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            FluxAssetsError: tell_error,
            HTTPException: _tell_http,
            ClientDisconnect: _tell_nobody,
            Exception: _tell_fault,
        },
    )
    app.router.redirect_slashes = False
    return Guard(app, access)


def _tell_http(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentences = {404: "there is nothing of that name", 405: "there is nothing of that kind here"}
    return JSONResponse({"error": sentences.get(status, "it cannot be done")}, status_code=status)


def _tell_nobody(request: Request, error: Exception) -> Response:
    """Whoever asked has gone before all was sent: that is no fault, and nobody reads the answer."""
    del request, error
    return Response(status_code=400)


def _tell_fault(request: Request, error: Exception) -> Response:
    """A fault of ours: told without anything of its inside, which goes to whoever runs it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error(
        "%s %s: %s: %s (%s, line %d); this is a fault of flux_assets or of a library: report it",
        *(request.method, request.url.path[:_LONGEST_LOGGED]),
        *(type(error).__name__, str(error)[:_LONGEST_LOGGED]),
        *(place.filename, place.lineno),
    )
    sentence = "this is a fault of the server; whoever runs it finds more in its output"
    return JSONResponse({"error": sentence}, status_code=500)
