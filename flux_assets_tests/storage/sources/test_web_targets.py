"""Where the address of an export may lead, who gets its secret header, and its version."""

import ssl
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from flux_assets.errors import SourceError
from flux_assets.storage.sources import read_bytes, shown_uri, source_version
from flux_assets_tests.fixtures.sites import Answer, Request, Serve, build_tls, open_sites

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


def redirect_to(location: str, status: int = 302) -> Answer:
    return lambda request: request.give(status, Location=location)


def problem_of(uri: str, read: Callable[..., object] = read_bytes, **options: object) -> str:
    """The error's text; neither it nor its trace may hold a query or the secret header."""
    with pytest.raises(SourceError) as caught:
        read(uri, header=HEADER, **options)
    text = "".join(traceback.format_exception(caught.value))
    assert "signature" not in text + caught.value.uri
    assert HEADER[1].get_secret_value() not in text
    return str(caught.value)


# --- Where it may lead ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "http://example.com/a.csv?signature=1",
        "http://127.0.0.1.example.com/",
        "http://127.0.0.1@example.com/",
        r"http://example.com\@127.0.0.1/",
    ],
)
@pytest.mark.parametrize("read", [read_bytes, source_version])
def test_plain_http_is_for_this_machine_only(uri: str, read: Callable[..., object]) -> None:
    assert "is not https" in problem_of(uri, read)


def test_a_password_in_the_address_is_refused_and_not_repeated() -> None:
    problem = problem_of("https://me:signature@example.com/a.csv")
    assert problem.startswith("https://example.com/a.csv: holds a user name or password; give it")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_on_the_same_server_gets_the_header_too(serve: Serve, status: int) -> None:
    def answer(request: Request) -> None:
        export(request) if request.path == "/b" else request.give(status, Location="/b")

    site = serve(answer)
    assert read_bytes(f"{site.url}/a", header=HEADER) == EXPORT
    assert source_version(f"{site.url}/a", header=HEADER) == '"v1"'
    assert [request.path for request in site.received] == ["/a", "/b", "/a", "/b"]
    assert site.received_header(HEADER[0]) == ["s3cr3t"] * 4


def test_another_server_never_gets_the_header(serve: Serve, tls: ssl.SSLContext) -> None:
    other = serve(export, tls)
    site = serve(redirect_to(f"{other.url}/b"), tls)
    assert read_bytes(f"{site.url}/a", header=HEADER) == EXPORT
    assert source_version(f"{site.url}/a", header=HEADER) == '"v1"'
    assert (site.received_header(HEADER[0]), other.received_header(HEADER[0])) == (
        ["s3cr3t"] * 2,
        [None] * 2,
    )


def test_a_redirect_never_leads_from_https_to_http(serve: Serve, tls: ssl.SSLContext) -> None:
    plain = serve(export)
    site = serve(redirect_to(f"{plain.url}/?signature=1"), tls)
    problem = problem_of(f"{site.url}/a.csv")
    assert f"is redirected to {plain.url}/, where it is not safe to follow" in problem
    assert plain.received == []


@pytest.mark.parametrize(
    "location",
    [
        "http://example.com/?signature=1",
        "ftp://127.0.0.1/",
        "file:///etc/hosts",
        "https://me:signature@example.com/",
    ],
)
def test_a_redirect_to_where_no_export_may_come_from_is_not_followed(
    serve: Serve, location: str
) -> None:
    site = serve(redirect_to(location))
    assert "where it is not safe to follow" in problem_of(site.url)


def test_redirects_come_to_an_end(serve: Serve) -> None:
    site = serve(redirect_to("/again?signature=1"))
    assert "is redirected more than 3 times" in problem_of(f"{site.url}/?signature=1")
    assert len(site.received) == 4


# --- Versions -------------------------------------------------------------------------------


def test_a_version_is_the_etag_else_the_time_of_the_last_change(serve: Serve) -> None:
    modified = "Wed, 21 Oct 2026 07:28:00 GMT"
    both = serve(lambda request: request.give(200, ETag='W/"v1"', Last_Modified=modified))
    assert source_version(both.url) == 'W/"v1"'
    time_only = serve(lambda request: request.give(200, Last_Modified=modified))
    assert source_version(time_only.url, header=HEADER) == modified
    assert [request.command for request in both.received + time_only.received] == ["HEAD"] * 2
    assert time_only.received_header(HEADER[0]) == ["s3cr3t"]


@pytest.mark.parametrize("refusal", [200, 403, 405, 501])
@pytest.mark.parametrize("status", [200, 206])
def test_where_head_tells_nothing_the_first_byte_is_asked_for(
    serve: Serve, refusal: int, status: int
) -> None:
    def answer(request: Request) -> None:
        if request.command == "HEAD":
            request.give(refusal)
        else:
            assert request.headers["Range"] == "bytes=0-0"
            request.give(status, b"i", ETag='"v2"')

    site = serve(answer)
    assert source_version(site.url) == '"v2"'


def test_a_server_that_tells_no_version_is_told_of(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, EXPORT))
    problem = problem_of(f"{site.url}/a.csv?signature=1", source_version)
    assert f"{site.url}/a.csv: its server gives neither ETag nor Last-Modified" in problem


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://me:word@example.com:8/a.csv?signature=1#part", "https://example.com:8/a.csv"),
        ("HTTPS://example.com?signature=1", "HTTPS://example.com"),
        ("s3://bucket/a?b#c@d", "s3://bucket/a?b#c@d"),
        ("data/what?.csv", "data/what?.csv"),
    ],
)
def test_an_address_is_shown_without_what_may_be_secret(uri: str, shown: str) -> None:
    assert shown_uri(uri) == shown
