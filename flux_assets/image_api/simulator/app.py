"""The API's routes over the state: what is refused, what is made and paid, and what is answered."""

import math
import secrets
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flux_assets.image_api.simulator import replies
from flux_assets.image_api.simulator.connections import BrokenOffResponse
from flux_assets.image_api.simulator.faults import FAULTS, FaultDeck, Stage, digest_request, roll
from flux_assets.image_api.simulator.input_images import InputImages
from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.state import BillLine, FinalStatus, Generation, SimulatorState
from flux_assets.image_api.simulator.storage import Storage, fault_now
from flux_assets.image_api.simulator.uploads import parse_upload, upload_body
from flux_assets.image_api.simulator.validation import MODELS, TYPES, Call, parse_call

_RATE_WINDOW_SECONDS = 60


class _Failure(NamedTuple):
    status: FinalStatus
    message: str
    code: str = ""


_BROKEN_DOWN = "Prediction failed: the model stopped unexpectedly"
_MODERATED = "Content Moderated: the prompt was flagged as sensitive"
_FAILURE_OF_FAULT = {
    "failed": _Failure("FAILED", _BROKEN_DOWN),
    "failed_billed": _Failure("FAILED", _BROKEN_DOWN),
    "failure": _Failure("FAILURE", _BROKEN_DOWN),
    "error_object": _Failure("SUCCESS", _BROKEN_DOWN, "INTERNAL_SERVER_ERROR"),
}


class SimulatedApi:
    """One server's view of the account: endpoints are called on the event loop only."""

    def __init__(
        self,
        state: SimulatorState,
        *,
        options: SimulatorOptions,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._state = state
        self._options = options
        self._clock = clock
        self._sleep = sleep
        self._deck = FaultDeck(options.faults)
        self._admitted_at: deque[float] = deque()
        self._storage = Storage(
            state,
            clock=clock,
            lifetime_seconds=options.url_lifetime_seconds,
            serves_keys=options.serves_keys,
        )
        self._input_images = InputImages(
            state,
            self._storage,
            clock=clock,
            asset_lifetime_seconds=options.asset_lifetime_seconds,
        )

    def build_app(self) -> Starlette:
        """The ASGI application; its `state.connections` must be set to the server's."""
        return Starlette(
            routes=[
                Route("/api/features", self._submit, methods=["POST"]),
                Route("/api/results/{uuid}", self._show_result),
                Route("/api/assets", self._upload, methods=["POST"]),
                Route("/models", self._list_models),
                Route("/storage/{key:path}", self._storage.download),
                Route("/{key:path}", self._storage.download_by_key),
            ],
            exception_handlers={
                replies.ApiReplyError: _send_error,
                HTTPException: _send_no_route,
            },
        )

    async def _submit(self, request: Request) -> Response:
        self._admit(request)
        call = parse_call(await request.body())
        digest = digest_request(call.type, call.prompt_object)
        dealt = self._deck.deal(digest, self._count_send(digest))
        faults = tuple(name for name in dealt if FAULTS[name].strikes(call.type))
        gateway_fault = _first(faults, "gateway")
        if gateway_fault is not None:
            return self._broken_reply(gateway_fault)
        photo_key = ""
        if call.image_url:
            photo_key = await self._input_images.find_key(call.image_url, str(request.base_url))
        generation = self._accept(call, faults, digest, photo_key)
        if not call.is_async:
            await self._sleep(generation.ready_at - generation.created_at)
        reply_fault = _first(faults, "reply")
        if reply_fault is not None:
            return self._broken_reply(reply_fault)
        return self._show(generation, request, is_ready=not call.is_async)

    async def _show_result(self, request: Request) -> Response:
        self._admit(request)
        generation = self._state.find_generation(request.path_params["uuid"])
        if generation is None or not (
            generation.is_async or self._options.serves_synchronous_results
        ):
            return JSONResponse({"aiRecord": None})
        match fault_now(self._state, generation, "poll"):
            case "results_unknown":
                return JSONResponse({"aiRecord": None})
            case str(name):
                return self._broken_reply(name)
        return self._show(generation, request, is_ready=self._clock() >= generation.ready_at)

    async def _upload(self, request: Request) -> Response:
        self._admit(request)
        upload = parse_upload(request.headers.get("content-type", ""), await request.body())
        key = self._next_key(upload.file_name.rpartition(".")[2])
        self._state.put_asset(key, upload.data, uploaded_at=self._clock())
        location = f"{request.base_url}storage/{key}"
        uploaded_at = replies.iso_time(self._clock())
        body = upload_body(upload, key, location=location, uploaded_at=uploaded_at)
        return JSONResponse(body)

    async def _list_models(self, request: Request) -> Response:
        models = [
            {
                "modelId": model,
                "name": "Flux 2 Max",
                "status": "ACTIVE",
                "features": list(TYPES),
                "creditMetadata": dict.fromkeys(TYPES, replies.CREDITS_PER_PICTURE),
            }
            for model in MODELS
            if request.query_params.get("feature", TYPES[0]) in TYPES
        ]
        return JSONResponse({"models": models, "total": len(models)})

    def _admit(self, request: Request) -> None:
        """Let a request in that has a valid key and is within the rate limit."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        bearer = token.strip() if scheme.lower() == "bearer" else ""
        if request.headers.get("API-KEY", bearer) not in self._options.keys:
            raise replies.bad_key("Invalid API Key")
        paid_until_deletion = self._options.faults.key_deleted_after
        if paid_until_deletion is not None and self._state.count_paid() >= paid_until_deletion:
            raise replies.bad_key("API Key has been deleted")
        limit = self._options.requests_per_minute
        if limit is None:
            return
        now = self._clock()
        while self._admitted_at and self._admitted_at[0] <= now - _RATE_WINDOW_SECONDS:
            self._admitted_at.popleft()
        if len(self._admitted_at) >= limit:
            free_at = self._admitted_at[-limit] + _RATE_WINDOW_SECONDS
            raise self._too_many_requests(math.ceil(free_at - now))
        self._admitted_at.append(now)

    def _accept(
        self, call: Call, faults: tuple[str, ...], digest: str, photo_key: str
    ) -> Generation:
        """Make and bill what was asked for, or raise the reply that refuses it.

        There is no await in here, so that two calls cannot spend the last credits together.
        """
        options = self._options
        prompt = call.prompt.casefold()
        moderated = any(word.casefold() in prompt for word in options.moderated_words)
        if moderated and options.moderation_form == "http_error":
            raise replies.refused_by_provider(422, _MODERATED)
        paid = self._state.count_paid()
        affordable = options.faults.out_of_credits_after
        broke = affordable is not None and paid >= affordable
        if broke and options.out_of_credits_form == "http_error":
            raise replies.out_of_credits(replies.credits_message(options, paid))
        record_fault = _first(faults, "record")
        failure, billed = None, True
        if moderated:
            failure, billed = _Failure("FAILED", _MODERATED), False
        elif broke:
            message = replies.credits_message(options, paid)
            failure, billed = _Failure("SUCCESS", message, "INSUFFICIENT_CREDITS"), False
        elif record_fault is not None:
            failure, billed = _FAILURE_OF_FAULT[record_fault], FAULTS[record_fault].billed
        generation = self._build_generation(call, faults, digest, photo_key, failure)
        self._state.put_generation(generation)
        if billed:
            self._bill(generation)
        return generation

    def _build_generation(
        self,
        call: Call,
        faults: tuple[str, ...],
        digest: str,
        photo_key: str,
        failure: _Failure | None,
    ) -> Generation:
        created_at = self._clock()
        return Generation(
            uuid=str(uuid4()),
            type=call.type,
            model=call.model,
            prompt_object=call.prompt_object,
            prompt=call.prompt,
            seed=secrets.randbits(32) if call.seed is None else call.seed,
            aspect_ratio=call.aspect_ratio,
            megapixels=self._options.megapixels,
            output_format=call.output_format,
            output_quality=call.output_quality,
            created_at=created_at,
            ready_at=created_at + self._latency_seconds(digest, faults),
            is_async=call.is_async,
            status=failure.status if failure else "SUCCESS",
            error_code=failure.code if failure else "",
            error_message=failure.message if failure else "",
            storage_key="" if failure else self._next_key(call.output_format),
            used_credit=self._state.count_paid() * replies.CREDITS_PER_PICTURE,
            faults=faults,
            photo_key=photo_key,
        )

    def _bill(self, generation: Generation) -> None:
        self._state.append_to_bill(
            BillLine(
                uuid=generation.uuid,
                time=replies.iso_time(generation.created_at),
                prompt=generation.prompt,
                seed=generation.seed,
                aspect_ratio=generation.aspect_ratio,
                model=generation.model,
                type=generation.type,
                outcome=generation.status,
                reply_lost=_first(generation.faults, "reply") is not None,
            )
        )

    def _latency_seconds(self, digest: str, faults: tuple[str, ...]) -> float:
        options = self._options
        jitter = options.latency_jitter_seconds * roll(options.faults.seed, "latency", digest)
        slow = options.faults.slow_seconds if _first(faults, "wait") else 0
        return options.latency_seconds + jitter + slow

    def _next_key(self, extension: str) -> str:
        moment = datetime.fromtimestamp(self._clock(), UTC)
        number = self._state.count("keys") % 1_000_000
        millisecond = moment.microsecond // 1000
        return f"images/{moment:%Y_%m_%d_%H_%M_%S}_{millisecond:03}_{number:06}.{extension}"

    def _count_send(self, digest: str) -> int:
        return self._state.count_send(digest) if self._options.faults.rates else 1

    def _show(self, generation: Generation, request: Request, *, is_ready: bool) -> Response:
        url = self._storage.url_for(generation, str(request.base_url)) if is_ready else ""
        body = replies.record_body(generation, is_ready=is_ready, url=url, options=self._options)
        return JSONResponse(body)

    def _too_many_requests(self, seconds: int) -> replies.ApiReplyError:
        self._state.count("too_many_requests")
        with_header = self._options.sends_retry_after_header
        return replies.too_many_requests(seconds, with_header=with_header)

    def _broken_reply(self, fault_name: str) -> Response:
        status_code = FAULTS[fault_name].status_code
        if status_code is None:
            return BrokenOffResponse()
        if status_code == 429:
            raise self._too_many_requests(self._options.faults.retry_after_seconds)
        return replies.html_page(status_code)


def _first(faults: tuple[str, ...], stage: Stage) -> str | None:
    return next((name for name in faults if FAULTS[name].stage == stage), None)


async def _send_no_route(request: Request, error: Exception) -> Response:
    status_code = error.status_code if isinstance(error, HTTPException) else 404
    return replies.no_route(status_code, request.method, request.url.path)


async def _send_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, replies.ApiReplyError):
        raise error
    return error.response
