"""Calling the vendor's HTTP API: one call, one request, one deadline; the rules are elsewhere."""

import math
from collections.abc import Callable, Mapping
from urllib.parse import quote, urlsplit

from pydantic import SecretStr

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import DownloadError, SettingsError, UnknownOutcomeError
from flux_assets.image_api.download import Downloads
from flux_assets.image_api.options import ApiOptions
from flux_assets.image_api.protocol import (
    Model,
    Reply,
    build_submit_body,
    parse_asset,
    parse_models,
    parse_reply,
    parse_result,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.transport import (
    FilePart,
    FreshConnectionAdapter,
    HttpReply,
    OpenAdapter,
    Transport,
)
from flux_assets.setting_values import LOOPBACK_HOSTS

_MAX_REPLY_BYTES = 4 * 1024 * 1024
_CONNECT_TIMEOUT_SECONDS = 10.0


class ImageApiClient:
    """The vendor's API at one base URL with one key; safe to share between threads.

    It never retries and never waits for a rate: whoever calls it knows what a second call costs.
    The key is sent to the base URL's own origin and nowhere else.

    Args:
        options: its base URL, https or http on this machine's loopback address; the most that
            any one call or download may take; the hosts (`host` or `host:port`) that results may
            come from, beside the vendor's; whether a call is answered before its picture is made.
        api_key: of the account.
        clock: time.
        open_adapter: what carries each request; replaced in tests.
        on_reply: sees each complete reply to a `submit` before it is read; it must not raise.

    Raises:
        SettingsError: the base URL or the key cannot be used.
    """

    def __init__(
        self,
        options: ApiOptions,
        *,
        api_key: SecretStr,
        clock: Clock = SYSTEM_CLOCK,
        open_adapter: OpenAdapter = FreshConnectionAdapter,
        on_reply: Callable[[HttpReply], None] | None = None,
    ) -> None:
        self._options = options
        self._base_url = options.base_url.rstrip("/")
        self._api_key = SecretStr(api_key.get_secret_value().strip())
        _check_origin(self._base_url)
        _check_header_text(self._secret)
        self._clock = clock
        self._on_reply = on_reply
        self._transport = Transport(
            connect_timeout_seconds=_CONNECT_TIMEOUT_SECONDS, clock=clock, open_adapter=open_adapter
        )
        self._downloads = Downloads(
            transport=self._transport, base_url=self._base_url, result_hosts=options.result_hosts
        )

    def __repr__(self) -> str:
        return f"ImageApiClient(base_url={self._base_url!r}, api_key={self._api_key!r})"

    def submit(
        self,
        request: ImageRequest,
        *,
        timeout_seconds: float,
        asset_key: str = "",
        send_within_seconds: float = math.inf,
    ) -> Reply:
        """Buy one picture: exactly one POST, over a fresh connection.

        Args:
            request: what to make.
            timeout_seconds: for the whole call; never more than the options allow.
            asset_key: of the uploaded photo, for a request that edits one.
            send_within_seconds: from now on; later it may not be sent any more.

        Raises:
            NotSentError: nothing was sent; the same call is safe.
            RateLimitedError: nothing was made; the same call is safe after the time in it.
            UnknownOutcomeError: it was sent, and what became of it is not known.
            AccountError, RefusedError, GenerationFailedError: as `protocol.parse_reply`.
        """
        reply = self._transport.call(
            "POST",
            f"{self._base_url}/api/features",
            deadline=self._deadline(timeout_seconds),
            max_bytes=_MAX_REPLY_BYTES,
            send_by=self._clock.monotonic() + send_within_seconds,
            headers={"API-KEY": self._secret},
            json_body=build_submit_body(
                request, asset_key=asset_key, run_async=self._options.delivery == "async"
            ),
        )
        if self._on_reply is not None:
            self._on_reply(reply)
        return parse_reply(reply.status_code, reply.headers, reply.body, secret=self._secret)

    def upload(
        self, data: bytes, *, file_name: str, content_type: str, timeout_seconds: float
    ) -> str:
        """Give the vendor one photo to edit, and return its asset key; free of charge.

        Args:
            data: the photo.
            file_name: with an extension, or the vendor refuses it.
            content_type: its media type.
            timeout_seconds: for the whole upload.

        Raises:
            NotSentError, DownloadError: no answer this time; uploading again is free.
            RateLimitedError, AccountError, RefusedError: as `protocol.parse_asset`.
        """
        try:
            reply = self._transport.call(
                "POST",
                f"{self._base_url}/api/assets",
                deadline=self._deadline(timeout_seconds),
                max_bytes=_MAX_REPLY_BYTES,
                headers={"API-KEY": self._secret},
                file_part=FilePart("asset", file_name, data, content_type),
            )
        except UnknownOutcomeError as error:
            raise DownloadError(str(error)) from error
        return parse_asset(reply.status_code, reply.headers, reply.body, secret=self._secret)

    def fetch_result(self, uuid: str, *, timeout_seconds: float) -> Reply | None:
        """Ask what became of a call; None if the vendor does not know it, or `uuid` is "".

        Raises:
            NotSentError, DownloadError: no answer this time; asking again is free.
            RateLimitedError, AccountError, UnpaidCallError, RefusedError,
                GenerationFailedError: as `protocol.parse_result`.
        """
        if not uuid:
            return None
        reply = self._get(
            f"/api/results/{quote(uuid, safe='')}",
            timeout_seconds=timeout_seconds,
            headers={"API-KEY": self._secret},
        )
        return parse_result(reply.status_code, reply.headers, reply.body, secret=self._secret)

    def list_models(self) -> tuple[Model, ...]:
        """The models that make pictures, active or not; needs no key and sends none.

        Raises:
            NotSentError, DownloadError: no answer this time.
            AccountError, RateLimitedError: as `protocol.parse_models`.
        """
        path = "/models?feature=IMAGE_GENERATOR"
        reply = self._get(path, timeout_seconds=self._options.call_timeout_seconds, headers={})
        return parse_models(reply.status_code, reply.headers, reply.body)

    def download(
        self,
        url_or_key: str,
        *,
        timeout_seconds: float,
        make_room: Callable[[int], None] = lambda _bytes: None,
    ) -> bytes:
        """Fetch one result's bytes by its URL, or by its storage key, without credentials.

        Args:
            url_or_key: as a reply names it.
            timeout_seconds: for everything but the wait for room.
            make_room: told how many bytes follow at most, before any is read.

        Raises:
            ResultForbiddenError: it leads where no result may come from; nothing was fetched.
            ResultExpiredError: the URL was valid once; a fresh one may be.
            DownloadError: it did not work this time; it may later.
        """
        return self._downloads.fetch(
            url_or_key, deadline=self._deadline(timeout_seconds), make_room=make_room
        )

    @property
    def _secret(self) -> str:
        return self._api_key.get_secret_value()

    def _deadline(self, timeout_seconds: float) -> float:
        return self._clock.monotonic() + min(timeout_seconds, self._options.call_timeout_seconds)

    def _get(self, path: str, *, timeout_seconds: float, headers: Mapping[str, str]) -> HttpReply:
        try:
            return self._transport.call(
                "GET",
                self._base_url + path,
                deadline=self._deadline(timeout_seconds),
                max_bytes=_MAX_REPLY_BYTES,
                headers=headers,
            )
        except UnknownOutcomeError as error:
            raise DownloadError(str(error)) from error


def _check_origin(base_url: str) -> None:
    parts = urlsplit(base_url)
    is_secure = parts.scheme == "https" and parts.hostname
    is_local = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS
    if not (is_secure or is_local) or parts.username or parts.query or parts.fragment:
        raise SettingsError(
            "ONEMIN_BASE_URL", "must be https without user or query, or http on loopback only"
        )


def _check_header_text(secret: str) -> None:
    """An unusable key must fail here: the HTTP library would quote it in its error."""
    if not secret or not (secret.isascii() and secret.isprintable()):
        raise SettingsError(
            "ONEMIN_API_KEY", "is empty, or has characters that no HTTP header can carry"
        )
