"""Sans-I/O: what the vendor's refusals and failures mean, as errors of ours.

A permanent reading (RefusedError) is never tried again, so it is given only where the reply is
about this one request; what could hit every request alike stops the run or stays unknown.
"""

import json
import re
from collections.abc import Mapping

from flux_assets.errors import (
    AccountError,
    AccountProblem,
    FluxAssetsError,
    GenerationFailedError,
    RateLimitedError,
    RefusedError,
    UnknownOutcomeError,
)
from flux_assets.image_api.vendor_text import printable, safe_text
from flux_assets.image_api.waiting_times import parse_number, retry_seconds

_PROBLEM_OF_STATUS: Mapping[int, AccountProblem] = {
    401: "bad_key",
    402: "out_of_credits",
    403: "gateway_forbidden",
    406: "out_of_credits",
}
_PROBLEM_OF_CODE: Mapping[str, AccountProblem] = {
    "INSUFFICIENT_CREDITS": "out_of_credits",
    "UNSUPPORTED_MODEL": "unsupported_model",
}
_ADVICE: Mapping[AccountProblem, str] = {
    "bad_key": "the API key is not accepted; set a valid ONEMIN_API_KEY",
    "out_of_credits": "the account is out of credits; add credits, then run again",
    "unsupported_model": "the model is unknown or disabled; ask the vendor",
    "gateway_forbidden": "the API's gateway turns this machine away; check network and proxy",
}
_PROVIDER_ERROR = "EXTERNAL_API_RESPONSE_WITH_ERROR"
_ABOUT_THE_REQUEST = (400, 422)
_MAX_PLAIN_BYTES = 2000
# The provider's opinion of the vendor's own account or pace, not of our request.
_PROVIDER_TRANSIENT = (401, 402, 403, 408, 429)

_MODERATION = re.compile(
    r"moderated|moderation|nsfw|flagged|content[ _-]?(policy|filter|violation|blocked|rejected)"
    r"|safety[ _-](system|filter|checker|violation)|policy[ _-]violation"
    r"|(prohibited|sensitive)[ _-]content",
    re.IGNORECASE,
)
_INVALID_PARAMETER = re.compile(
    r"invalid[ _-](param|input|value|argument|prompt)|validation (error|failed)|missing[ _]required"
    r"|must be (one of|between|at least|at most|less|greater)|out of range",
    re.IGNORECASE,
)
# Where a status is about the account, in whichever words; a product's own may read alike.
_SPEAKS_OF_CREDITS = re.compile(
    r"insufficient[ _-]?(credit|balance|fund|quota)|(not|n't) (have )?enough (credit|balance|fund)"
    r"|out of (credit|fund|balance)|low balance|no (more )?credits? (left|remaining)"
    r"|(credits?|balance|funds?) (is |are |has been |have been )?"
    r"(too low|insufficient|exhausted|depleted|used up|exceeded)"
    r"|exceeded your current quota|top[ -]?up|payment required|recharge",
    re.IGNORECASE,
)
_VENDORS_CREDITS = re.compile(r"requires [\d,.]{1,20} credits?,? but", re.IGNORECASE)
_ABOUT_THE_ACCOUNT = (402, 403, 406, 429)


def parse_json_object(body: bytes | str) -> dict[str, object] | None:
    """The JSON object in these bytes, or None for anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def mapping(value: object) -> Mapping[str, object]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def speaks_of_moderation(reason: str) -> bool:
    """Whether a refusal's reason is what the picture would show."""
    return bool(_MODERATION.search(reason))


def parse_error_reply(
    status_code: int, headers: Mapping[str, str], body: bytes, *, secret: str = ""
) -> FluxAssetsError:
    """What a reply means that is not a 2xx; `secret` never appears in the error's text."""
    data = parse_json_object(body)
    fields = mapping(data)
    inner = mapping(fields.get("error"))
    code = _first_text(
        fields.get("errorCode"), fields.get("code"), inner.get("code"), secret=secret
    )
    message = _first_text(
        fields.get("message"), inner.get("message"), fields.get("error"), secret=secret
    )
    plain = message or _first_text(body[:_MAX_PLAIN_BYTES].decode(errors="replace"), secret=secret)
    kind = f"{code} {printable(inner.get('type'))}"
    if code != _PROVIDER_ERROR and (
        _SPEAKS_OF_CREDITS.search(f"{kind} {plain}" if status_code in _ABOUT_THE_ACCOUNT else kind)
        or _VENDORS_CREDITS.search(message)
    ):
        return _account_error("out_of_credits", message or plain or code)
    if status_code == 429:
        objects = (fields, inner, mapping(fields.get("details")), mapping(fields.get("context")))
        return RateLimitedError(retry_seconds(headers, objects, [plain]))
    problem = _PROBLEM_OF_CODE.get(code) or _PROBLEM_OF_STATUS.get(status_code)
    if problem:
        return _account_error(problem, message or f"HTTP {status_code}")
    if data is None or status_code not in _ABOUT_THE_REQUEST:
        return UnknownOutcomeError(
            f"HTTP {status_code} {message or 'without a readable reason'}; whether the call was "
            "carried out is not known"
        )
    if code == _PROVIDER_ERROR:
        return _provider_error(fields.get("details"), message, secret)
    return RefusedError(code or f"HTTP_{status_code}", message or "no reason given")


def parse_failure(code: str, message: str, *, secret: str = "") -> FluxAssetsError:
    """What a failure means that came with HTTP 200, from its code and its whole reason."""
    whole = f"{code} {message}".strip()
    code, message = safe_text(code, secret=secret), safe_text(message, secret=secret)
    if problem := _PROBLEM_OF_CODE.get(code):
        return _account_error(problem, message)
    if speaks_of_moderation(whole):
        return RefusedError(code or "MODERATED", message)
    if _INVALID_PARAMETER.search(whole):
        return RefusedError(code or "INVALID_PARAMETER", message)
    reason = f"{code} {message}".strip() or "no reason given"
    return GenerationFailedError(f"the vendor failed to make the picture: {reason}")


def _first_text(*values: object, secret: str) -> str:
    return next((text for value in values if (text := safe_text(value, secret=secret))), "")


def _account_error(problem: AccountProblem, message: str) -> AccountError:
    return AccountError(problem, f"{_ADVICE[problem]} (the API says: {message})")


def _provider_error(details: object, message: str, secret: str) -> FluxAssetsError:
    """Judge by the provider's own reply inside `details`; the outer message may be false."""
    plain = parse_json_object(details) if isinstance(details, str) else mapping(details)
    response = mapping(mapping(plain).get("response"))
    status = parse_number(response.get("status"))
    inner = printable(mapping(response.get("data")).get("message"))
    whole = inner or printable(details) or message
    reason = safe_text(whole, secret=secret)
    permanent = (
        status is not None and 400 <= status < 500 and int(status) not in _PROVIDER_TRANSIENT
    )
    if permanent or speaks_of_moderation(whole):
        return RefusedError(_PROVIDER_ERROR, reason)
    answered = "an unreadable status" if status is None else f"{status:g}"
    return GenerationFailedError(f"the vendor's provider answered {answered}: {reason}")
