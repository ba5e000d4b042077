import json

import pytest

from flux_assets.errors import AccountError, GenerationFailedError, RateLimitedError, RefusedError
from flux_assets.image_api.protocol import parse_reply


@pytest.mark.parametrize(
    ("told", "seconds"),
    [(0, 1), (-5, 1), (1e8, 3600), ("12", 12), (True, 30), (float("nan"), 30), (10**400, 30)],
)
def test_the_time_to_wait_stays_within_bounds(told: object, seconds: float) -> None:
    with pytest.raises(RateLimitedError) as caught:
        parse_reply(429, {}, json.dumps({"retryAfter": told}).encode())
    assert caught.value.retry_after_seconds == seconds


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "Fri, 27 Mar 2026 10:00:41 GMT"},
        {"Retry-After": "soon", "Date": "Fri, 27 Mar 2026 10:00:00 GMT"},
    ],
)
def test_a_retry_date_without_a_clock_to_compare_gives_the_default(
    headers: dict[str, str],
) -> None:
    with pytest.raises(RateLimitedError) as caught:
        parse_reply(429, headers, b"")
    assert caught.value.retry_after_seconds == 30


def test_the_vendors_long_text_is_cut_after_it_was_judged() -> None:
    reason = "a " * 400 + "request moderated"
    body = {"aiRecord": {"uuid": "u-1", "status": "FAILED", "errorMessage": reason}}
    with pytest.raises(RefusedError) as caught:
        parse_reply(200, {}, json.dumps(body).encode())
    assert len(str(caught.value)) < 400


def test_the_vendors_text_cannot_forge_a_log_line() -> None:
    body = {"message": "bad\r\nINFO bought \x1b[31m everything \ud800"}
    with pytest.raises(RefusedError) as caught:
        parse_reply(400, {}, json.dumps(body).encode())
    assert caught.value.message == "bad INFO bought [31m everything"


@pytest.mark.parametrize(
    "quoted",
    [
        "GET https://h.example/a.png?sig=s3cr3t failed",
        'GET "HTTPS://h.example/a.png?s3cr3t" failed',
        r"GET https:\/\/h.example\/a.png?sig=s3cr3t failed",
        "GET images/a.png?X-Amz-Signature=s3cr3t failed",
        "GET https://h.example/a.png#s3cr3t failed",
    ],
)
def test_a_signature_never_reaches_an_errors_text(quoted: str) -> None:
    with pytest.raises(RefusedError) as caught:
        parse_reply(400, {}, json.dumps({"message": quoted}).encode())
    assert "s3cr3t" not in str(caught.value)
    assert "a.png" in str(caught.value)
    assert "failed" in str(caught.value)


@pytest.mark.parametrize(
    ("status_code", "reason"),
    [
        (401, "bad_key"),
        (402, "out_of_credits"),
        (403, "gateway_forbidden"),
        (406, "out_of_credits"),
    ],
)
def test_a_status_that_every_call_would_get_stops_the_run_whatever_its_body(
    status_code: int, reason: str
) -> None:
    for body in (b"", b"<html></html>", b'{"message": "no"}'):
        with pytest.raises(AccountError) as caught:
            parse_reply(status_code, {}, body)
        assert caught.value.reason == reason


@pytest.mark.parametrize("status", [401, 402, 403, 408, 429, 500])
def test_what_the_provider_holds_against_the_vendor_is_no_refusal_of_the_picture(
    status: int,
) -> None:
    details = json.dumps({"response": {"status": status, "data": {"message": "no"}}})
    body = {"errorCode": "EXTERNAL_API_RESPONSE_WITH_ERROR", "details": details}
    with pytest.raises(GenerationFailedError):
        parse_reply(400, {}, json.dumps(body).encode())


CREDITS = {
    "a code": (429, {"errorCode": "INSUFFICIENT_CREDITS", "message": "no"}),
    "a code of another vendor": (429, {"error": {"code": "insufficient_quota", "message": "x"}}),
    "a type": (429, {"error": {"type": "insufficient_quota"}}),
    "a sentence": (429, {"message": "You are out of credits"}),
    "the vendor's sentence": (
        400,
        {"message": "The feature requires 4800 credits, but the X team only has 46 credits"},
    ),
    "a balance": (403, {"message": "Insufficient balance"}),
    "a balance that is exhausted": (403, {"error": "Your balance is exhausted, please top up"}),
    "a plan": (429, {"error": {"message": "You exceeded your current quota, check your plan"}}),
}


@pytest.mark.parametrize("form", CREDITS)
def test_a_reply_that_speaks_of_credits_is_about_them_whatever_its_status(form: str) -> None:
    status_code, body = CREDITS[form]
    with pytest.raises(AccountError, match="add credits") as caught:
        parse_reply(status_code, {}, json.dumps(body).encode())
    assert caught.value.reason == "out_of_credits"


def test_a_plain_text_can_say_so_too() -> None:
    with pytest.raises(AccountError, match="Not enough credits") as caught:
        parse_reply(403, {}, b"Not enough credits.")
    assert caught.value.reason == "out_of_credits"


def test_a_products_own_words_are_no_bill() -> None:
    body = {"errorCode": "INVALID_PROMPT", "message": "invalid prompt: 'Top-up card, low balance'"}
    with pytest.raises(RefusedError):
        parse_reply(400, {}, json.dumps(body).encode())


def test_a_rate_limit_that_speaks_of_a_quota_is_waited_for() -> None:
    with pytest.raises(RateLimitedError) as caught:
        parse_reply(429, {}, b'{"message": "Quota of requests exceeded. Try again in 7 seconds"}')
    assert caught.value.retry_after_seconds == 7
