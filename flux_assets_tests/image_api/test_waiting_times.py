import json

import pytest

from flux_assets.errors import RateLimitedError
from flux_assets.image_api.protocol import parse_reply

DATE = "Fri, 27 Mar 2026 10:00:00 GMT"
EPOCH = 1_774_605_600
"""The same moment."""


def seconds_of(headers: dict[str, str], body: object = None) -> float:
    """How long a 429 with these asks to wait."""
    data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    with pytest.raises(RateLimitedError) as caught:
        parse_reply(429, headers, data)
    return caught.value.retry_after_seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "26"}, 26),
        ({"retry-after": "26.5"}, 26.5),
        ({"RETRY-AFTER": "5, 40"}, 40),
        ({"Retry-After": "Fri, 27 Mar 2026 10:00:41 GMT"}, 41),
        ({"Retry-After": "Friday, 27-Mar-26 10:01:00 GMT"}, 60),
        ({"Retry-After": "2026-03-27T10:00:50Z"}, 50),
        ({"Retry-After": "6m0s"}, 360),
        ({"Retry-After": str(EPOCH + 12)}, 12),
        ({"retry-after-ms": "2500"}, 2.5),
        ({"RateLimit-Reset": "45"}, 45),
        ({"X-RateLimit-Reset": "45"}, 45),
        ({"X-Rate-Limit-Reset": str(EPOCH + 90)}, 90),
        ({"x-ratelimit-reset": str((EPOCH + 90) * 1000)}, 90),
        ({"x-ratelimit-reset": "2026-03-27T10:00:20+00:00"}, 20),
        ({"x-ratelimit-reset-after": "3.25"}, 3.25),
        ({"x-ratelimit-reset-requests": "1m30s"}, 90),
        ({"x-ratelimit-reset-tokens": "350ms"}, 1),
        ({"vendor-ratelimit-requests-reset": "2026-03-27T10:02:00Z"}, 120),
        ({"RateLimit": "limit=100, remaining=0, reset=33"}, 33),
        ({"RateLimit": '"default";r=0;t=34'}, 34),
        ({"ratelimit": '"default"; t=35; r=0'}, 35),
    ],
    ids=str,
)
def test_every_form_of_header_says_how_long_to_wait(
    headers: dict[str, str], seconds: float
) -> None:
    assert seconds_of({**headers, "Date": DATE}) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"RateLimit": '"burst";r=0;t=5, "daily";r=0;t=900'}, 900),
        ({"RateLimit": '"burst";r=0;t=5, "daily";r=70;t=900'}, 5),
        ({"RateLimit-Reset": "5, 900", "RateLimit-Remaining": "0, 0"}, 900),
        ({"RateLimit-Reset": "5, 900", "RateLimit-Remaining": "0, 70"}, 5),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "7s",
                "x-ratelimit-remaining-tokens": "9000",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            7,
        ),
        (
            {
                "x-ratelimit-minute-remaining": "0",
                "x-ratelimit-minute-reset": "7",
                "x-ratelimit-hour-remaining": "0",
                "x-ratelimit-hour-reset": "1700",
            },
            1700,
        ),
        ({"Retry-After": "9", "X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "900"}, 9),
        ({"Retry-After": "9", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "900"}, 900),
        ({"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "900"}, 30),
    ],
    ids=str,
)
def test_of_several_windows_the_longest_counts_that_is_used_up(
    headers: dict[str, str], seconds: float
) -> None:
    assert seconds_of(headers) == seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("Too many requests. Please try again after 26 seconds", 26),
        ("Please try again in 2 minutes.", 120),
        ("Try again in 1 minute and 30 seconds", 90),
        ("Rate limit: 180 requests in 60 seconds. Retry in 5s", 5),
        ("Please try again in 6m0s. Visit our page", 360),
        ("Please wait for 1.5 minutes", 90),
        ("retry after 12", 12),
        ("Please try again in 350ms", 1),
        ("Please try again in a minute", 60),
        ("Your limit resets in about one hour", 3600),
        ("Please wait at least 45 sec before the next request", 45),
        ("Too many requests (max 100 in 10 minutes)", 30),
        ("retry after 2026-03-27", 30),
    ],
)
def test_the_words_of_a_message_say_it_too(text: str, seconds: float) -> None:
    assert seconds_of({}, {"message": text}) == seconds
    assert seconds_of({}, {"error": {"message": text}}) == seconds
    assert seconds_of({}, text) == seconds


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ({"retryAfter": 26}, 26),
        ({"retry_after": "26"}, 26),
        ({"retryAfterSeconds": 26}, 26),
        ({"retryAfterMs": 2600}, 2.6),
        ({"retry_after_ms": 2600}, 2.6),
        ({"error": {"retry_after": 26}}, 26),
        ({"details": {"retryAfter": "1m"}}, 60),
        ({"retryAfter": None, "message": "soon"}, 30),
        ({"message": "Please try again after 3 seconds", "retryAfter": 26}, 26),
    ],
)
def test_a_field_of_the_body_says_it_too(body: object, seconds: float) -> None:
    assert seconds_of({}, body) == seconds


def test_the_longest_of_all_that_is_said_counts() -> None:
    headers = {"Retry-After": "40", "retry-after-ms": "1000"}
    assert seconds_of(headers, {"retryAfter": 3, "message": "Try again in 2 minutes"}) == 120


def test_a_moment_in_the_past_and_a_text_without_end_are_bounded() -> None:
    past = {"Retry-After": "Fri, 27 Mar 2026 09:00:00 GMT", "Date": DATE}
    assert seconds_of(past) == 1
    hostile = {"RateLimit": '"a";r=0;t=1,' * 5000, "x-ratelimit-" * 4000 + "reset": "5" * 60_000}
    assert seconds_of(hostile, {"message": "retry " * 9000 + "1s" * 9000}) == 1
