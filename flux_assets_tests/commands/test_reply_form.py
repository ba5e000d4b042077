import json
from datetime import UTC, datetime
from typing import Any

import pytest

from flux_assets.commands.checks.reply_form import ReplyForm, describe_reply
from flux_assets.image_api.transport import HttpReply

SIGNED = "https://bucket.example.com/a.png?X-Amz-Date=20261124T100000Z&X-Amz-Expires=3600&X-Amz-Signature=0badc0de"


def describe(body: Any) -> ReplyForm:  # noqa: ANN401 - any JSON
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return describe_reply(HttpReply(status_code=200, headers={}, body=data))


def record(**fields: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"uuid": "u", "temporaryUrl": "", **fields}


def result(value: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    return {"aiRecord": record(aiRecordDetail={"resultObject": value})}


@pytest.mark.parametrize(
    ("body", "url_path"),
    [
        ({"aiRecord": record(temporaryUrl=SIGNED)}, "aiRecord.temporaryUrl"),
        ({"aiRecord": record(), "temporaryUrl": SIGNED}, "temporaryUrl"),
        (record(temporaryUrl=SIGNED), "temporaryUrl"),
        (result([SIGNED]), "aiRecord.aiRecordDetail.resultObject[]"),
        (result(["images/a.png", SIGNED]), "aiRecord.aiRecordDetail.resultObject[]"),
        (result([{"url": SIGNED}]), "aiRecord.aiRecordDetail.resultObject[].url"),
        (result(SIGNED), "aiRecord.aiRecordDetail.resultObject"),
        ({"aiRecord": record(resultObject=[SIGNED])}, "aiRecord.resultObject[]"),
        (result(["images/a.png"]), ""),
        ({"errorCode": "X", "message": "no"}, ""),
    ],
)
def test_the_url_is_found_wherever_the_client_takes_it_from(body: object, url_path: str) -> None:
    form = describe(body)
    assert form.url_path == url_path
    assert form.url_host == ("bucket.example.com" if url_path else "")


@pytest.mark.parametrize(
    ("query", "expires_at"),
    [
        ("X-Amz-Date=20261124T100000Z&X-Amz-Expires=3600", datetime(2026, 11, 24, 11, tzinfo=UTC)),
        ("Expires=1795518000&Signature=s", datetime.fromtimestamp(1795518000, UTC)),
        ("", None),
        ("X-Amz-Expires=3600", None),
        ("X-Amz-Date=now&X-Amz-Expires=3600", None),
        ("Expires=99999999999999999999", None),
    ],
)
def test_the_expiry_is_read_from_the_query(query: str, expires_at: datetime | None) -> None:
    form = describe({"aiRecord": record(temporaryUrl=f"https://h/a.png?{query}")})
    assert form.url_expires_at == expires_at


def test_fields_are_named_by_their_path_and_no_value_is_told() -> None:
    form = describe({"aiRecord": {"secret": SIGNED, "items": [{"a": 1}, {"b": []}], "none": None}})
    assert form.field_paths == (
        "aiRecord.secret",
        "aiRecord.items[].a",
        "aiRecord.items[].b",
        "aiRecord.none",
    )
    assert "0badc0de" not in repr(describe({"aiRecord": record(temporaryUrl=SIGNED)}))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff"])
def test_a_reply_that_is_no_json_object_has_no_fields(body: bytes) -> None:
    assert describe(body) == ReplyForm(status_code=200, field_paths=())


def test_a_reply_of_any_size_and_depth_is_described_shortly() -> None:
    deep: dict[str, Any] = {}
    for _ in range(500):
        deep = {"a": deep}
    assert describe(deep).field_paths == (".".join(["a"] * 8),)
    assert len(describe({str(number): number for number in range(1000)}).field_paths) == 100
