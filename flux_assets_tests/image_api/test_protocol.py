"""The samples follow the vendor's page and what public clients of the API have met."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flux_assets.errors import (
    AccountError,
    DownloadError,
    FluxAssetsError,
    GenerationFailedError,
    RateLimitedError,
    RefusedError,
    UnknownOutcomeError,
    UnpaidCallError,
)
from flux_assets.image_api.protocol import (
    Credits,
    Model,
    Reply,
    build_submit_body,
    parse_models,
    parse_reply,
    parse_result,
)
from flux_assets.image_api.request import build_image_request

SAMPLES = Path(__file__).parents[1] / "samples" / "image_api"
UUID = "f6a7b8c9-d0e1-2345-fabc-456789012345"
KEY = "images/2026_03_27_10_00_06_001_418223.png"
QUERY = "?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=604800&X-Amz-Signature=0badc0de"
S3_URL = f"https://s3.us-east-1.amazonaws.com/asset.1min.ai/{KEY}{QUERY}"
STORAGE_URL = f"https://storage.1min.ai/{KEY}{QUERY}"
CREATED_AT = "2026-03-27T10:00:00.000Z"


def read_sample(name: str) -> tuple[int, dict[str, str], bytes]:
    head, _, body = (SAMPLES / f"{name}.http").read_text("utf-8").partition("\n\n")
    status_line, *header_lines = head.splitlines()
    headers = dict(line.split(": ", 1) for line in header_lines)
    return int(status_line.split()[1]), headers, body.encode()


def success(**changes: Any) -> Reply:  # noqa: ANN401  # any field of Reply
    fields: dict[str, Any] = {
        "uuid": UUID,
        "status": "success",
        "result_keys": (KEY,),
        "temporary_url": S3_URL,
        "created_at": CREATED_AT,
    }
    return Reply(**{**fields, **changes})


PROCESSING = Reply(uuid=UUID, status="processing", created_at=CREATED_AT)

REPLIES = {
    "success": success(),
    "success_with_credits": success(credits=Credits(used=128_400, limit=4_500_000)),
    "success_url_beside_record": success(),
    "success_empty_url": success(temporary_url=None),
    "success_full_urls": success(
        result_keys=(
            f"https://storage.1min.ai/{KEY}",
            "https://asset.1min.ai/images/2026_03_27_10_00_06_002_418224.png",
        ),
        temporary_url=STORAGE_URL,
    ),
    "success_bare_string": success(),
    "success_url_objects": success(
        result_keys=(f"https://storage.1min.ai/{KEY}",), temporary_url=STORAGE_URL
    ),
    "success_without_uuid": success(uuid=""),
    "success_without_result": success(result_keys=(), temporary_url=None),
    "success_without_anything": Reply(uuid="", status="success"),
    "success_without_status": success(),
    "processing": PROCESSING,
    "state_undocumented": PROCESSING,
}

TOOK_TOO_LONG = "The provider took too long"
CREDITS_TEXT = "The feature requires 4800 credits"
ERRORS: Mapping[str, tuple[type[FluxAssetsError], str, str]] = {
    # sample: error, its reason or code, what its text says
    "key_deleted": (AccountError, "bad_key", "API Key has been deleted"),
    "out_of_credits_406": (AccountError, "out_of_credits", CREDITS_TEXT),
    "out_of_credits_200": (AccountError, "out_of_credits", CREDITS_TEXT),
    "flat_error_200": (AccountError, "out_of_credits", CREDITS_TEXT),
    "model_unsupported": (AccountError, "unsupported_model", "is not supported"),
    "gateway_403": (AccountError, "gateway_forbidden", "HTTP 403"),
    "fields_missing": (RefusedError, "MISSING_REQUIRED_FIELDS", "Missing required fields"),
    "other_400": (RefusedError, "HTTP_400", "aspect_ratio 7:3 is unknown"),
    "provider_refuses": (RefusedError, "EXTERNAL_API_RESPONSE_WITH_ERROR", "equal to 5"),
    "provider_moderates": (RefusedError, "EXTERNAL_API_RESPONSE_WITH_ERROR", "flagged"),
    "provider_details_as_object": (
        RefusedError,
        "EXTERNAL_API_RESPONSE_WITH_ERROR",
        "prompt is too long",
    ),
    "failed_moderated": (RefusedError, "MODERATED", "Request Moderated"),
    "failed_invalid_parameter": (RefusedError, "INVALID_PARAMETER", "between 15 and 50"),
    "provider_is_busy": (GenerationFailedError, "", "429: Rate limit reached"),
    "provider_is_broken": (GenerationFailedError, "", "503"),
    "provider_bills_the_vendor": (GenerationFailedError, "", "402: Payment required"),
    "provider_details_unreadable": (GenerationFailedError, "", "upstream gave no JSON"),
    "provider_without_details": (GenerationFailedError, "", "The service is busy"),
    "failed_reason_in_detail": (GenerationFailedError, "", TOOK_TOO_LONG),
    "failed_reason_in_record": (GenerationFailedError, "", TOOK_TOO_LONG),
    "failed_reason_in_error": (GenerationFailedError, "", TOOK_TOO_LONG),
    "failed_reason_in_result": (GenerationFailedError, "", TOOK_TOO_LONG),
    "failed_without_reason": (GenerationFailedError, "", "no reason given"),
    "failed_error_object": (GenerationFailedError, "", "GENERATION_ERROR Something went wrong"),
    "rate_limit": (RateLimitedError, "", "26 s"),
    "rate_limit_in_text": (RateLimitedError, "", "26 s"),
    "rate_limit_in_header": (RateLimitedError, "", "17 s"),
    "rate_limit_until_date": (RateLimitedError, "", "41 s"),
    "rate_limit_bare": (RateLimitedError, "", "30 s"),
    "gateway_502": (UnknownOutcomeError, "", "HTTP 502"),
    "gateway_503": (UnknownOutcomeError, "", "HTTP 503"),
    "gateway_504": (UnknownOutcomeError, "", "HTTP 504"),
    "gateway_520": (UnknownOutcomeError, "", "HTTP 520"),
    "gateway_522": (UnknownOutcomeError, "", "HTTP 522"),
    "gateway_524": (UnknownOutcomeError, "", "HTTP 524"),
    "server_error_json": (UnknownOutcomeError, "", "HTTP 500 Something went wrong"),
    "not_found_json": (UnknownOutcomeError, "", "HTTP 404"),
    "redirect": (UnknownOutcomeError, "", "HTTP 302"),
    "unreadable_html_200": (UnknownOutcomeError, "", "no JSON"),
    "unreadable_list_200": (UnknownOutcomeError, "", "no JSON"),
    "unreadable_empty_object_200": (UnknownOutcomeError, "", "without a uuid"),
    "processing_without_uuid": (UnknownOutcomeError, "", "without a uuid"),
    "result_unknown": (UnknownOutcomeError, "", "without a uuid"),
    "error_quotes_a_signed_url": (RefusedError, "BAD_IMAGE", f"{KEY} with key [API key]"),
}


def test_every_sample_has_its_expected_reading() -> None:
    named = {*REPLIES, *ERRORS, "models"}
    assert {path.stem for path in SAMPLES.glob("*.http")} == named


@pytest.mark.parametrize("name", REPLIES)
def test_an_accepted_call_gives_all_that_the_reply_holds(name: str) -> None:
    assert parse_reply(*read_sample(name)) == REPLIES[name]


@pytest.mark.parametrize("name", ERRORS)
def test_any_other_reply_is_an_error_by_who_must_act(name: str) -> None:
    error_class, reason, text = ERRORS[name]
    with pytest.raises(FluxAssetsError) as caught:
        parse_reply(*read_sample(name), secret="sk-shop-0001")
    assert type(caught.value) is error_class
    assert getattr(caught.value, "reason", getattr(caught.value, "code", "")) == reason
    assert text in str(caught.value)
    assert "X-Amz" not in str(caught.value)
    assert "sk-shop-0001" not in str(caught.value)


def test_a_repr_holds_no_signed_url() -> None:
    assert "0badc0de" not in repr(parse_reply(*read_sample("success_full_urls")))


@pytest.mark.parametrize("name", REPLIES)
def test_a_result_asked_for_later_reads_like_the_first_reply(name: str) -> None:
    assert parse_result(*read_sample(name)) == REPLIES[name]


@pytest.mark.parametrize("name", ["result_unknown", "not_found_json"])
def test_a_uuid_that_the_vendor_does_not_know_gives_none(name: str) -> None:
    assert parse_result(*read_sample(name)) is None


@pytest.mark.parametrize(
    ("name", "error_class"),
    [
        ("key_deleted", AccountError),
        ("rate_limit", RateLimitedError),
        ("failed_moderated", RefusedError),
        ("failed_without_reason", GenerationFailedError),
        ("other_400", DownloadError),  # the question was refused, not the picture
        ("provider_is_broken", DownloadError),
        ("gateway_502", DownloadError),
        ("redirect", DownloadError),
        ("unreadable_html_200", DownloadError),
        ("unreadable_empty_object_200", DownloadError),
    ],
)
def test_asking_for_a_result_never_ends_in_an_unknown_outcome(
    name: str, error_class: type[FluxAssetsError]
) -> None:
    with pytest.raises(FluxAssetsError) as caught:
        parse_result(*read_sample(name))
    assert type(caught.value) is error_class


def test_a_404_of_the_gateway_does_not_call_a_paid_picture_unknown() -> None:
    with pytest.raises(DownloadError):
        parse_result(404, {}, b"<html></html>")


def test_only_the_record_of_a_call_says_that_it_could_not_be_paid() -> None:
    with pytest.raises(UnpaidCallError) as caught:
        parse_result(*read_sample("out_of_credits_200"))
    assert caught.value.reason == "out_of_credits"
    for about_the_question in ("out_of_credits_406", "flat_error_200"):
        with pytest.raises(AccountError) as account:
            parse_result(*read_sample(about_the_question))
        assert not isinstance(account.value, UnpaidCallError)


def test_an_error_without_a_record_says_nothing_of_the_call() -> None:
    with pytest.raises(DownloadError):
        parse_result(200, {}, b'{"errorCode": "MODERATED", "message": "flagged"}')


def test_models_are_listed_with_their_state() -> None:
    assert parse_models(*read_sample("models")) == (
        Model(model_id="black-forest-labs/flux-2-max", name="Flux 2 Max", is_active=True),
        Model(model_id="flux-schnell", name="Flux Schnell", is_active=False),
    )


@pytest.mark.parametrize("name", ["gateway_502", "unreadable_html_200", "other_400"])
def test_models_that_cannot_be_read_may_be_asked_for_again(name: str) -> None:
    with pytest.raises(DownloadError):
        parse_models(*read_sample(name))


def test_a_request_is_sent_in_the_vendors_words() -> None:
    request = build_image_request(
        product_id="mug-1", shot="hero", prompt="A mug", parameters={"seed": 7, "guidance": 3.5}
    )
    body = build_submit_body(request)
    assert body == {
        "type": "IMAGE_GENERATOR",
        "model": "black-forest-labs/flux-2-max",
        "promptObject": {
            "prompt": "A mug",
            "aspect_ratio": "1:1",
            "output_format": "png",
            "output_quality": 80,
            "steps": 50,
            "guidance": 3.5,
            "safety_tolerance": 2,
            "prompt_upsampling": False,
            "seed": 7,
        },
    }
    assert build_submit_body(request, run_async=True) == {**body, "async": True}


# The vendor's own names at any depth, with any value: near misses, not only noise.
_NAMES = st.sampled_from(
    re.findall(
        r"\w+",
        "aiRecord aiRecordDetail resultObject status uuid temporaryUrl createdAt teamUser "
        "usedCredit creditLimit errorCode message details response data code url error "
        "errorMessage retryAfter models modelId",
    )
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(),
    st.sampled_from(["SUCCESS", "FAILED", "PROCESSING", "https://[", "INSUFFICIENT_CREDITS"]),
    st.sampled_from(["EXTERNAL_API_RESPONSE_WITH_ERROR", '{"response": {"status": 4e2}}', "[" * 9]),
)
_JSON = st.recursive(
    _LEAVES, lambda inner: st.lists(inner) | st.dictionaries(_NAMES, inner), max_leaves=20
)
_BODIES = st.binary() | _JSON.map(lambda value: json.dumps(value).encode())
_HEADERS = st.dictionaries(st.sampled_from(["retry-after", "Date"]), st.text())


@given(
    status_code=st.integers(0, 999) | st.sampled_from([200, 400, 429]),
    body=_BODIES,
    headers=_HEADERS,
)
def test_any_reply_at_all_is_a_reply_or_an_error_of_ours(
    status_code: int, body: bytes, headers: dict[str, str]
) -> None:
    text = ""
    try:
        reply = parse_reply(status_code, headers, body)
        assert not any("?" in key for key in reply.result_keys)
    except FluxAssetsError as error:
        text = str(error)
    assert text.isprintable()
    for parse in (parse_result, parse_models):
        try:
            parse(status_code, headers, body)
        except UnknownOutcomeError:
            pytest.fail("asking is free")
        except FluxAssetsError:
            pass


def test_json_nested_too_deeply_is_unreadable() -> None:
    with pytest.raises(UnknownOutcomeError):
        parse_reply(200, {}, b"[" * 100_000)


def test_a_reply_keeps_the_vendors_texts_as_they_came_and_shows_none_of_them() -> None:
    secret = "sk-shop-0001"
    record: dict[str, Any] = {
        "uuid": f"1-{secret}",
        "createdAt": secret,
        "temporaryUrl": f"https://a.b/{secret}",
    }
    record |= {"status": "SUCCESS", "resultObject": [f"images/{secret}.png"]}
    reply = parse_reply(200, {}, json.dumps({"aiRecord": record}).encode(), secret=secret)
    assert (reply.uuid, reply.created_at) == (f"1-{secret}", secret)
    assert reply.result_keys == (f"images/{secret}.png",)
    assert reply.temporary_url == f"https://a.b/{secret}"
    assert secret not in repr(reply)
