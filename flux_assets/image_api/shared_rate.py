"""One account's requests per minute over all processes and machines, kept in Redis."""

import hashlib
import logging
import time
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from pydantic import SecretStr

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import SettingsError
from flux_assets.image_api.pace import NotStartedError

if TYPE_CHECKING:  # an extra, and loaded only where it is used
    from limits.strategies import MovingWindowRateLimiter
    from redis import Redis

WINDOW_SECONDS = 63
"""The vendor's minute, and how much longer one call may be on its way to it than another."""

PATIENCE_SECONDS = 30.0
"""So long a Redis may be gone, as where it moves to another machine, before the run stops."""

MAX_CLOCK_SECONDS = 1.0
"""So far a machine's clock may be off Redis's: two such machines stay within the window."""

_ANSWER_SECONDS = 2.0
_ASK_AGAIN_SECONDS = 1.0
_SHORTEST_WAIT_SECONDS = 0.05

_log = logging.getLogger(__name__)


class SharedRateError(NotStartedError):
    """Nothing was sent, since nobody can say what the account's other processes send."""

    def __init__(self, problem: str) -> None:
        super().__init__(
            "no_shared_rate",
            "FLUX_ASSETS_RATE_LIMITER, which says what all processes of the account send, cannot "
            f"be used: {problem}",
        )


class Window(Protocol):
    """A sliding window somewhere else, as many starts wide as the account allows a minute."""

    def clock_offset_seconds(self) -> float:
        """How far its clock is ahead of this machine's."""

    def hit(self) -> bool:
        """Take a start, if there is one."""

    def opens_in_seconds(self) -> float:
        """When the next start may be taken; negative if it may be already."""


class SharedRate:
    """The starts of all processes that call one account; asked by one thread at a time.

    Args:
        window: where starts are counted.
        failures: what the window raises where it cannot be reached.
        clock: time.
    """

    def __init__(
        self,
        window: Window,
        *,
        failures: type[Exception] | tuple[type[Exception], ...],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._window = window
        self._failures = failures
        self._clock = clock
        self._failing_since: float | None = None
        self._is_clock_known = False

    def seconds_until_start(self) -> float:
        """Take one start and give 0; or else take none, and give when to ask again.

        Raises:
            SharedRateError: the window has been out of reach for PATIENCE_SECONDS, or this
                machine's clock is wrong.
        """
        try:
            self._check_clock()
            seconds = 0.0 if self._window.hit() else self._seconds_closed()
        except self._failures as error:
            self._bear_with(error)
            return _ASK_AGAIN_SECONDS
        self._failing_since = None
        return seconds

    def _seconds_closed(self) -> float:
        return max(_SHORTEST_WAIT_SECONDS, self._window.opens_in_seconds())

    def _bear_with(self, error: Exception) -> None:
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        _log.warning("the rate that all processes share cannot be asked: %s", error)
        if now - self._failing_since >= PATIENCE_SECONDS:
            problem = f"{error}. See that this Redis runs, then start the run again"
            raise SharedRateError(problem) from error

    def _check_clock(self) -> None:
        if self._is_clock_known:
            return
        offset = self._window.clock_offset_seconds()
        if abs(offset) > MAX_CLOCK_SECONDS:
            side = "behind" if offset > 0 else "ahead of"
            problem = f"this machine's clock is {abs(offset):.1f} s {side} Redis's; set it (NTP)"
            raise SharedRateError(problem)
        self._is_clock_known = True


def open_shared_rate(
    address: SecretStr | None, *, origin: str, api_key: SecretStr, requests_per_minute: int
) -> SharedRate | None:
    """The rate of one account, or None where no address is given.

    Whoever gives the same origin, key and number shares it. It connects when first asked.

    Raises:
        SettingsError: limits or redis is not installed.
    """
    if address is None:
        return None
    try:
        import redis
        from limits.storage import RedisStorage
        from limits.strategies import MovingWindowRateLimiter
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        problem = "needs limits and redis; pip install 'flux-assets[celery]' or 'flux-assets[k8s]'"
        raise SettingsError("FLUX_ASSETS_RATE_LIMITER", problem) from error
    url = address.get_secret_value().strip()
    pool = redis.ConnectionPool.from_url(
        url,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    storage = RedisStorage(url, connection_pool=pool, key_prefix="flux_assets")
    window = _RedisWindow(
        MovingWindowRateLimiter(storage),
        redis=redis.Redis(connection_pool=pool),
        account=account_of(origin, api_key),
        requests_per_minute=requests_per_minute,
    )
    return SharedRate(window, failures=redis.RedisError)


def account_of(origin: str, api_key: SecretStr) -> str:
    """What names an account to everybody who has its key, and tells the key to nobody."""
    parts = urlsplit(origin)
    text = f"{parts.scheme}://{parts.netloc}\n{api_key.get_secret_value()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class _RedisWindow:
    def __init__(
        self,
        limiter: "MovingWindowRateLimiter",
        *,
        redis: "Redis",
        account: str,
        requests_per_minute: int,
    ) -> None:
        from limits import RateLimitItemPerSecond

        self._limiter = limiter
        self._redis = redis
        self._item = RateLimitItemPerSecond(requests_per_minute, WINDOW_SECONDS)
        self._account = account

    def clock_offset_seconds(self) -> float:
        asked_at = time.time()
        answer: Any = self._redis.time()
        seconds, microseconds = answer
        return float(seconds + microseconds / 1e6 - (asked_at + time.time()) / 2)

    def hit(self) -> bool:
        return self._limiter.hit(self._item, self._account)

    def opens_in_seconds(self) -> float:
        return self._limiter.get_window_stats(self._item, self._account).reset_time - time.time()
