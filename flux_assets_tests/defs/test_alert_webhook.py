import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flux_assets.defs.alert_webhook import AlertError, build_body, post_alert
from flux_assets_tests.fixtures.sites import Answer, Request, Serve, build_tls, open_sites

SECRET = "T0-B0-secret"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as serve:
        yield serve


def _post(url: str, timeout_seconds: float = 30) -> None:
    post_alert(SecretStr(f"{url}/{SECRET}"), b"{}", timeout_seconds=timeout_seconds)


def _refused(url: str, timeout_seconds: float = 30) -> str:
    """Why the post failed; nothing of the error tells the address."""
    with pytest.raises(AlertError) as caught:
        _post(url, timeout_seconds)
    told = "".join(traceback.format_exception(caught.value))
    assert SECRET not in told
    assert url.partition("//")[2] not in told
    return caught.value.reason


def _hang(request: Request) -> None:
    request.server.is_closing.wait()


def _drip(request: Request) -> None:
    request.drip(b"H")


def test_an_alert_is_posted_once_as_json(serve: Serve) -> None:
    site = serve(lambda request: request.give(204))
    body = build_body("failed", {"run_id": "1"})
    post_alert(SecretStr(f"{site.url}/{SECRET}?key=k"), body, timeout_seconds=30)
    [request] = site.received
    assert (request.command, request.path) == ("POST", f"/{SECRET}?key=k")
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.posted) == {"text": "failed", "run_id": "1"}


def test_a_text_calls_nobody_and_stays_short() -> None:
    assert json.loads(build_body("<!channel> & co", {}))["text"] == "&lt;!channel&gt; &amp; co"
    assert len(json.loads(build_body("x" * 10_000, {}))["text"]) == 3000


@pytest.mark.parametrize("status", [400, 404, 500])
def test_a_webhook_that_refuses_is_an_error(serve: Serve, status: int) -> None:
    site = serve(lambda request: request.give(status, SECRET.encode()))
    assert _refused(site.url) == f"HTTP {status}"


def test_no_redirect_is_followed(serve: Serve) -> None:
    other = serve(lambda request: request.give(200))
    site = serve(lambda request: request.give(307, Location=other.url))
    assert _refused(site.url) == "HTTP 307"
    assert other.received == []


@pytest.mark.parametrize("answer", [_hang, _drip])
def test_a_webhook_that_does_not_answer_is_waited_for_no_longer(
    serve: Serve, answer: Answer
) -> None:
    assert _refused(serve(answer).url, timeout_seconds=0.2) == "no answer after 0.2 seconds"


def test_a_webhook_that_is_not_there_or_not_trusted_is_an_error(
    serve: Serve, tmp_path: Path
) -> None:
    assert _refused("http://127.0.0.1:1") == "Connection refused"
    tls, _ = build_tls(tmp_path)
    site = serve(lambda request: request.give(200), tls)
    assert _refused(site.url) == "CERTIFICATE_VERIFY_FAILED"


def test_no_log_has_the_address_not_even_at_debug(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    site = serve(lambda request: request.give(200))
    _post(site.url)
    assert len(site.received) == 1
    assert SECRET not in caplog.text
    assert logging.getLogger("urllib3.connectionpool").filters == []
