"""What is read: the page and its data, the pictures' files, and all that is known of one."""

import base64
import re
import threading
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flux_assets.clock import SYSTEM_CLOCK
from flux_assets.publishing.channels import load_channels
from flux_assets.publishing.edition_summaries import EditionSummaries
from flux_assets.publishing.page_data import (
    PageTerms,
    count_chunks,
    write_columns,
    write_head,
    write_rows,
)
from flux_assets.publishing.page_files import CONTENT_TYPES, INDEX, build_index, list_files
from flux_assets.publishing.sheet_state import SheetState
from flux_assets.web.access import HEALTH, Access, Person
from flux_assets.web.details import describe_picture
from flux_assets.web.errors import NoSuchThingError
from flux_assets.web.files import DIGEST, VERSION_DIGITS, File, LiveAddresses, Master, PictureFiles
from flux_assets.web.live import LivePictures
from flux_assets.web.previews import tell_edition, tell_previews

_SCRIPT = CONTENT_TYPES[".js"]
_FOR_EVER = "private, max-age=31536000, immutable"
_MOST_WORDS = 20
_NUMBER = re.compile(r"[0-9]{1,9}")
_ADDRESSES = LiveAddresses()


class Pages:
    """The routes that read.

    Args:
        live: the pictures.
        files: of them.
        access: whose token the page is given.
        rerolls: whether the page may ask for other pictures.
    """

    def __init__(
        self, live: LivePictures, files: PictureFiles, access: Access, *, rerolls: bool
    ) -> None:
        self._live = live
        self._access = access
        self._rerolls = rerolls
        self._files = files
        self._summaries = EditionSummaries(live.store)
        self._previewing = threading.Lock()
        self._own = {path.name: path for path in list_files()}

    def list_routes(self) -> list[Route]:
        """All of them."""
        routes: dict[str, Callable[[Request], Response]] = {
            HEALTH: lambda _: PlainTextResponse("ok"),
            "/": self.index,
            "/data/{snapshot}/head.js": self.head,
            "/data/{snapshot}/search": self.search,
            "/data/{snapshot}/columns.js": self.columns,
            "/data/{snapshot}/rows/{number}.js": self.rows,
            "/picture/{fingerprint}": self.picture,
            "/api/publish/preview": self.preview,
            "/api/editions/{channel}/{number}": self.edition,
            "/thumb/{fingerprint}": self.thumb,
            "/full/{fingerprint}": self.full,
            "/photo/{digest}": self.photo,
            "/{name}": self.own_file,
        }
        return [Route(path, answer, methods=["GET"]) for path, answer in routes.items()]

    def index(self, request: Request) -> Response:
        """The page, with the pictures of now."""
        del request
        snapshot = self._live.open()
        folder = f"/data/{snapshot.name}/"
        page = build_index(data_folder=folder, files_folder="/", token=self._access.token)
        return Response(page, media_type=CONTENT_TYPES[".html"])

    def own_file(self, request: Request) -> Response:
        """A script or a style sheet of the page."""
        path = self._own.get(request.path_params["name"])
        if path is None or path.name == INDEX:
            raise NoSuchThingError
        headers = {"cache-control": "no-cache"}
        return Response(path.read_bytes(), media_type=CONTENT_TYPES[path.suffix], headers=headers)

    def head(self, request: Request) -> Response:
        """What there is to filter by."""
        state = self._find(request)
        return Response(write_head(state, self._terms(request)), media_type=_SCRIPT)

    def columns(self, request: Request) -> Response:
        """A byte a row for each filter."""
        return Response(write_columns(self._find(request)), media_type=_SCRIPT)

    def rows(self, request: Request) -> Response:
        """Some rows with their titles, addresses and decisions."""
        state = self._find(request)
        number = _read_number(request)
        if number >= count_chunks(state.sheet):
            raise NoSuchThingError
        rows = write_rows(state, number, _ADDRESSES, self._terms(request))
        return Response(rows, media_type=_SCRIPT)

    def search(self, request: Request) -> Response:
        """The rows in which all words stand."""
        words = request.query_params.get("q", "").split()[:_MOST_WORDS]
        found = self._find(request).sheet.search(words)
        return JSONResponse({"rows": base64.b64encode(found.tobytes()).decode("ascii")})

    def picture(self, request: Request) -> Response:
        """All that is known of one picture."""
        fingerprint = _read_digest(request, "fingerprint")
        state = self._live.read_state()
        told: dict[str, Any] = describe_picture(self._live.store, state, self._files, fingerprint)
        return JSONResponse(told)

    def preview(self, request: Request) -> Response:
        """What the next edition of each channel would change, and the last ones."""
        del request
        live = self._live
        channels = load_channels(live.settings)
        manifest = live.read_sheet().manifest
        with self._previewing:
            told = (
                tell_previews(live.settings, live.store, channels, manifest, self._summaries)
                if channels
                else []
            )
        return JSONResponse({"channels": told})

    def edition(self, request: Request) -> Response:
        """What one edition changed."""
        sheet = self._live.read_sheet()
        channel = str(request.path_params["channel"])
        if sheet.channels is None or channel not in sheet.channels.channels:
            raise NoSuchThingError
        told = tell_edition(self._live.store, sheet.manifest, channel, _read_number(request))
        return JSONResponse(told)

    def thumb(self, request: Request) -> Response:
        """A small picture."""
        master = self._find_master(request)
        return _send(self._files.read_thumb(master), request, master.sha256)

    def full(self, request: Request) -> Response:
        """A picture as it was bought."""
        master = self._find_master(request)
        return _send(self._files.read_full(master), request, master.sha256)

    def photo(self, request: Request) -> Response:
        """A photo that a picture was made from."""
        digest = _read_digest(request, "digest")
        return _send(self._files.read_photo(self._live.read_state().sheet, digest))

    def _find(self, request: Request) -> SheetState:
        """The state of the pictures that the page shows."""
        state = self._live.read_state()
        snapshot = self._live.find(request.path_params["snapshot"])
        if snapshot is None or snapshot.sheet is not state.sheet:
            raise NoSuchThingError("the pictures have changed; load the page again", status=410)
        return state

    def _find_master(self, request: Request) -> Master:
        fingerprint = _read_digest(request, "fingerprint")
        master = self._files.find(self._live.read_sheet(), fingerprint)
        if master is None:
            raise NoSuchThingError
        return master

    def _terms(self, request: Request) -> PageTerms:
        settings = self._live.settings
        person: Person = request.scope["person"]
        return PageTerms(
            live=True,
            shop=settings.shop or "",
            sample=settings.is_sample,
            created_at=SYSTEM_CLOCK.utc_now().isoformat(timespec="seconds"),
            price=None if settings.is_sample else settings.cost_usd_per_image,
            rerolls=self._rerolls,
            user={"name": person.name, "role": person.role},
        )


def _read_number(request: Request) -> int:
    digits = str(request.path_params["number"])
    if not _NUMBER.fullmatch(digits):
        raise NoSuchThingError
    return int(digits)


def _read_digest(request: Request, name: str) -> str:
    digest = str(request.path_params[name])
    if not DIGEST.fullmatch(digest):
        raise NoSuchThingError
    return digest


def _send(file: File | None, request: Request | None = None, sha256: str = "") -> Response:
    """A file, kept by the browser for ever where its address says which bytes it is."""
    if file is None:
        raise NoSuchThingError
    version = request.query_params.get("v") if request else None
    is_named = request is None or version == sha256[:VERSION_DIGITS]
    headers = {"cache-control": _FOR_EVER} if is_named else None
    return Response(file.data, media_type=file.content_type, headers=headers)
