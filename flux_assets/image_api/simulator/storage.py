"""The bucket behind the API: signed URLs that expire, and pictures drawn when asked for."""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import Response

from flux_assets.image_api.simulator import replies
from flux_assets.image_api.simulator.connections import BrokenOffResponse
from flux_assets.image_api.simulator.faults import FAULTS, Stage
from flux_assets.image_api.simulator.pictures import draw_picture, spoil_picture
from flux_assets.image_api.simulator.state import Generation, SimulatorState

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg"}
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


class Storage:
    """Signs and serves; signatures cover path and time but no host, so any port can serve them."""

    def __init__(
        self,
        state: SimulatorState,
        *,
        clock: Callable[[], float],
        lifetime_seconds: int,
        serves_keys: bool,
    ) -> None:
        self._state = state
        self._serves_keys = serves_keys
        self._clock = clock
        self._lifetime_seconds = lifetime_seconds

    def url_for(self, generation: Generation, base_url: str) -> str:
        """A URL of the picture under the host and port that the asking request came to."""
        if not generation.storage_key:
            return ""
        signed_at = self._clock()
        if fault_now(self._state, generation, "url"):
            signed_at -= self._lifetime_seconds + 1
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Date": datetime.fromtimestamp(signed_at, UTC).strftime(_TIME_FORMAT),
            "X-Amz-Expires": str(self._lifetime_seconds),
        }
        query["X-Amz-Signature"] = self._sign(generation.storage_key, query)
        return f"{base_url}storage/{quote(generation.storage_key)}?{urlencode(query)}"

    async def download(self, request: Request) -> Response:
        """`GET /storage/{key}`: the picture, or S3's XML error."""
        key = request.path_params["key"]
        query = request.query_params
        if not self._is_signed(key, query):
            return _s3_error(403, "AccessDenied", "Access Denied")
        if self._has_expired(query):
            return _s3_error(403, "AccessDenied", "Request has expired")
        generation = self._state.find_generation_by_key(key)
        if generation is None:
            return _no_such_key()
        return await self._serve(generation)

    async def download_by_key(self, request: Request) -> Response:
        """`GET /{key}`: the same picture without a signature, as clients ask for it, too."""
        generation = self._state.find_generation_by_key(request.path_params["key"])
        if generation is None or not self._serves_keys:
            return replies.no_route(404, request.method, request.url.path)
        return await self._serve(generation)

    def serves(self, key: str, query: Mapping[str, str]) -> bool:
        """Whether a URL with this key and query would be answered with a picture."""
        return (
            self._is_signed(key, query)
            and not self._has_expired(query)
            and self._state.find_generation_by_key(key) is not None
        )

    async def _serve(self, generation: Generation) -> Response:
        fault = fault_now(self._state, generation, "download")
        match fault:
            case "late_object":
                return _no_such_key()
            case "html_download":
                return replies.html_page(200)
            case "download_503":
                return _s3_error(503, "SlowDown", "Please reduce your request rate.")
        media_type = _MEDIA_TYPES[generation.output_format]
        if fault == "same_picture":
            generation = replace(generation, prompt="The same for all", seed=1, photo_key="")
        data = await asyncio.to_thread(self._draw, generation)
        match fault:
            case "black_picture" | "blurred_picture":
                data = await asyncio.to_thread(spoil_picture, data, fault)
            case "truncated_download":
                return BrokenOffResponse(data, media_type=media_type)
            case "corrupt_download" | "corrupt_object":  # half a picture that HTTP calls complete
                data = data[: len(data) // 2]
        return Response(data, media_type=media_type)

    def _draw(self, generation: Generation) -> bytes:
        return draw_picture(
            prompt=generation.prompt,
            seed=generation.seed,
            aspect_ratio=generation.aspect_ratio,
            megapixels=generation.megapixels,
            output_format=generation.output_format,
            output_quality=generation.output_quality,
            photo=self._read_photo(generation.photo_key) if generation.photo_key else None,
        )

    def _read_photo(self, key: str) -> bytes:
        """An uploaded photo, or an earlier picture, drawn again."""
        earlier = self._state.find_generation_by_key(key)
        return self._state.read_asset(key) if earlier is None else self._draw(earlier)

    def _is_signed(self, key: str, query: Mapping[str, str]) -> bool:
        signature = query.get("X-Amz-Signature", "")
        return hmac.compare_digest(signature.encode(), self._sign(key, query).encode())

    def _has_expired(self, query: Mapping[str, str]) -> bool:
        signed_at = datetime.strptime(query["X-Amz-Date"], _TIME_FORMAT).replace(tzinfo=UTC)
        return self._clock() >= signed_at.timestamp() + int(query["X-Amz-Expires"])

    def _sign(self, key: str, query: Mapping[str, str]) -> str:
        signed = f"{key}\n{query.get('X-Amz-Date')}\n{query.get('X-Amz-Expires')}"
        return hmac.new(self._state.secret, signed.encode(), hashlib.sha256).hexdigest()


def fault_now(state: SimulatorState, generation: Generation, stage: Stage) -> str | None:
    """The fault that strikes this generation at this stage this time; every asking counts."""
    for name in generation.faults:
        fault = FAULTS[name]
        if fault.stage == stage and (
            fault.times is None or state.count(f"{name}-{generation.uuid}") <= fault.times
        ):
            return name
    return None


def _no_such_key() -> Response:
    return _s3_error(404, "NoSuchKey", "The specified key does not exist.")


def _s3_error(status_code: int, code: str, message: str) -> Response:
    return Response(
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>",
        status_code,
        media_type="application/xml",
    )
