import gzip
import itertools
import socket
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.utils import format_datetime, parsedate_to_datetime
from functools import cache, partial
from pathlib import Path

import pytest
import requests

from flux_assets.errors import NotSentError, UnknownOutcomeError
from flux_assets.image_api.request import build_image_request
from flux_assets.image_api.transport import Transport
from flux_assets_tests.fixtures.clocks import ReadClock, StandingClock
from flux_assets_tests.fixtures.scripted_servers import (
    API_KEY,
    Act,
    Serve,
    canned,
    http,
    make_client,
    open_servers,
    reset,
    send_for_ever,
    wait_until_closed,
)

SAMPLES = Path(__file__).parents[1] / "samples" / "image_api"
SUCCESS = (SAMPLES / "success.http").read_bytes()
SUCCESS_BODY = SUCCESS.partition(b"\n\n")[2]
UUID = "f6a7b8c9-d0e1-2345-fabc-456789012345"
REQUEST = build_image_request(product_id="mug-1", shot="hero", prompt="A mug", parameters={})


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_servers() as serve:
        yield serve


def ticking_clock() -> ReadClock:
    """A clock on which every look takes a second."""
    return ReadClock(itertools.count(0.0).__next__)


def test_every_call_has_a_connection_of_its_own(serve: Serve) -> None:
    kept_alive = http("200 OK", SUCCESS_BODY, Connection="keep-alive")
    server = serve(kept_alive, kept_alive)
    client = make_client(server.url)
    client.submit(REQUEST, timeout_seconds=30)
    client.submit(REQUEST, timeout_seconds=30)
    assert len(server.received) == 2


def test_a_compressed_reply_is_read(serve: Serve) -> None:
    body = gzip.compress(SUCCESS_BODY)
    server = serve(http("200 OK", body, Content_Encoding="gzip"))
    assert make_client(server.url).submit(REQUEST, timeout_seconds=30).uuid == UUID


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(http("503 Service Unavailable", Retry_After="0"), id="retry invited"),
        pytest.param(b"", id="closed without a reply"),
        pytest.param(reset, id="reset"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", id="closed within the headers"),
        pytest.param(SUCCESS.replace(b"\n\n", b"\nContent-Length: 9999\n\n", 1), id="truncated"),
        pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab", id="chunk"),
        pytest.param(http("200 OK", b"abc", Content_Encoding="gzip"), id="no gzip at all"),
        pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another protocol"),
    ],
)
def test_a_call_that_was_sent_is_never_sent_again(serve: Serve, reply: bytes | Act) -> None:
    server = serve(reply, SUCCESS)
    with pytest.raises(UnknownOutcomeError):
        make_client(server.url).submit(REQUEST, timeout_seconds=30)
    assert len(server.received) == 1


@cache
def pack_zeros(layers: int) -> bytes:
    """256 MiB of zeros, compressed so many times."""
    if layers > 1:
        return gzip.compress(pack_zeros(layers - 1))
    compressor = zlib.compressobj(9, wbits=31)
    return b"".join(compressor.compress(bytes(2**20)) for _ in range(256)) + compressor.flush()


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"


def _pack_zeros_in_chunks() -> bytes:
    zeros = pack_zeros(2)
    head = b"Content-Encoding: gzip, gzip\r\n\r\n%x\r\n" % len(zeros)
    return CHUNKED + head + zeros + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "build_reply",
    [
        pytest.param(
            lambda: http("200 OK", pack_zeros(1), Content_Encoding="gzip"),
            id="gzip",
        ),
        pytest.param(
            lambda: http("200 OK", pack_zeros(2), Content_Encoding="gzip, gzip"),
            id="gzip in gzip",
        ),
        pytest.param(
            lambda: http("402 No", pack_zeros(3), Content_Encoding="gzip,gzip,gzip"),
            id="an error",
        ),
        pytest.param(_pack_zeros_in_chunks, id="gzip in gzip in chunks"),
        *(
            pytest.param(partial(send_for_ever, start, more), id=name)
            for name, start, more in [
                ("endless", b"HTTP/1.1 200 OK\r\n\r\n", b"{" * 10_000),
                ("a chunk's size", CHUNKED + b"\r\n1;", b"a" * 10_000),
                ("a chunk", CHUNKED + b"\r\nffffffffffff\r\n", b"{" * 10_000),
                ("a trailer", CHUNKED + b"\r\n0\r\nx: ", b"a" * 10_000),
                ("a header", b"HTTP/1.1 200 OK\r\nx: ", b"a" * 10_000),
                ("headers", b"HTTP/1.1 200 OK\r\n", b"x: %060000d\r\n" % 0),
            ]
        ),
    ],
)
def test_a_reply_without_end_takes_little_memory(
    serve: Serve, build_reply: Callable[[], bytes | Act]
) -> None:
    server = serve(build_reply())
    client = make_client(server.url)
    tracemalloc.start()
    try:
        with pytest.raises(UnknownOutcomeError):
            client.submit(REQUEST, timeout_seconds=30)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 48 * 2**20


def test_a_reply_without_a_date_gets_that_of_its_receipt(serve: Serve) -> None:
    bare = http("429 Too Many", Retry_After="Thu, 01 Jan 2026 00:00:41 GMT")
    clock = StandingClock()
    server = serve(bare, http("429 Too Many", Date=format_datetime(clock.utc_now())))
    transport = Transport(connect_timeout_seconds=1, clock=clock)
    for _ in range(2):
        reply = transport.call("GET", server.url, deadline=clock.monotonic() + 30, max_bytes=1_000)
        assert parsedate_to_datetime(reply.headers["Date"]) == clock.utc_now()


def test_a_redirect_is_not_followed_and_gets_no_key(serve: Serve) -> None:
    other = serve(SUCCESS)
    for status in ("302 Found", "307 Temporary Redirect"):
        server = serve(http(status, Location=f"{other.url}/api/features"))
        with pytest.raises(UnknownOutcomeError):
            make_client(server.url).submit(REQUEST, timeout_seconds=30)
    assert other.received == []


def test_a_silent_server_ends_in_an_unknown_outcome(serve: Serve) -> None:
    server = serve(wait_until_closed)
    with pytest.raises(UnknownOutcomeError, match="TimeoutError"):
        make_client(server.url).submit(REQUEST, timeout_seconds=0.1)


@pytest.mark.parametrize(
    "dripping",
    [
        pytest.param(send_for_ever(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"."), id="headers"),
        pytest.param(send_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"."), id="body"),
    ],
)
def test_a_server_that_drips_bytes_is_held_to_the_deadline(serve: Serve, dripping: Act) -> None:
    server = serve(dripping)
    client = make_client(server.url, clock=ticking_clock())
    with pytest.raises(UnknownOutcomeError, match="deadline passed"):
        client.submit(REQUEST, timeout_seconds=5)


def test_no_call_takes_longer_than_the_client_allows(serve: Serve) -> None:
    server = serve(send_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"."))
    client = make_client(server.url, clock=ticking_clock(), call_timeout_seconds=5)
    with pytest.raises(UnknownOutcomeError, match="deadline passed"):
        client.submit(REQUEST, timeout_seconds=1e6)


def test_a_reply_without_end_is_not_read_for_ever(serve: Serve) -> None:
    server = serve(send_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"." * 65_536))
    with pytest.raises(UnknownOutcomeError, match="larger than"):
        make_client(server.url).submit(REQUEST, timeout_seconds=30)


def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as bound_only:
        bound_only.bind(("127.0.0.1", 0))
        client = make_client(f"http://127.0.0.1:{bound_only.getsockname()[1]}")
        with pytest.raises(NotSentError, match=r"ConnectionRefusedError.*; nothing answers at 127"):
            client.submit(REQUEST, timeout_seconds=30)


def test_the_reason_given_is_the_calls_own(serve: Serve) -> None:
    client = make_client(serve(b"").url)
    try:
        int("an earlier failure")
    except ValueError:
        with pytest.raises(UnknownOutcomeError, match="RemoteDisconnected"):
            client.submit(REQUEST, timeout_seconds=30)


def test_a_name_that_does_not_resolve_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    forget_proxies(monkeypatch)
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NotSentError, match=r"gaierror.* HTTPS_PROXY, and REQUESTS_CA_BUNDLE"):
        make_client("https://api.example").submit(REQUEST, timeout_seconds=30)


def test_a_failed_tls_handshake_is_not_sent(serve: Serve) -> None:
    server = serve(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    client = make_client(f"https://127.0.0.1:{server.port}")
    with pytest.raises(NotSentError, match=r"SSLError.*does not speak TLS as it should"):
        client.submit(REQUEST, timeout_seconds=30)
    assert API_KEY.encode() not in b"".join(server.received)


def test_without_time_left_nothing_is_sent(serve: Serve) -> None:
    server = serve(SUCCESS)
    with pytest.raises(NotSentError, match="no time"):
        make_client(server.url).submit(REQUEST, timeout_seconds=0)
    assert server.received == []


def test_a_connection_that_took_all_the_time_carries_nothing(serve: Serve) -> None:
    server = serve(b"", SUCCESS)
    clock = ReadClock(
        iter([0.0, 0.0, 0.0, 100.0]).__next__
    )  # deadlines, before and after connecting
    with pytest.raises(NotSentError, match="all the time"):
        make_client(server.url, clock=clock).submit(REQUEST, timeout_seconds=30)
    make_client(server.url).submit(REQUEST, timeout_seconds=30)
    assert server.received[0] == b""


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_ca_bundle_that_cannot_be_read_is_named_and_no_unknown_outcome(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    forget_proxies(monkeypatch)
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    with pytest.raises(NotSentError, match=r"ca.pem cannot be read .*; correct REQUESTS_CA_BUNDLE"):
        make_client("https://api.example").submit(REQUEST, timeout_seconds=30)


def forget_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_a_company_proxy_is_used_and_never_sees_the_key(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = serve(b"HTTP/1.1 403 Forbidden\r\n\r\n")
    forget_proxies(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    with pytest.raises(NotSentError, match=r"403.*correct HTTPS_PROXY, or name api.example in NO"):
        make_client("https://api.example").submit(REQUEST, timeout_seconds=30)
    (asked,) = proxy.received
    assert asked.startswith(b"CONNECT api.example:443 ")
    assert API_KEY.encode() not in asked


def test_this_machines_own_addresses_need_no_proxy(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server, proxy = serve(SUCCESS), serve()
    forget_proxies(monkeypatch)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    assert make_client(server.url).submit(REQUEST, timeout_seconds=30).uuid == UUID
    assert proxy.received == []


def test_passwords_of_a_netrc_file_are_not_sent(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine api.example login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    prepared: list[requests.PreparedRequest] = []
    client = make_client("https://api.example", open_adapter=canned(prepared, SUCCESS_BODY))
    client.submit(REQUEST, timeout_seconds=30)
    assert prepared[0].headers["API-KEY"] == API_KEY
    assert "Authorization" not in prepared[0].headers


def test_credentials_in_a_url_are_not_sent() -> None:
    prepared: list[requests.PreparedRequest] = []
    open_adapter = canned(prepared, SUCCESS_BODY)
    transport = Transport(
        connect_timeout_seconds=1, clock=StandingClock(0.0), open_adapter=open_adapter
    )
    url = "https://me:secret@api.example/models"
    transport.call("GET", url, deadline=1, max_bytes=len(SUCCESS_BODY))
    assert "Authorization" not in prepared[0].headers


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (http("200 OK", b"a" * 300), 300),
        (http("200 OK", gzip.compress(b"a" * 300), Content_Encoding="gzip"), 1_000),
        (CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n", 1_000),
        (b"HTTP/1.1 200 OK\r\n\r\nabc", 1_000),
        (b"HTTP/1.1 200 OK\r\nContent-Length: more\r\n\r\nabc", 1_000),
    ],
    ids=["told", "compressed", "chunked", "not told", "no number"],
)
def test_room_is_made_for_the_most_that_a_reply_may_bring(
    serve: Serve, reply: bytes, told: int
) -> None:
    """Its length, if it is told; else, or where it may unpack to more, as much as is read."""
    asked: list[int] = []
    clock = StandingClock()
    with suppress(UnknownOutcomeError):  # of a length that is no number
        Transport(connect_timeout_seconds=30, clock=clock).call(
            "GET",
            serve(reply).url,
            deadline=clock.monotonic() + 30,
            max_bytes=1_000,
            make_room=asked.append,
        )
    assert asked == [told]


def test_the_time_that_room_takes_is_not_the_servers(serve: Serve) -> None:
    clock = StandingClock()
    reply = Transport(connect_timeout_seconds=30, clock=clock).call(
        "GET",
        serve(http("200 OK", b"abc")).url,
        deadline=clock.monotonic() + 30,
        max_bytes=1_000,
        make_room=lambda _bytes: clock.sleep(3_600),
    )
    assert reply.body == b"abc"
