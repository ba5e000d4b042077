from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from flux_assets.http_exchange import exchange
from flux_assets_tests.fixtures.scripted_servers import (
    Act,
    Serve,
    http,
    open_servers,
    send_for_ever,
)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_servers() as serve:
        yield serve


def get(url: str) -> requests.Request:
    return requests.Request("GET", url)


def test_a_redirect_is_given_as_it_is_and_its_endless_body_is_not_read(serve: Serve) -> None:
    elsewhere = serve(http("200 OK"))
    start = f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}/\r\n\r\n".encode()
    endless: Act = send_for_ever(start, b"more")
    with exchange(get(serve(endless).url), timeout=30) as response:
        assert (response.status_code, elsewhere.received) == (302, [])


def test_each_exchange_has_a_connection_of_its_own_which_ends_with_it(serve: Serve) -> None:
    kept_alive = http("200 OK", Connection="keep-alive")
    server = serve(kept_alive, kept_alive)
    for _ in range(2):
        with exchange(get(server.url), timeout=30) as response:
            assert response.content == b""
    assert len(server.received) == 2


def test_no_password_of_a_netrc_file_is_sent_and_no_proxy_told_of_our_own_servers(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server, proxy = serve(http("200 OK")), serve()
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with exchange(get(server.url), timeout=30) as response:
        assert response.status_code == 200
    assert proxy.received == []
    assert b"Authorization" not in server.received[0]
