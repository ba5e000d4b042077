import io
import json
import zlib
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from PIL import Image

from flux_assets.commands.checks.reply_form import ReplyForm, describe_reply, has_c2pa
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


# --- C2PA ------------------------------------------------------------------------------------

JUMBF = b"\0\0\0\x1cjumb\0\0\0\x14jumdc2pa\0\x11\0\x10c2pa\0"


def draw(kind: Literal["PNG", "JPEG", "WEBP"]) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16), "red").save(buffer, kind)
    return buffer.getvalue()


def png_with(kind: bytes, body: bytes) -> bytes:
    picture = draw("PNG")
    checksum = zlib.crc32(kind + body).to_bytes(4)
    header_end = 8 + 25
    chunk = len(body).to_bytes(4) + kind + body + checksum
    return picture[:header_end] + chunk + picture[header_end:]


def jpeg_with(marker: int, body: bytes) -> bytes:
    picture = draw("JPEG")
    segment = bytes([0xFF, marker]) + (len(body) + 2).to_bytes(2) + body
    return picture[:20] + segment + picture[20:]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (png_with(b"caBX", JUMBF), True),
        (jpeg_with(0xEB, b"JP\0\x01\0\0\0\x01" + JUMBF), True),
        (png_with(b"caBX", b"something else"), False),
        (png_with(b"tEXt", b"comment\0c2pa"), False),
        (jpeg_with(0xFE, b"c2pa"), False),
        (draw("PNG"), False),
        (draw("JPEG") + b"\xff\xeb\0\x08c2pa", False),
        (draw("WEBP"), False),
        (b"", False),
    ],
)
def test_a_c2pa_manifest_is_found_only_where_it_belongs(data: bytes, *, expected: bool) -> None:
    assert has_c2pa(data) is expected


@pytest.mark.parametrize("data", [png_with(b"caBX", JUMBF), jpeg_with(0xEB, JUMBF)])
def test_bytes_cut_anywhere_are_no_error(data: bytes) -> None:
    found = {has_c2pa(data[:length]) for length in range(len(data))}
    assert found == {True, False}
