"""Sans-I/O: request bodies, and what the vendor's replies say.

The contract is the vendor's page "Flux 2 Max - Image Generator"; beyond it, every form that
clients of this API have met is accepted, because a reply that is misread is a picture paid for
and lost.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from flux_assets.errors import (
    AccountError,
    DownloadError,
    FluxAssetsError,
    RateLimitedError,
    RefusedError,
    UnknownOutcomeError,
    UnpaidCallError,
)
from flux_assets.image_api.error_replies import (
    mapping,
    parse_error_reply,
    parse_failure,
    parse_json_object,
    speaks_of_moderation,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.vendor_text import printable
from flux_assets.image_api.waiting_times import parse_number

_FAILED = frozenset(
    {
        *("FAILED", "FAILURE", "ERROR", "ERRORED", "ABORTED", "REJECTED", "BLOCKED"),
        *("CANCELED", "CANCELLED", "TIMEOUT", "TIMED_OUT", "TIMEDOUT", "EXPIRED"),
    }
)

_BARE = frozenset({"FAILED", "FAILURE", "SUCCESS", "PROCESSING"})
"""A status that is no reason by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credits:
    """The team's credits as the reply tells them; `used` lags one call behind."""

    used: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the vendor says of one call that it accepted; to be persisted before anything else.

    A reply that says SUCCESS is paid, so it is a Reply even where the vendor left something out:
    `uuid` may be "", `result_keys` empty and `temporary_url` None. Without result and URL the
    picture can only come from the uuid; without the uuid too, it is lost, and known to be.

    `result_keys` are storage keys or full URLs as given, without any query. `temporary_url` is
    signed, a credential while it lives, and serves the first result only. The vendor's texts stay
    as they came, since they fetch the picture, and are not in the repr: they may hold a secret.
    """

    uuid: str = field(repr=False)
    status: Literal["processing", "success"]
    result_keys: tuple[str, ...] = field(default=(), repr=False)
    temporary_url: str | None = field(default=None, repr=False)
    created_at: str | None = field(default=None, repr=False)
    credits: Credits | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model that the API lists."""

    model_id: str
    name: str
    is_active: bool


def build_submit_body(
    request: ImageRequest, *, asset_key: str = "", run_async: bool = False
) -> dict[str, object]:
    """The JSON of `POST /api/features` for one image request.

    Raises:
        ValueError: an uploaded photo is given for a picture that is made from words, or none for
            one that is not: the API would ignore the one silently and refuse the other.
    """
    if bool(asset_key) != (request.mode == "edit"):
        message = f"a request of type {request.type} was to be sent with asset key {asset_key!r}"
        raise ValueError(message)
    prompt_object: dict[str, object] = dict(request.prompt_object)
    if asset_key:
        prompt_object["imageUrl"] = asset_key
    body: dict[str, object] = {
        "type": request.type,
        "model": request.model,
        "promptObject": prompt_object,
    }
    return {**body, "async": True} if run_async else body


def parse_reply(
    status_code: int, headers: Mapping[str, str], body: bytes, *, secret: str = ""
) -> Reply:
    """Read the answer to `POST /api/features`.

    A record in a state that is not documented counts as processing if it has a uuid: then it
    can still be asked for, while calling it unknown would have it paid again.

    Args:
        status_code: HTTP status.
        headers: of the reply, names in any case.
        body: decoded from any content encoding.
        secret: the API key, kept out of every error's text.

    Raises:
        AccountError: every call would be answered so; nothing was made.
        RefusedError: the vendor will not make this picture.
        RateLimitedError: nothing was made; the time to wait is in it.
        GenerationFailedError: this call failed without a reason that would repeat itself.
        UnknownOutcomeError: the reply does not say; a picture may have been paid for.
    """
    if not _is_success(status_code):
        raise parse_error_reply(status_code, headers, body, secret=secret)
    data = parse_json_object(body)
    if data is None:
        raise UnknownOutcomeError(f"HTTP {status_code} with {len(body)} bytes that are no JSON")
    if flat_error := _parse_flat_error(data, secret):
        raise flat_error
    record = mapping(data.get("aiRecord", data))
    status = re.sub(r"[\s-]+", "_", printable(record.get("status")).strip().upper())
    result = mapping(record.get("aiRecordDetail")).get("resultObject", record.get("resultObject"))
    results = _parse_results(result)
    is_failed = status in _FAILED or speaks_of_moderation(status)
    if is_failed or (not results and _error_objects(result)):
        raise _parse_failed_record(data, record, result, secret)
    temporary_url = _first_url([record.get("temporaryUrl"), data.get("temporaryUrl"), *results])
    uuid = printable(record.get("uuid"))
    has_result = bool(results or temporary_url)
    is_finished = status == "SUCCESS" or (has_result and status != "PROCESSING")
    if not is_finished and not uuid:
        raise UnknownOutcomeError(f"HTTP {status_code} without a result and without a uuid")
    return Reply(
        uuid=uuid,
        status="success" if is_finished else "processing",
        result_keys=tuple(re.split(r"[?#]", text, maxsplit=1)[0] for text in results),
        temporary_url=temporary_url,
        created_at=printable(record.get("createdAt")) or None,
        credits=_parse_credits(mapping(record.get("teamUser"))),
    )


def parse_result(
    status_code: int, headers: Mapping[str, str], body: bytes, *, secret: str = ""
) -> Reply | None:
    """Read the answer to `GET /api/results/{uuid}`; None if the vendor does not know the uuid.

    Asking costs nothing, so a reply that cannot be read is never an unknown outcome here.

    Raises:
        AccountError, RateLimitedError: the question is answered so, whatever the picture is.
        RefusedError, GenerationFailedError, UnpaidCallError: the record says so; a refusal of
            the question itself says nothing of the picture and is a DownloadError.
        DownloadError: no readable answer this time.
    """
    data = parse_json_object(body)
    if not _is_success(status_code):
        if status_code == 404 and data is not None:
            return None
        raise _free_call_error(parse_error_reply(status_code, headers, body, secret=secret))
    if data is not None and data.get("aiRecord", data) is None:
        return None
    if data is not None and (flat_error := _parse_flat_error(data, secret)):
        raise _free_call_error(flat_error)
    try:
        return parse_reply(status_code, headers, body, secret=secret)
    except AccountError as error:
        raise UnpaidCallError(error.reason, str(error)) from error
    except UnknownOutcomeError as error:
        raise DownloadError(str(error)) from error


def parse_asset(
    status_code: int, headers: Mapping[str, str], body: bytes, *, secret: str = ""
) -> str:
    """Read the answer to `POST /api/assets`: the key that calls name the uploaded photo by.

    Raises:
        AccountError, RateLimitedError, RefusedError: as `parse_reply`.
        DownloadError: no key this time; uploading again is free.
    """
    if not _is_success(status_code):
        error = parse_error_reply(status_code, headers, body, secret=secret)
        raise error if isinstance(error, RefusedError) else _free_call_error(error)
    data = mapping(parse_json_object(body))
    paths = (mapping(data.get("asset")).get("key"), mapping(data.get("fileContent")).get("path"))
    key = next((text for path in paths if (text := printable(path))), "")
    if not key:
        raise DownloadError(f"HTTP {status_code} without the key of the uploaded photo")
    return key


def parse_models(status_code: int, headers: Mapping[str, str], body: bytes) -> tuple[Model, ...]:
    """Read the answer to `GET /models`; entries without a `modelId` are left out.

    Raises:
        AccountError, RateLimitedError: as `parse_reply`.
        DownloadError: no readable list this time.
    """
    if not _is_success(status_code):
        raise _free_call_error(parse_error_reply(status_code, headers, body))
    models = mapping(parse_json_object(body)).get("models")
    if not isinstance(models, list):
        raise DownloadError(f"HTTP {status_code} without a list of models")
    return tuple(
        Model(
            model_id=model_id,
            name=printable(mapping(model).get("name")),
            is_active=mapping(model).get("status") == "ACTIVE",
        )
        for model in models
        if (model_id := printable(mapping(model).get("modelId")))
    )


def _is_success(status_code: int) -> bool:
    return 200 <= status_code < 300


def _free_call_error(error: FluxAssetsError) -> FluxAssetsError:
    keeps_its_meaning = isinstance(error, AccountError | RateLimitedError)
    return error if keeps_its_meaning else DownloadError(f"the API gave no answer: {error}")


def _parse_flat_error(data: Mapping[str, object], secret: str) -> FluxAssetsError | None:
    """An error that came with HTTP 200 in place of any record."""
    if "aiRecord" in data or not data.get("errorCode"):
        return None
    code, message = printable(data["errorCode"]), printable(data.get("message"))
    return parse_failure(code, message, secret=secret)


def _parse_results(result: object) -> list[str]:
    """Keys and URLs, queries included, of a list, a bare value or objects with `url`."""
    items = result if isinstance(result, list) else [result]
    texts = (printable(mapping(item).get("url") or item) for item in items)
    return [text for text in texts if text]


def _error_objects(result: object) -> list[Mapping[str, object]]:
    items = result if isinstance(result, list) else [result]
    objects = map(mapping, items)
    return [item for item in objects if item.get("code") or item.get("message")]


def _parse_failed_record(
    data: Mapping[str, object], record: Mapping[str, object], result: object, secret: str
) -> FluxAssetsError:
    """Gather every place where clients have found the reason: the first may be a mere phrase."""
    errors = [record.get("error"), data.get("error"), *_error_objects(result)]
    codes = (printable(mapping(error).get("code")) for error in errors)
    reasons = [
        mapping(record.get("aiRecordDetail")).get("errorMessage"),
        record.get("errorMessage"),
        *(mapping(error).get("message", error) for error in errors),
        *_parse_results(result),
    ]
    texts = dict.fromkeys(text for reason in reasons if (text := printable(reason)))
    status = printable(record.get("status"))
    code = next(filter(None, codes), "") or ("" if status.upper() in _BARE else status)
    return parse_failure(code, "; ".join(texts), secret=secret)


def _first_url(candidates: Sequence[object]) -> str | None:
    texts = (printable(candidate) for candidate in candidates)
    return next((text for text in texts if text.startswith(("https://", "http://"))), None)


def _parse_credits(team_user: Mapping[str, object]) -> Credits | None:
    used = parse_number(team_user.get("usedCredit"))
    limit = parse_number(team_user.get("creditLimit"))
    return None if used is None or limit is None else Credits(used=used, limit=limit)
