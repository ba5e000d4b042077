"""The API's answers: its JSON bodies, its errors, and what a broken gateway sends instead."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from starlette.responses import HTMLResponse, JSONResponse, Response

from flux_assets.image_api.simulator.options import SimulatorOptions
from flux_assets.image_api.simulator.state import Generation

CREDITS_PER_PICTURE = 4800
_UNLIMITED_CREDITS = 100_000_000


class ApiReplyError(Exception):
    """Carries the error reply that ends a call; not an error of ours."""

    def __init__(
        self, status_code: int, body: Mapping[str, object], *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"HTTP {status_code}")
        self.response = JSONResponse(body, status_code, headers=headers)


def bad_request(message: str) -> ApiReplyError:
    """A body that cannot be understood."""
    return ApiReplyError(400, {"errorCode": "HTTP_EXCEPTION", "message": message})


def bad_key(message: str) -> ApiReplyError:
    """A key that is unknown, deleted or blocked."""
    return ApiReplyError(401, {"errorCode": "HTTP_EXCEPTION", "message": message})


def unsupported(error_code: str, name: object) -> ApiReplyError:
    """A type or model that the API does not have."""
    return ApiReplyError(400, {"errorCode": error_code, "message": f"{name} is not supported"})


def missing_fields(names: Sequence[str]) -> ApiReplyError:
    """Required fields that were not sent."""
    return ApiReplyError(
        400,
        {
            "errorCode": "MISSING_REQUIRED_FIELDS",
            "message": "Missing required fields",
            "details": json.dumps({"missingFields": list(names)}),
        },
    )


def refused_by_provider(inner_status: int, reason: str) -> ApiReplyError:
    """The provider's refusal; as on the real API the outer message hides what the matter is."""
    details = {"response": {"status": inner_status, "data": {"message": reason}}}
    return ApiReplyError(
        400,
        {
            "errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR",
            "message": "The AI provider is busy at the moment, please try again later",
            "details": json.dumps(details),
        },
    )


def too_many_requests(retry_after_seconds: int, *, with_header: bool) -> ApiReplyError:
    """The rate limit's reply."""
    return ApiReplyError(
        429,
        {
            "message": f"Too many requests. Please try again after {retry_after_seconds} seconds",
            "retryAfter": retry_after_seconds,
        },
        headers={"Retry-After": str(retry_after_seconds)} if with_header else None,
    )


def out_of_credits(message: str) -> ApiReplyError:
    """The reply once the team's credits are used up."""
    return ApiReplyError(406, {"errorCode": "INSUFFICIENT_CREDITS", "message": message})


def no_route(status_code: int, method: str, path: str) -> Response:
    """A path or method that the API does not have."""
    body = {"errorCode": "HTTP_EXCEPTION", "message": f"Cannot {method} {path}"}
    return JSONResponse(body, status_code)


def html_page(status_code: int) -> Response:
    """What a gateway in front of the API sends."""
    return HTMLResponse(
        f"<html><head><title>{status_code}</title></head>"
        f"<body><center><h1>Error {status_code}</h1></center><hr>cloudflare</body></html>",
        status_code,
    )


def record_body(
    generation: Generation, *, is_ready: bool, url: str, options: SimulatorOptions
) -> dict[str, object]:
    """The reply that shows one generation: finished, or still PROCESSING.

    Args:
        generation: what is shown.
        is_ready: whether its time has come.
        url: the picture's signed URL; empty where there is no picture.
        options: for the form.
    """
    temporary_url = url if is_ready and options.temporary_url_form != "empty" else ""
    detail: dict[str, object] = {
        "promptObject": generation.prompt_object,
        "resultObject": _result_object(generation, url, options) if is_ready else [],
    }
    if is_ready and generation.status == "FAILED":
        detail["errorMessage"] = generation.error_message
    record: dict[str, object] = {
        "uuid": generation.uuid,
        "userId": "sample-user",
        "teamId": "sample-team",
        "teamUser": {
            "teamId": "sample-team",
            "userId": "sample-user",
            "status": "ACTIVE",
            "creditLimit": _credit_limit(options),
            "usedCredit": generation.used_credit,
        },
        "model": generation.model,
        "type": generation.type,
        "metadata": None,
        "status": generation.status if is_ready else "PROCESSING",
        "createdAt": iso_time(generation.created_at),
        "aiRecordDetail": detail,
        "additionalData": None,
        "temporaryUrl": temporary_url,
    }
    body: dict[str, object] = {"aiRecord": record}
    if options.temporary_url_form == "beside":
        body["temporaryUrl"] = record.pop("temporaryUrl")
    return body


def credits_message(options: SimulatorOptions, paid: int) -> str:
    """Why the next picture cannot be afforded."""
    credits_left = _credit_limit(options) - paid * CREDITS_PER_PICTURE
    return (
        f"The feature requires {CREDITS_PER_PICTURE} credits, "
        f"but the Sample team only has {credits_left} credits"
    )


def iso_time(seconds: float) -> str:
    """Epoch seconds as the API writes times."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _credit_limit(options: SimulatorOptions) -> int:
    affordable = options.faults.out_of_credits_after
    return _UNLIMITED_CREDITS if affordable is None else affordable * CREDITS_PER_PICTURE


def _result_object(generation: Generation, url: str, options: SimulatorOptions) -> object:
    if generation.status == "FAILURE":
        return [generation.error_message]
    if generation.status == "FAILED":
        return []
    if generation.error_message:
        return {"code": generation.error_code, "message": generation.error_message}
    forms: dict[str, object] = {
        "keys": [generation.storage_key],
        "string": generation.storage_key,
        "urls": [url],
        "objects": [{"url": url}],
    }
    return forms[options.result_form]
