"""Photos behind addresses that nobody has vouched for, read from small servers of this machine."""

import gzip
import ssl
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from flux_assets.errors import PhotoUnavailableError, PhotoUnusableError, SourceError
from flux_assets.pictures.photos.fetched import FetchedPhoto, NotModified, PhotoVersion
from flux_assets.pictures.photos.pinned import PinnedConnections, Resolve, resolve_host
from flux_assets.pictures.photos.public_address import is_public
from flux_assets.pictures.photos.public_web import PublicWeb
from flux_assets_tests.fixtures.sites import Answer, Request, Serve, build_tls, open_sites

PHOTO = b"as good as a photo"
ANYWHERE = "127.0.0.1"
"""The address that the tests take for a public one; all others are judged as they are."""


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_sites() as start:
        yield start


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    context, certificate = build_tls(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    return context


def photo(request: Request) -> None:
    request.give(200, PHOTO, ETag='"v1"', Last_Modified="Tue, 03 Nov 2026 08:00:00 GMT")


def redirect_to(location: str, status: int = 302) -> Answer:
    return lambda request: request.give(status, Location=location)


class Names:
    """A resolver that answers as told, one answer after the other, the last one for ever."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {f"{host}.example": given for host, given in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        given = self.answers.get(host)
        if given is None:
            return resolve_host(host, port)
        return given.pop(0) if len(given) > 1 else given[0]


def web(
    resolve: Resolve = resolve_host, timeout_seconds: float = 20, max_bytes: int = 1000
) -> PublicWeb:
    connections = PinnedConnections(
        resolve=resolve, may_connect=lambda address: address == ANYWHERE or is_public(address)
    )
    return PublicWeb(connections=connections, timeout_seconds=timeout_seconds, max_bytes=max_bytes)


def read(uri: str, known: PhotoVersion | None = None, **options: object) -> FetchedPhoto:
    found = web(**options).read(uri, known)  # type: ignore[arg-type]
    assert isinstance(found, FetchedPhoto)
    return found


def problem_of(uri: str, error: type[SourceError], of: PublicWeb | None = None) -> str:
    """The error's text; neither it nor its trace may hold a query."""
    with pytest.raises(error) as caught:
        (of or web()).read(uri, None)
    assert type(caught.value) is error
    text = "".join(traceback.format_exception(caught.value))
    assert "signature" not in text + caught.value.uri
    return caught.value.problem


# --- Reading --------------------------------------------------------------------------------


def test_a_photo_comes_with_its_version(serve: Serve) -> None:
    site = serve(photo)
    found = read(f"{site.url}/a b.jpg?signature=x%2Fy")
    assert found.data == PHOTO
    assert found.version == PhotoVersion(etag='"v1"', last_modified="Tue, 03 Nov 2026 08:00:00 GMT")
    (request,) = site.received
    assert request.path == "/a%20b.jpg?signature=x%2Fy"
    assert request.headers["Host"] == f"127.0.0.1:{site.server_port}"
    assert request.headers["Accept-Encoding"] == "identity"


def test_what_is_known_is_asked_for_by_its_version(serve: Serve) -> None:
    site = serve(lambda request: request.give(304))
    known = PhotoVersion(etag='"v1"', last_modified="Tue, 03 Nov 2026 08:00:00 GMT")
    assert web().read(site.url, known) == NotModified()
    assert site.received_header("If-None-Match") == ['"v1"']
    assert site.received_header("If-Modified-Since") == ["Tue, 03 Nov 2026 08:00:00 GMT"]


def test_a_version_that_its_server_did_not_tell_is_not_asked_by(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, PHOTO))
    version = read(site.url).version
    assert version == PhotoVersion(etag="", last_modified="")
    assert read(site.url, version).data == PHOTO
    assert site.received_header("If-None-Match") == [None, None]


def test_an_unusable_version_is_not_remembered(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, PHOTO, ETag="x" * 300, Last_Modified="\xe4"))
    assert read(site.url).version == PhotoVersion(etag="", last_modified="")


def test_not_modified_without_having_been_asked_is_no_photo(serve: Serve) -> None:
    site = serve(lambda request: request.give(304))
    assert "HTTP 304" in problem_of(site.url, PhotoUnavailableError)


def test_a_host_is_named_to_its_server_though_its_address_is_called(serve: Serve) -> None:
    site = serve(photo)
    names = Names(shop=[[ANYWHERE]])
    uri = f"http://shop.example:{site.server_port}/a.jpg"
    assert read(uri, resolve=names).data == PHOTO
    assert site.received_header("Host") == [f"shop.example:{site.server_port}"]


def test_no_proxy_is_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, site = serve(photo), serve(photo)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("http_proxy", proxy.url)
    assert read(site.url).data == PHOTO
    assert proxy.received == []


def test_the_next_address_of_a_host_is_called_where_one_does_not_answer(serve: Serve) -> None:
    site = serve(photo)
    names = Names(shop=[["127.0.0.9", "127.0.0.9", ANYWHERE]])
    connections = PinnedConnections(resolve=names, may_connect=lambda _: True)
    found = PublicWeb(connections=connections).read(
        f"http://shop.example:{site.server_port}/", None
    )
    assert isinstance(found, FetchedPhoto)
    assert names.asked == ["shop.example"]


# --- https ----------------------------------------------------------------------------------


def test_a_certificate_must_be_the_host_s_and_not_the_address_s(
    serve: Serve, tls: ssl.SSLContext
) -> None:
    site = serve(photo, tls)
    assert read(f"{site.url}/a.jpg").data == PHOTO
    uri = f"https://shop.example:{site.server_port}/a.jpg?signature=1"
    problem = problem_of(uri, PhotoUnavailableError, web(Names(shop=[[ANYWHERE]])))
    assert "could not be read" in problem


def test_a_certificate_that_is_not_trusted_ends_it(
    serve: Serve, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    site = serve(photo, tls)
    problem = problem_of(f"{site.url}/?signature=1", PhotoUnavailableError)
    assert "CERTIFICATE_VERIFY_FAILED" in problem
    assert site.received == []


# --- Where an address may lead --------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "127.9.9.9", "0.0.0.0"),  # noqa: S104
        *("169.254.169.254", "100.64.0.1", "100.127.255.255", "224.0.0.1", "239.1.1.1"),
        *("240.0.0.1", "255.255.255.255", "192.0.2.1", "198.18.0.1", "203.0.113.7"),
        *(
            "168.63.129.16",
            "192.0.0.1",
            "192.0.0.9",
            "192.0.0.10",
            "192.88.99.1",
            "100.100.100.200",
        ),
        *("::ffff:168.63.129.16", "2002:a83f:8110::1", "64:ff9b::192.0.0.9", "2002:c058:6301::"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1"),
        *("fec0::1", "2001:db8::1", "3fff::1", "2001::1", "100::1", "4000::1", "::7f00:1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.1.2.3"),
        *("2002:7f00:1::", "2002:a9fe:a9fe::1", "64:ff9b::10.0.0.1", "64:ff9b::a9fe:a9fe"),
        *("64:ff9b:1::8.8.8.8", "2001:0:4136:e378:8000:63bf:3fff:fdd2"),
    ],
)
def test_no_private_address_is_taken_for_a_public_one(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("8.8.8.8", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111"),
        *("168.63.129.15", "168.63.129.17", "192.0.1.1", "192.88.98.1", "192.88.100.1"),
        *("::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1"),
    ],
)
def test_public_addresses_are_told_by_what_they_carry(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "[::1]", "[::ffff:127.0.0.2]", "localhost", "0x7f.2", "0"],
)
def test_a_private_host_is_not_called(host: str) -> None:
    private = PublicWeb()
    problem = problem_of(f"http://{host}/latest?signature=1", PhotoUnavailableError, private)
    assert "leads into a private network" in problem
    assert "FLUX_ASSETS_ALLOW_PRIVATE_SOURCES=true" in problem


def test_a_host_with_one_private_address_among_others_is_not_called(serve: Serve) -> None:
    site = serve(photo)
    names = Names(shop=[[ANYWHERE, "10.0.0.1"]])
    uri = f"http://shop.example:{site.server_port}/"
    assert "private network" in problem_of(uri, PhotoUnavailableError, web(names))
    assert site.received == []


def test_a_redirect_does_not_lead_into_a_private_network(serve: Serve) -> None:
    names = Names(shop=[[ANYWHERE]], inside=[["169.254.169.254"]])
    for target in ("http://inside.example/?signature=2", "http://169.254.169.254/?signature=2"):
        site = serve(redirect_to(target))
        uri = f"http://shop.example:{site.server_port}/?signature=1"
        problem = problem_of(uri, PhotoUnavailableError, web(names))
        assert "private network, by way of" in problem


def test_a_name_that_changes_its_address_is_looked_up_once(serve: Serve) -> None:
    """The address that was checked is the one that is called, whatever the name says next."""
    site = serve(photo)
    names = Names(shop=[[ANYWHERE], ["169.254.169.254"]])
    uri = f"http://shop.example:{site.server_port}/"
    reader = web(names)
    assert isinstance(reader.read(uri, None), FetchedPhoto)
    assert names.asked == ["shop.example"]
    # The next photo's look-up is checked anew, though a connection is still open.
    assert "private network" in problem_of(uri, PhotoUnavailableError, reader)
    assert len(site.received) == 1


def test_each_hop_is_looked_up_once_and_checked_anew(serve: Serve) -> None:
    last = serve(photo)
    first = serve(redirect_to(f"http://cdn.example:{last.server_port}/b.jpg"))
    names = Names(shop=[[ANYWHERE]], cdn=[[ANYWHERE]])
    assert read(f"http://shop.example:{first.server_port}/", resolve=names).data == PHOTO
    assert names.asked == ["shop.example", "cdn.example"]


def test_a_redirect_is_asked_by_etag_only(serve: Serve) -> None:
    """The time of one target's photo says nothing of another target's."""
    last = serve(photo)
    first = serve(redirect_to(f"{last.url}/b.jpg"))
    read(first.url, PhotoVersion(etag='"v0"', last_modified="Tue, 03 Nov 2026 08:00:00 GMT"))
    assert first.received_header("If-Modified-Since") == ["Tue, 03 Nov 2026 08:00:00 GMT"]
    assert last.received_header("If-Modified-Since") == [None]
    assert last.received_header("If-None-Match") == ['"v0"']


def test_three_redirects_are_followed_and_no_more(serve: Serve) -> None:
    def answer(request: Request) -> None:
        step = int(request.path.strip("/"))
        photo(request) if step == 0 else request.give(302, Location=f"/{step - 1}")

    site = serve(answer)
    assert read(f"{site.url}/3").data == PHOTO
    problem = problem_of(f"{site.url}/4", PhotoUnusableError)
    assert "is redirected more than 3 times" in problem


def test_a_redirect_does_not_give_up_https(serve: Serve, tls: ssl.SSLContext) -> None:
    plain = serve(photo)
    site = serve(redirect_to(f"{plain.url}/a.jpg?signature=2"), tls)
    problem = problem_of(f"{site.url}/?signature=1", PhotoUnusableError)
    assert "from https to http" in problem
    assert plain.received == []


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("http://me:signature@127.0.0.1/", "user name or password"),
        ("http://me@127.0.0.1/", "user name or password"),
        ("https:///a.jpg", "no http:// or https:// address"),
        ("http://127.0.0.1:99999/", "no http:// or https:// address"),
        ("file://localhost/etc/passwd", "no http:// or https:// address"),
    ],
)
def test_an_address_of_another_form_is_refused(uri: str, problem: str) -> None:
    assert problem in problem_of(uri, PhotoUnusableError)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://a.example/", "http://u:p@b/"])
def test_a_redirect_to_another_form_is_refused(serve: Serve, target: str) -> None:
    site = serve(redirect_to(target))
    problem_of(site.url, PhotoUnusableError)


# --- What is no photo -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [404, 410])
def test_what_is_gone_is_unusable(serve: Serve, status: int) -> None:
    site = serve(lambda request: request.give(status))
    problem = problem_of(f"{site.url}/?signature=1", PhotoUnusableError)
    assert problem == (
        f"there is no such photo (HTTP {status}); correct the address in the catalog"
    )


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 407, 408, 429, 500, 502, 503, 530])
def test_every_other_answer_is_an_outage(serve: Serve, status: int) -> None:
    site = serve(lambda request: request.give(status, Retry_After="3600"))
    assert f"HTTP {status}" in problem_of(site.url, PhotoUnavailableError)
    assert len(site.received) == 1


def test_a_host_without_address_is_an_outage() -> None:
    def fail(*_: object) -> Sequence[str]:
        raise OSError(-2, "Name or service not known")

    problem = problem_of("http://shop.example/", PhotoUnavailableError, web(fail))
    assert "Name or service not known" in problem
    nothing = web(lambda *_: [])
    assert "could not be read" in problem_of("http://a.example/", PhotoUnavailableError, nothing)


def test_a_name_that_is_none_is_unusable() -> None:
    host = "x" * 70
    assert "cannot be looked up" in problem_of(f"http://{host}.example/", PhotoUnusableError)


def test_a_server_that_is_not_there_is_an_outage() -> None:
    with open_sites() as start:
        gone = start(photo).url
    assert "Connection refused" in problem_of(f"{gone}/?signature=1", PhotoUnavailableError)


# --- Limits ---------------------------------------------------------------------------------


def test_what_says_that_it_is_too_large_is_not_read(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, b"", Content_Length="1001"))
    problem = problem_of(site.url, PhotoUnusableError)
    assert problem == "has more than the 1,000 bytes that are read at most; give a smaller photo"


def test_what_turns_out_too_large_is_read_no_further(serve: Serve) -> None:
    def answer(request: Request) -> None:
        request.send_response(200)
        request.end_headers()
        request.drip(b"x" * 65_536)

    assert "1,000 bytes" in problem_of(serve(answer).url, PhotoUnusableError)


def test_what_unpacks_too_large_is_read_no_further(serve: Serve) -> None:
    bomb = gzip.compress(bytes(5_000_000))
    site = serve(lambda request: request.give(200, bomb, Content_Encoding="gzip"))
    of = web(max_bytes=100_000)
    assert len(bomb) < 100_000
    assert "100,000 bytes" in problem_of(site.url, PhotoUnusableError, of)


def test_what_is_packed_unasked_is_unpacked(serve: Serve) -> None:
    packed = gzip.compress(PHOTO)
    site = serve(lambda request: request.give(200, packed, Content_Encoding="gzip"))
    assert read(site.url).data == PHOTO


@pytest.mark.parametrize("encoding", ["gzip, gzip", "br", "nonsense"])
def test_what_is_packed_in_other_ways_is_refused(serve: Serve, encoding: str) -> None:
    site = serve(lambda request: request.give(200, PHOTO, Content_Encoding=encoding))
    assert repr(encoding) in problem_of(site.url, PhotoUnusableError)


def test_a_photo_that_breaks_off_is_not_taken_for_whole(serve: Serve) -> None:
    site = serve(lambda request: request.give(200, PHOTO, Content_Length="100"))
    assert "could not be read" in problem_of(site.url, PhotoUnavailableError)


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX-Drop: ", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_a_server_that_drips_gets_no_more_than_its_time(serve: Serve, start: bytes) -> None:
    def answer(request: Request) -> None:
        request.wfile.write(start)
        request.drip(b"1")

    of = web(timeout_seconds=0.2, max_bytes=10**9)
    problem = problem_of(f"{serve(answer).url}/?signature=1", PhotoUnavailableError, of)
    assert "was not complete after 0.2 seconds" in problem
