import traceback
from collections.abc import Iterator

import pytest
import requests

from flux_assets.errors import DownloadError, ResultExpiredError, ResultForbiddenError
from flux_assets.image_api import download
from flux_assets_tests.fixtures.scripted_servers import (
    API_KEY,
    Serve,
    canned,
    http,
    make_client,
    open_servers,
    send_for_ever,
)

PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.fixture
def serve() -> Iterator[Serve]:
    with open_servers() as serve:
        yield serve


def test_a_picture_is_downloaded_byte_for_byte_without_the_key(serve: Serve) -> None:
    server = serve(http("200 OK", PNG))
    data = make_client(server.url).download(f"{server.url}/a.png?sig=1", timeout_seconds=30)
    assert data == PNG
    assert server.received[0].startswith(b"GET /a.png?sig=1 HTTP/1.1\r\n")
    assert API_KEY.encode() not in server.received[0]


def test_a_storage_key_is_asked_of_the_simulator_itself(serve: Serve) -> None:
    server = serve(http("200 OK", PNG))
    assert make_client(server.url).download("images/a b?.png", timeout_seconds=30) == PNG
    assert server.received[0].startswith(b"GET /images/a%20b%3F.png HTTP/1.1\r\n")


def test_a_simulators_url_outlives_the_process_that_gave_it(serve: Serve) -> None:
    server = serve(http("200 OK", PNG))
    url = "http://localhost:1/results/a.png?sig=1"
    assert make_client(server.url).download(url, timeout_seconds=30) == PNG
    assert server.received[0].startswith(b"GET /results/a.png?sig=1 HTTP/1.1\r\n")


SIGNED = "/a.png?X-Amz-Signature=0badc0de"


@pytest.mark.parametrize(
    ("reply", "error_class"),
    [
        (http("403 Forbidden", b"<Code>AccessDenied</Code>"), ResultExpiredError),
        (http("400 Bad Request", b"<Code>ExpiredToken</Code>"), ResultExpiredError),
        (http("410 Gone"), ResultExpiredError),
        (http("404 Not Found", b"<Code>NoSuchKey</Code>"), DownloadError),
        (http("400 Bad Request", b"<Code>InvalidArgument</Code>"), DownloadError),
        (http("503 Slow Down"), DownloadError),
        (http("206 Partial Content", PNG), DownloadError),
        (http("302 Found"), DownloadError),
        (http("200 OK", PNG, Content_Length="9999"), DownloadError),
        (b"", DownloadError),
        (http("302 Found", Location="https://evil.example/b.png"), ResultForbiddenError),
        (http("302 Found", Location="http://[/b.png"), ResultForbiddenError),
        (http("302 Found", Location=SIGNED), DownloadError),
    ],
)
def test_a_failed_download_says_whether_a_fresh_url_may_help(
    serve: Serve, reply: bytes, error_class: type[Exception]
) -> None:
    server = serve(reply)
    with pytest.raises((DownloadError, ResultForbiddenError)) as caught:
        make_client(server.url).download(server.url + SIGNED, timeout_seconds=30)
    assert type(caught.value) is error_class
    shown = "".join(traceback.format_exception(caught.value))
    assert f"127.0.0.1:{server.port}/a.png" in shown or "evil.example/b.png" in shown
    assert "0badc0de" not in shown


def test_a_download_that_cannot_connect_shows_no_signature() -> None:
    client = make_client("http://127.0.0.1:1")
    with pytest.raises(DownloadError) as caught:
        client.download(f"http://127.0.0.1:1{SIGNED}", timeout_seconds=30)
    assert "0badc0de" not in "".join(traceback.format_exception(caught.value))


def test_three_redirects_are_followed_and_no_more(serve: Serve) -> None:
    hops = [http("302 Found", b"moved", Location=f"/{hop}.png") for hop in range(4)]
    server = serve(*hops[:3], http("200 OK", PNG), *hops)
    client = make_client(server.url)
    assert client.download(f"{server.url}/start", timeout_seconds=30) == PNG
    with pytest.raises(DownloadError, match="redirects"):
        client.download(f"{server.url}/start", timeout_seconds=30)
    assert len(server.received) == 8


def test_a_picture_without_end_is_not_read_for_ever(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_PICTURE_BYTES", 200_000)
    server = serve(send_for_ever(b"HTTP/1.1 200 OK\r\n\r\n", b"." * 65_536))
    with pytest.raises(DownloadError, match="larger than 200000"):
        make_client(server.url).download(f"{server.url}/a.png", timeout_seconds=30)


@pytest.mark.parametrize(
    "url",
    [
        "https://s3.us-east-1.amazonaws.com/asset.1min.ai/images/a.png?X-Amz-Signature=1",
        "https://s3.amazonaws.com/asset.1min.ai/images/a.png",
        "https://s3-us-west-2.amazonaws.com/asset.1min.ai/images/a.png",
        "https://s3.eu-central-1.amazonaws.com:443/asset.1min.ai/images/a.png",
        "https://s3.dualstack.us-east-1.amazonaws.com/asset.1min.ai/images/a.png",
        "https://s3-fips.us-gov-west-1.amazonaws.com/asset.1min.ai/images/a.png",
        "https://s3-fips.dualstack.us-east-1.amazonaws.com/asset.1min.ai/images/a.png",
        "https://asset.1min.ai.s3.amazonaws.com/images/a.png",
        "https://asset.1min.ai.s3.us-east-1.amazonaws.com/images/a.png?X-Amz-Signature=1",
        "https://asset.1min.ai.s3-us-west-2.amazonaws.com/images/a.png",
        "https://asset.1min.ai.s3.dualstack.us-east-1.amazonaws.com/images/a.png",
        "https://storage.1min.ai/images/a.png?X-Amz-Signature=1",
        "https://STORAGE.1min.ai:443/images/a.png",
        "https://asset.1min.ai/images/a.png",
        "https://api.1min.ai/images/a.png",
        "https://cdn.example/a.png",
        "https://minio.example:9000/a.png",
    ],
)
def test_results_may_come_from_the_vendors_hosts_and_those_configured(url: str) -> None:
    prepared: list[requests.PreparedRequest] = []
    client = make_client(
        "https://api.1min.ai",
        open_adapter=canned(prepared, PNG),
        result_hosts=("CDN.example", "minio.example:9000"),
    )
    assert client.download(url, timeout_seconds=30) == PNG
    assert "API-KEY" not in prepared[0].headers
    assert "Authorization" not in prepared[0].headers


def test_a_storage_key_is_asked_of_the_vendors_public_host() -> None:
    prepared: list[requests.PreparedRequest] = []
    client = make_client("https://api.1min.ai", open_adapter=canned(prepared, PNG))
    client.download("//evil.example/a.png", timeout_seconds=30)
    assert prepared[0].url == "https://asset.1min.ai/evil.example/a.png"


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.1min.ai/a.png",
        "ftp://storage.1min.ai/a.png",
        "file:///etc/passwd",
        "https://evil.example/a.png",
        "https://storage.1min.ai.evil.example/a.png",
        "https://evil.example\\@storage.1min.ai/a.png",
        "https://storage.1min.ai@evil.example/a.png",
        "https://user:password@storage.1min.ai/a.png",
        "https://storage.1min.ai:8443/a.png",
        "https://s3.us-east-1.amazonaws.com/other-bucket/a.png",
        "https://s3.us-east-1.amazonaws.com/asset.1min.ai/../other-bucket/a.png",
        "https://s3.us-east-1.amazonaws.com/asset.1min.ai/%2e%2e/other-bucket/a.png",
        "https://s3.us-east-1.amazonaws.com/asset.1min.ai/..%5cother-bucket/a.png",
        "https://s3.amazonaws.com/asset.1min.ai.evil/a.png",
        "https://other.s3.amazonaws.com/asset.1min.ai/a.png",
        "https://evil.asset.1min.ai.s3.amazonaws.com/a.png",
        "https://asset.1min.ai.s3.amazonaws.com.evil.example/a.png",
        "https://asset.1min.ai.s3-website-us-east-1.amazonaws.com/a.png",
        "https://s3.us-east-1.amazonaws.com.cn/asset.1min.ai/a.png",
        "https://s3xamazonaws.com/asset.1min.ai/a.png",
        "https://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:8080/a.png",
        "https://localhost/a.png",
        "https://[/a.png",
        "https://",
    ],
)
def test_nothing_is_fetched_from_anywhere_else(url: str) -> None:
    prepared: list[requests.PreparedRequest] = []
    client = make_client("https://api.1min.ai", open_adapter=canned(prepared, PNG))
    with pytest.raises(ResultForbiddenError):
        client.download(url, timeout_seconds=30)
    assert prepared == []


@pytest.mark.parametrize(
    "location",
    [
        "http://storage.1min.ai/a.png",
        "https://evil.example/a.png",
        "//evil.example/a.png",
        "https://169.254.169.254/latest/meta-data",
        "http://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/a.png",
        "https://[::1]/a.png",
        "http://127.0.0.1:8080/a.png",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_leads_only_where_results_may_come_from(location: str) -> None:
    prepared: list[requests.PreparedRequest] = []
    to_elsewhere = canned(prepared, b"", 302, {"Location": location})
    client = make_client("https://api.1min.ai", open_adapter=to_elsewhere)
    with pytest.raises(ResultForbiddenError):
        client.download("https://storage.1min.ai/a.png", timeout_seconds=30)
    assert len(prepared) == 1
