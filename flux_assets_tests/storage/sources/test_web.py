"""Exports behind an address, read from small servers of this machine."""

import re
import socket
import ssl
import threading
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flux_assets.catalog import read_catalog
from flux_assets.errors import CatalogError, SourceError
from flux_assets.storage.sources import read_bytes, source_version
from flux_assets_tests.fixtures.sites import Request, Serve, build_tls, open_sites

HEADER = ("X-Shop-Key", SecretStr("s3cr3t"))
EXPORT = b"id,title\r\n1,Hat\r\n"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as start:
        yield start


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    context, certificate = build_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return context


def export(request: Request) -> None:
    request.give(200, EXPORT, ETag='"v1"')


def problem_of(uri: str, read: Callable[..., object] = read_bytes, **options: object) -> str:
    """The error's text; neither it nor its trace may hold a query or the secret header."""
    with pytest.raises(SourceError) as caught:
        read(uri, header=HEADER, **options)
    text = "".join(traceback.format_exception(caught.value))
    assert "signature" not in text + caught.value.uri
    assert HEADER[1].get_secret_value() not in text
    return str(caught.value)


# --- Reading --------------------------------------------------------------------------------


def test_an_address_gives_its_bytes_whole(serve: Serve) -> None:
    data = bytes(range(256)) * 10_000
    site = serve(lambda request: request.give(200, data))
    assert read_bytes(f"{site.url}/a b.csv?signature=x%2Fy", max_bytes=len(data)) == data
    (request,) = site.received
    assert (request.command, request.path) == ("GET", "/a%20b.csv?signature=x%2Fy")
    assert request.headers["User-Agent"] == "flux-assets"
    assert request.headers[HEADER[0]] is None


def test_an_address_may_be_https(serve: Serve, tls: ssl.SSLContext) -> None:
    site = serve(export, tls)
    assert read_bytes(f"{site.url}/a.csv", header=HEADER) == EXPORT
    assert site.received_header(HEADER[0]) == ["s3cr3t"]


def test_a_certificate_that_is_not_trusted_ends_it(
    serve: Serve, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    site = serve(export, tls)
    assert "CERTIFICATE_VERIFY_FAILED" in problem_of(f"{site.url}/a.csv?signature=1")
    assert site.received == []


def test_no_password_of_this_machine_is_sent(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tls: ssl.SSLContext
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password mine\n", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site = serve(export, tls)
    assert read_bytes(site.url) == EXPORT
    assert "Authorization" not in site.received[0].headers


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        (401, r"access is denied \(HTTP 401\); .* FLUX_ASSETS_CATALOG_HEADER or"),
        (403, r"access is denied \(HTTP 403\); .* renew the address if it was signed"),
        (404, r"there is no such file \(HTTP 404\); check the address"),
        (429, r"the server cannot give it now \(HTTP 429\); try again later"),
        (503, r"the server cannot give it now \(HTTP 503\); try again later"),
        (204, r"the server answered HTTP 204, and no file; check the address"),
        (302, r"the server answered HTTP 302, and no file; check the address"),
    ],
)
@pytest.mark.parametrize("read", [read_bytes, source_version])
def test_what_is_no_file_is_told_with_what_to_do(
    serve: Serve, status: int, problem: str, read: Callable[..., object]
) -> None:
    site = serve(lambda request: request.give(status))
    text = problem_of(f"{site.url}/a.csv?signature=1", read)
    assert text.startswith(f"{site.url}/a.csv: ")
    assert re.search(problem, text)


def test_a_sign_in_page_in_the_export_s_place_is_no_catalog(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, b"<!doctype html><title>Sign in</title>"))
    with pytest.raises(CatalogError, match="is a web page"):
        read_catalog(read_bytes(f"{site.url}/a.csv"), "a.csv")


# --- Limits ---------------------------------------------------------------------------------


def test_what_says_that_it_is_too_large_is_not_read(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, b"", Content_Length="101"))
    problem = problem_of(f"{site.url}/?signature=1", max_bytes=100)
    assert "has 101 bytes, more than the 100 that are read at most" in problem


def test_what_turns_out_too_large_is_read_no_further(serve: Serve) -> None:
    def answer(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        request.drip(b"x" * 65_536)

    site = serve(answer)
    problem = problem_of(site.url, max_bytes=100_000, timeout_seconds=5)
    assert "more than the 100,000 that are read at most" in problem


def test_a_file_that_breaks_off_is_not_taken_for_whole(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, EXPORT, Content_Length="100"))
    problem = problem_of(f"{site.url}/?signature=1")
    assert "could not be read (IncompleteRead)" in problem
    assert problem.endswith("check the address and the network")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Drop: "])
@pytest.mark.parametrize("read", [read_bytes, source_version])
def test_a_server_that_drips_its_headers_gets_no_more_than_its_time(
    serve: Serve, start: bytes, read: Callable[..., object]
) -> None:
    def answer(request: Request) -> None:
        request.wfile.write(start)
        request.drip(b"1")

    site = serve(answer)
    problem = problem_of(f"{site.url}/?signature=1", read, timeout_seconds=0.2)
    assert "was not complete after 0.2 seconds; try again" in problem


def test_a_server_that_drips_its_file_gets_no_more_than_its_time(serve: Serve) -> None:
    def answer(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        request.drip(b"1")

    site = serve(answer)
    assert "was not complete after 0.2 seconds" in problem_of(site.url, timeout_seconds=0.2)


def test_a_server_is_hung_up_on_when_its_time_is_over(serve: Serve) -> None:
    hung_up = threading.Event()

    def answer(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        try:
            request.drip(b"x" * 65_536)
        except OSError:
            hung_up.set()

    site = serve(answer)
    assert "was not complete after 0.2 seconds" in problem_of(site.url, timeout_seconds=0.2)
    assert hung_up.wait(10)


def test_where_nobody_listens_there_is_no_file() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        problem = problem_of(f"http://127.0.0.1:{port}/?signature=1")
    assert "could not be read (Connection refused)" in problem
    assert "nothing answers at 127.0.0.1" in problem


def test_an_unknown_name_names_the_variables_of_proxy_and_certificates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    problem = problem_of("https://shop.example/feed.csv?signature=1")
    assert "the name shop.example is not known here" in problem
    assert "set HTTPS_PROXY, and REQUESTS_CA_BUNDLE for its CA" in problem


@pytest.mark.parametrize("value", ["s3cr3t\n", "s3cr3t \u20ac"])
def test_a_header_that_cannot_be_sent_stays_secret(serve: Serve, value: str) -> None:
    site = serve(export)
    with pytest.raises(SourceError) as caught:
        read_bytes(site.url, header=("X-Shop-Key", SecretStr(value)))
    assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))
