"""Alerts as JSON to a webhook whose address is a secret; requests is imported where it is used."""

import json
import logging
import ssl
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

from pydantic import SecretStr

from flux_assets.errors import FluxAssetsError

_MAX_TEXT_CHARACTERS = 3000
_SLACK_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class AlertError(FluxAssetsError):
    """The webhook did not take an alert; its address is a secret and not told."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the alert could not be posted to FLUX_ASSETS_ALERT_WEBHOOK ({reason}); check the "
            "address and the network. It is posted again at the next tick."
        )
        self.reason = reason


def build_body(text: str, facts: Mapping[str, object]) -> bytes:
    """The JSON object to post: `text` as Slack and its like show it, and the facts beside it.

    The text is escaped, so that a product's title can call nobody: see "Escaping text" of
    https://docs.slack.dev/messaging/formatting-message-text.
    """
    shown = text
    if len(text) > _MAX_TEXT_CHARACTERS:
        shown = f"{text[: _MAX_TEXT_CHARACTERS - 1]}…"
    return json.dumps({"text": shown.translate(_SLACK_ESCAPES), **facts}).encode()


def post_alert(url: SecretStr, body: bytes, *, timeout_seconds: float) -> None:
    """Post one alert, and wait so long for the answer.

    The exchange has a thread of its own: neither the look-up of a host nor headers that come drop
    by drop heed any other limit.

    Raises:
        AlertError: no answer came, or one that is not 2xx; its text is without the address.
    """
    answer: Future[int] = Future()

    def run() -> None:
        try:
            with _unlogged():
                answer.set_result(_post(url.get_secret_value(), body, timeout_seconds))
        except Exception as error:  # noqa: BLE001 - its text may hold the address: only its class is told
            # Not raised from here: the errors beneath would come along, and with them the address.
            answer.set_exception(AlertError(_reason_of(error, timeout_seconds)))

    threading.Thread(target=run, name="alert", daemon=True).start()
    try:
        status = answer.result(timeout_seconds)
    except TimeoutError:
        raise AlertError(_too_late(timeout_seconds)) from None
    if not 200 <= status < 300:
        raise AlertError(f"HTTP {status}")


def _post(url: str, body: bytes, timeout_seconds: float) -> int:
    """The status of the answer, whose body is not read; no redirect is followed."""
    import requests

    from flux_assets.http_exchange import exchange

    headers = {"Content-Type": "application/json", "User-Agent": "flux-assets"}
    request = requests.Request("POST", url, headers=headers, data=body)
    with exchange(request, timeout=timeout_seconds) as response:
        return response.status_code


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep this thread's requests out of urllib3's log, which holds their paths at DEBUG."""
    logger = logging.getLogger("urllib3.connectionpool")
    thread = threading.get_ident()

    def is_anothers(record: logging.LogRecord) -> bool:
        return record.thread != thread

    logger.addFilter(is_anothers)
    try:
        yield
    finally:
        logger.removeFilter(is_anothers)


def _too_late(timeout_seconds: float) -> str:
    return f"no answer after {timeout_seconds:g} seconds"


def _reason_of(error: BaseException, timeout_seconds: float) -> str:
    """The innermost error's: the others' texts hold the address."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    if isinstance(error, TimeoutError):  # the exchange's own limit ends a moment before the wait
        return _too_late(timeout_seconds)
    if isinstance(error, ssl.SSLError):  # whose text may name the host
        return str(error.reason)
    return getattr(error, "strerror", None) or type(error).__name__
