from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from requests.exceptions import SSLError

from flux_assets.http_exchange import exchange, tls_context
from flux_assets_tests.fixtures.scripted_servers import (
    Act,
    Serve,
    http,
    open_servers,
    send_for_ever,
)
from flux_assets_tests.fixtures.sites import build_tls, open_sites


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


def test_connections_are_fresh_and_trust_by_one_context_of_the_environment_s_bundle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server_side, certificate = build_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = tls_context()
    with open_sites() as serve:
        site = serve(lambda request: request.give(200), server_side)
        for _ in range(2):
            with exchange(get(site.url), timeout=30) as response:
                assert response.status_code == 200
        other_name = site.url.replace("127.0.0.1", "localhost")
        with pytest.raises(SSLError, match="mismatch"), exchange(get(other_name), timeout=30):
            pass
    assert tls_context() is context


def test_who_is_not_in_the_bundle_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server_side, _ = build_tls(tmp_path)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with open_sites() as serve:
        site = serve(lambda request: request.give(200), server_side)
        with pytest.raises(SSLError, match="self-signed"), exchange(get(site.url), timeout=30):
            pass
