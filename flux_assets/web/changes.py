"""What is changed: decisions, wishes for other pictures, and what channels show."""

import threading
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.decisions import undo_batch
from flux_assets.publishing.interrupted import finish_or_refuse
from flux_assets.publishing.rollback import roll_back_to_edition
from flux_assets.publishing.shop_publication import publish_shop
from flux_assets.web.bodies import (
    DecisionsBody,
    PinBody,
    PublishBody,
    RerollsBody,
    RollbackBody,
    UndoBody,
    read_body,
)
from flux_assets.web.decided import VIA, decide_items
from flux_assets.web.errors import BadRequestError
from flux_assets.web.files import PictureFiles
from flux_assets.web.live import LivePictures
from flux_assets.web.wished import ask_for_pictures, pin_picture

_Answer = Callable[[Request], Awaitable[Response]]


class Changes:
    """The routes that change something.

    Args:
        live: the pictures.
        files: of them.
        rerolls: whether other pictures may be asked for, and earlier ones pinned.
    """

    def __init__(self, live: LivePictures, files: PictureFiles, *, rerolls: bool) -> None:
        self._live = live
        self._files = files
        self._rerolls = rerolls
        self._publishing = threading.Lock()

    def list_routes(self) -> list[Route]:
        """All of them."""
        routes: dict[str, _Answer] = {
            "/api/decisions": self.decide,
            "/api/rerolls": self.reroll,
            "/api/pins": self.pin,
            "/api/publish": self.publish,
            "/api/rollback": self.roll_back,
            "/api/undo": self.undo,
        }
        return [Route(path, answer, methods=["POST"]) for path, answer in routes.items()]

    async def decide(self, request: Request) -> Response:
        """Decide a batch, item by item."""
        body = await read_body(request, DecisionsBody)
        return await self._do(
            lambda: {
                "items": decide_items(
                    self._live.store,
                    self._live.read_sheet(),
                    self._files,
                    body.decisions,
                    by=_name(request),
                )
            }
        )

    async def reroll(self, request: Request) -> Response:
        """Ask for other pictures; with `dry=1`, only say what they would cost."""
        body = await read_body(request, RerollsBody)
        self._check_rerolls()
        dry = request.query_params.get("dry") == "1"
        live = self._live
        return await self._do(
            lambda: ask_for_pictures(
                live.settings, live.read_sheet(), self._files, body.items, dry=dry
            )
        )

    async def pin(self, request: Request) -> Response:
        """Keep one stored picture."""
        body = await read_body(request, PinBody)
        self._check_rerolls()
        live = self._live
        return await self._do(
            lambda: pin_picture(live.settings, live.read_sheet(), self._files, body.fingerprint)
        )

    async def publish(self, request: Request) -> Response:
        """Make the next edition of some channels."""
        body = await read_body(request, PublishBody)
        channels = load_channels(self._live.settings)
        unknown = {*body.channels} - {it.name for it in channels.enabled} if channels else body
        if channels is None or unknown:
            raise BadRequestError("there is no such channel, or it is not enabled")

        def work() -> dict[str, Any]:
            with self._publishing:
                made = publish_shop(
                    self._live.settings,
                    self._live.store,
                    channels,
                    by=_name(request),
                    why=VIA,
                    only=body.channels,
                )
            reports = {name: it.published for name, it in made.feeds.items()}
            told = [
                {
                    "channel": name,
                    "number": it.edition.number if it.edition else 0,
                    "is_new": it.is_new,
                    "problem": str(it.problem) if it.problem else None,
                }
                for name, it in reports.items()
            ]
            return {"channels": told}

        return await self._do(work)

    async def roll_back(self, request: Request) -> Response:
        """Reject what a channel showed since an edition, in all channels."""
        body = await read_body(request, RollbackBody)

        def work() -> dict[str, Any]:
            with self._publishing:
                finish_or_refuse(self._live.store)
                done = roll_back_to_edition(
                    self._live.store,
                    body.channel,
                    body.edition,
                    reason=body.reason,
                    by=_name(request),
                )
            return {"batch": done.answer.batch, "rejected": len(done.answer.applied)}

        return await self._do(work)

    async def undo(self, request: Request) -> Response:
        """Give back the decisions from before a batch."""
        body = await read_body(request, UndoBody)

        def work() -> dict[str, Any]:
            answer = undo_batch(self._live.store, body.batch, by=_name(request))
            return {
                "restored": len(answer.applied),
                "conflicts": len(answer.conflicts),
                "failed": len(answer.failed),
            }

        return await self._do(work)

    def _check_rerolls(self) -> None:
        if not self._rerolls:
            problem = "this page may not ask for other pictures; start it with --allow-rerolls"
            raise BadRequestError(problem, status=403)

    async def _do(self, work: Callable[[], dict[str, Any]]) -> Response:
        """Do what takes a while beside other requests; what is shown next knows of it."""
        try:
            return JSONResponse(await run_in_threadpool(work))
        finally:
            self._live.expire()


def _name(request: Request) -> str:
    name: str = request.scope["person"].name
    return name
