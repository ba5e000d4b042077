"""Fetching a result's bytes: without credentials, and only from where results may come from."""

import re
from collections.abc import Callable, Iterable
from urllib.parse import quote, unquote, urljoin

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from flux_assets.errors import (
    DownloadError,
    NotSentError,
    ResultExpiredError,
    ResultForbiddenError,
    UnknownOutcomeError,
)
from flux_assets.image_api.transport import HttpReply, Transport
from flux_assets.setting_values import LOOPBACK_HOSTS

MAX_PICTURE_BYTES = 64 * 1024 * 1024

_MAX_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_KEY_HOST = "asset.1min.ai"
_RESULT_HOSTS = frozenset({_KEY_HOST, "storage.1min.ai"})
_S3_HOST = re.compile(
    rf"(?P<bucket>{re.escape(_KEY_HOST)}\.)?s3(-fips)?([.-]dualstack)?([.-][a-z]{{2}}(-[a-z]+)+-\d)?"
    r"\.amazonaws\.com"
)
"""S3's hosts, of any region, with the vendor's bucket before them or as the path's first segment:
a host of S3 alone serves every bucket there is."""


class Downloads:
    """Fetches pictures over `transport` by the URLs and keys that the API's replies name.

    `base_url` is the API's. Where it is on loopback, it is the simulator's: its results' URLs
    may carry the port of an earlier process, so every loopback URL is moved to the current one.
    `result_hosts` are allowed beside the vendor's own: `host`, or `host:port`.
    """

    def __init__(self, *, transport: Transport, base_url: str, result_hosts: Iterable[str]) -> None:
        self._transport = transport
        self._base = parse_url(base_url)
        self._is_local = _is_loopback(self._base)
        own = {(self._base.netloc or "").removesuffix(":443")}
        self._hosts = _RESULT_HOSTS | own | {host.lower() for host in result_hosts}

    def fetch(
        self,
        url_or_key: str,
        *,
        deadline: float,
        make_room: Callable[[int], None] = lambda _bytes: None,
    ) -> bytes:
        """Download one result's bytes.

        Args:
            url_or_key: a full URL, or a storage key, which is tried without a signature.
            deadline: for everything, redirects included, on the transport's clock.
            make_room: as of `Transport.call`; what it made before is not needed any more.

        Raises:
            ResultForbiddenError: it leads where no result may come from.
            ResultExpiredError: the URL was valid once.
            DownloadError: it did not work this time; it may later.
        """
        url = url_or_key if "://" in url_or_key else self._url_of_key(url_or_key)
        for _ in range(1 + _MAX_REDIRECTS):
            target = self._allowed(url)
            reply = self._get(target, deadline, make_room)
            location = reply.headers.get("Location")
            if reply.status_code not in _REDIRECTS or not location:
                return _picture_of(reply, target)
            url = _join(target, location)
        raise DownloadError(f"{_name(target)}: more than {_MAX_REDIRECTS} redirects")

    def _url_of_key(self, key: str) -> str:
        origin = _origin(self._base) if self._is_local else f"https://{_KEY_HOST}"
        return f"{origin}/{quote(key.lstrip('/'), errors='replace')}"

    def _allowed(self, url: str) -> Url:
        """Parse with the parser that connects, so that both mean the same host."""
        try:
            target = parse_url(url)
        except LocationParseError as error:
            raise ResultForbiddenError("a result's URL cannot be parsed") from error
        if self._is_local and _is_loopback(target):
            target = target._replace(
                scheme=self._base.scheme, host=self._base.host, port=self._base.port
            )
        netloc = (target.netloc or "").removesuffix(":443")
        path = unquote(target.path or "").replace("\\", "/")
        is_secure = target.scheme == "https" or (self._is_local and netloc == self._base.netloc)
        s3 = _S3_HOST.fullmatch(netloc)
        in_bucket = s3 is not None and (s3["bucket"] or path.startswith(f"/{_KEY_HOST}/"))
        is_known = netloc in self._hosts or in_bucket
        climbs = not {".", ".."}.isdisjoint(path.split("/"))
        if target.auth or climbs or not (is_secure and is_known):
            raise ResultForbiddenError(
                f"{target.scheme}://{_name(target)} is not where results come from; if it is "
                "right, add its host to FLUX_ASSETS_RESULT_HOSTS"
            )
        return target

    def _get(self, target: Url, deadline: float, make_room: Callable[[int], None]) -> HttpReply:
        try:
            return self._transport.call(
                "GET",
                target.url,
                deadline=deadline,
                max_bytes=MAX_PICTURE_BYTES,
                make_room=make_room,
            )
        except (NotSentError, UnknownOutcomeError) as error:
            # From None: the errors beneath carry the signed query.
            raise DownloadError(str(error)) from None


def _picture_of(reply: HttpReply, target: Url) -> bytes:
    name, status = _name(target), reply.status_code
    if status == 200:
        return reply.body
    # S3 says 403 for a URL past its time, and 400 ExpiredToken where its signer's session ended.
    if status in (403, 410) or (status == 400 and b"Expired" in reply.body):
        raise ResultExpiredError(
            f"{name}: the URL is no longer valid (HTTP {status})", is_late=status == 403
        )
    if status == 404:
        raise DownloadError(f"{name}: not there (HTTP 404); it may come later", is_late=True)
    raise DownloadError(f"{name}: HTTP {status}")


def _join(target: Url, location: str) -> str:
    try:
        return urljoin(target.url, location)
    except ValueError as error:
        raise ResultForbiddenError(f"{_name(target)} redirects to no URL at all") from error


def _is_loopback(url: Url) -> bool:
    return (url.host or "").strip("[]") in LOOPBACK_HOSTS


def _origin(url: Url) -> str:
    return f"{url.scheme}://{url.netloc}"


def _name(url: Url) -> str:
    """Host and path: a query may be a signature."""
    return f"{url.netloc}{url.path or '/'}"
