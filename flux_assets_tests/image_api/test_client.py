import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flux_assets.errors import (
    AccountError,
    DownloadError,
    RateLimitedError,
    RefusedError,
    SettingsError,
    UnknownOutcomeError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.request import ImageRequest, SourcePhoto, build_image_request
from flux_assets.image_api.transport import HttpReply
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.scripted_servers import (
    API_KEY,
    Serve,
    http,
    make_client,
    open_servers,
)

SAMPLES = Path(__file__).parents[1] / "samples" / "image_api"
SUCCESS = (SAMPLES / "success.http").read_bytes()
UUID = "f6a7b8c9-d0e1-2345-fabc-456789012345"
REQUEST = build_image_request(product_id="mug-1", shot="hero", prompt="A mug", parameters={})


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_servers() as serve:
        yield serve


def test_a_call_is_one_post_with_the_key(serve: Serve) -> None:
    server = serve(SUCCESS)
    reply = make_client(server.url).submit(REQUEST, timeout_seconds=30)
    assert (reply.uuid, reply.status) == (UUID, "success")
    (sent,) = server.received
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/features HTTP/1.1\r\n")
    assert f"API-KEY: {API_KEY}".encode() in head.splitlines()
    assert b"Content-Type: application/json" in head.splitlines()
    assert json.loads(body)["promptObject"] == REQUEST.prompt_object


@pytest.mark.parametrize("delivery", ["sync", "async"])
def test_only_an_asynchronous_client_asks_for_an_answer_at_once(
    serve: Serve, delivery: str
) -> None:
    server = serve(SUCCESS)
    make_client(server.url, delivery=delivery).submit(REQUEST, timeout_seconds=30)
    (sent,) = server.received
    body = json.loads(sent.partition(b"\r\n\r\n")[2])
    assert body.get("async") == (True if delivery == "async" else None)


def test_a_reply_is_shown_raw_even_if_it_cannot_be_read(serve: Serve) -> None:
    seen: list[HttpReply] = []
    client = make_client(serve(http("200 OK", b"<html>")).url, on_reply=seen.append)
    with pytest.raises(UnknownOutcomeError):
        client.submit(REQUEST, timeout_seconds=30)
    assert [(reply.status_code, reply.body) for reply in seen] == [(200, b"<html>")]


def test_the_key_shows_in_no_repr_and_no_error(serve: Serve) -> None:
    body = json.dumps({"message": f"API Key {API_KEY} has been deleted"}).encode()
    client = make_client(serve(http("401 Unauthorized", body)).url)
    assert API_KEY not in repr(client)
    with pytest.raises(AccountError) as caught:
        client.submit(REQUEST, timeout_seconds=30)
    assert "has been deleted" in str(caught.value)
    assert API_KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["", " ", "sk-\nx", "sk-\N{EN DASH}x"])
def test_a_key_that_no_header_can_carry_is_a_settings_error(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        ImageApiClient(options_for("https://api.example"), api_key=SecretStr(key))
    assert "ONEMIN_API_KEY" in str(caught.value)
    assert "sk-" not in str(caught.value)


def test_a_key_read_from_a_file_may_end_with_a_newline(serve: Serve) -> None:
    server = serve(SUCCESS)
    client = ImageApiClient(options_for(server.url), api_key=SecretStr(f"{API_KEY}\n"))
    assert client.submit(REQUEST, timeout_seconds=30).uuid == UUID


@pytest.mark.parametrize(
    "base_url",
    [
        "http://api.example",
        "http://127.0.0.1.api.example",
        "ftp://127.0.0.1",
        "https://",
        "https://user:password@api.example",
        "https://api.example/?x=1",
    ],
)
def test_the_key_is_not_entrusted_to_any_other_kind_of_base_url(base_url: str) -> None:
    with pytest.raises(SettingsError, match="ONEMIN_BASE_URL"):
        make_client(base_url)


def test_a_result_is_asked_for_by_its_uuid(serve: Serve) -> None:
    server = serve(SUCCESS, (SAMPLES / "result_unknown.http").read_bytes())
    client = make_client(server.url)
    reply = client.fetch_result("a/b?c", timeout_seconds=30)
    assert reply is not None
    assert reply.uuid == UUID
    assert client.fetch_result(UUID, timeout_seconds=30) is None
    assert server.received[0].startswith(b"GET /api/results/a%2Fb%3Fc HTTP/1.1\r\n")
    assert f"API-KEY: {API_KEY}".encode() in server.received[0].splitlines()


def test_a_reply_without_a_uuid_is_asked_for_nowhere(serve: Serve) -> None:
    server = serve()
    assert make_client(server.url).fetch_result("", timeout_seconds=30) is None
    assert server.received == []


def test_asking_for_a_result_in_vain_is_no_unknown_outcome(serve: Serve) -> None:
    client = make_client(serve(b"").url)
    with pytest.raises(DownloadError):
        client.fetch_result(UUID, timeout_seconds=30)


def test_models_are_listed_without_the_key(serve: Serve) -> None:
    server = serve((SAMPLES / "models.http").read_bytes())
    models = make_client(server.url).list_models()
    assert [model.is_active for model in models] == [True, False]
    assert server.received[0].startswith(b"GET /models?feature=IMAGE_GENERATOR HTTP/1.1\r\n")
    assert API_KEY.encode() not in server.received[0]


UPLOADED = b'{"asset": {"key": "images/2026_03_27_10_00_06_001_000001.jpg"}}'
EDIT = build_image_request(
    product_id="mug-1",
    shot="scene",
    prompt="This mug on a table",
    parameters={},
    source=SourcePhoto(uri="mug.jpg", sha256="ab" * 32),
)


def test_a_photo_is_uploaded_as_the_one_file_of_a_form(serve: Serve) -> None:
    server = serve(http("200 OK", UPLOADED))
    key = make_client(server.url).upload(
        b"\xff\xd8\xffphoto", file_name="mug.jpg", content_type="image/jpeg", timeout_seconds=30
    )
    assert key == "images/2026_03_27_10_00_06_001_000001.jpg"
    (sent,) = server.received
    head, _, body = sent.partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api/assets HTTP/1.1\r\n")
    assert f"API-KEY: {API_KEY}".encode() in head.splitlines()
    assert b'name="asset"; filename="mug.jpg"' in body
    assert b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\xffphoto\r\n" in body


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        ("200 OK", b"{}", DownloadError),
        ("200 OK", b"<html>", DownloadError),
        ("502 Bad Gateway", b"<html>", DownloadError),
        ("400 Bad Request", b'{"errorCode": "BAD", "message": "no extension"}', RefusedError),
        ("401 Unauthorized", b'{"errorCode": "HTTP_EXCEPTION", "message": "no"}', AccountError),
        ("429 Too Many Requests", b'{"retryAfter": 3}', RateLimitedError),
    ],
)
def test_an_upload_that_gives_no_key_is_never_an_unknown_outcome(
    serve: Serve, status: str, body: bytes, error: type[Exception]
) -> None:
    client = make_client(serve(http(status, body)).url)
    with pytest.raises(error):
        client.upload(b"x", file_name="a.jpg", content_type="image/jpeg", timeout_seconds=30)


def test_a_dropped_upload_may_be_tried_again(serve: Serve) -> None:
    client = make_client(serve(b"").url)
    with pytest.raises(DownloadError):
        client.upload(b"x", file_name="a.jpg", content_type="image/jpeg", timeout_seconds=30)


def test_an_edit_names_its_uploaded_photo_to_the_editor(serve: Serve) -> None:
    server = serve(SUCCESS)
    make_client(server.url).submit(EDIT, timeout_seconds=30, asset_key="images/1.jpg")
    (sent,) = server.received
    body = json.loads(sent.partition(b"\r\n\r\n")[2])
    assert body["type"] == "IMAGE_EDITOR"
    assert body["promptObject"] == {**EDIT.prompt_object, "imageUrl": "images/1.jpg"}


@pytest.mark.parametrize(("request_", "asset_key"), [(EDIT, ""), (REQUEST, "images/1.jpg")])
def test_a_photo_without_an_edit_or_an_edit_without_a_photo_is_never_sent(
    serve: Serve, request_: ImageRequest, asset_key: str
) -> None:
    server = serve(SUCCESS)
    with pytest.raises(ValueError, match="was to be sent with asset key"):
        make_client(server.url).submit(request_, timeout_seconds=30, asset_key=asset_key)
    assert server.received == []
