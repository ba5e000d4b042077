"""How fast the API is called: requests per minute, calls in flight, and pauses it asks for."""

import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import FluxAssetsError

_WINDOW_SECONDS = 60.0
# A stop is an event that wakes nobody, so whoever waits looks for it this often.
_STOP_CHECK_SECONDS = 0.5


class NotStartedError(FluxAssetsError):
    """The wait for a place ended without one: the caller gives up and sends nothing."""

    def __init__(
        self, reason: Literal["stopped", "deadline", "no_shared_rate"], why: str = ""
    ) -> None:
        why = why or f"the wait for a place ended ({reason})"
        super().__init__(f"nothing was sent: {why}")
        self.reason = reason


class StartRate(Protocol):
    """The starts that all processes of an account may make together."""

    def seconds_until_start(self) -> float:
        """Take one start and give 0; or else take none, and give when to ask again.

        Raises:
            NotStartedError: it cannot be said any more whether one more start is allowed.
        """


class Pace:
    """Shared by all threads of a process that call one account.

    Starts are granted in order of arrival. A poll needs no place in flight and may overtake a
    call that waits for one; otherwise a caller that polls while it holds a place could wait for
    itself.

    Args:
        max_in_flight: calls open at once, at most.
        requests_per_minute: starts in any 60 seconds [t, t + 60), at most.
        shared_rate: if given, it has to allow each start too; asked without the lock, by one
            thread for all, as the answer may be long in coming.
        clock: time.
        wait: waits on a condition, at most so many seconds; replaced in tests.
    """

    def __init__(
        self,
        *,
        max_in_flight: int,
        requests_per_minute: int,
        shared_rate: StartRate | None = None,
        clock: Clock = SYSTEM_CLOCK,
        wait: Callable[[threading.Condition, float], object] = threading.Condition.wait,
    ) -> None:
        self._max_in_flight = max_in_flight
        self._shared_rate = shared_rate
        self._is_asking = False
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._waiters: deque[_Waiter] = deque()
        self._starts: deque[float] = deque(maxlen=requests_per_minute)
        self._in_flight = 0
        self._limit = max_in_flight
        self._paused_until = -math.inf
        self._shared_opens_at = -math.inf
        self._has_started_since_halving = True

    @property
    def in_flight(self) -> int:
        """Calls that hold a place now."""
        return self._in_flight

    @property
    def in_flight_limit(self) -> int:
        """Places there are now; fewer than the maximum after a 429."""
        return self._limit

    @contextmanager
    def slot(self, *, stop: threading.Event, deadline: float = math.inf) -> Iterator[None]:
        """Hold a place in flight, once rate, limit and pause allow a start.

        Args:
            stop: when set, the wait ends.
            deadline: when the wait ends, on the clock.

        Raises:
            NotStartedError: the wait ended first; no place is held and nothing was counted.
        """
        self._wait_for_start(_Waiter(self._lock, needs_place=True), stop, deadline)
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
                self._grant_starts()

    @contextmanager
    def count_in_flight(self) -> Iterator[None]:
        """Count a call that the vendor works on already: it has a place, even if none is free."""
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
                self._grant_starts()

    def spend_request(self, *, stop: threading.Event, deadline: float = math.inf) -> None:
        """Wait until rate and pause allow one more request, and count it.

        Raises:
            NotStartedError: as `slot`.
        """
        self._wait_for_start(_Waiter(self._lock, needs_place=False), stop, deadline)

    def pause(self, seconds: float) -> None:
        """Take note of a 429: nobody starts for so long, and the in-flight limit halves.

        Several 429s of one burst halve it once: until a start was granted after a halving,
        every further one still answers a call from before it.
        """
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock.monotonic() + seconds)
            if self._has_started_since_halving:
                self._limit = max(1, self._limit // 2)
                self._has_started_since_halving = False

    def succeeded(self) -> None:
        """Take note of a call that worked: the in-flight limit grows by one, to the maximum."""
        with self._lock:
            self._limit = min(self._max_in_flight, self._limit + 1)
            self._grant_starts()

    def _wait_for_start(self, waiter: "_Waiter", stop: threading.Event, deadline: float) -> None:
        with self._lock:
            self._waiters.append(waiter)
            try:
                while not waiter.is_granted:
                    now = self._clock.monotonic()
                    if stop.is_set() or now >= deadline:
                        raise NotStartedError("stopped" if stop.is_set() else "deadline")
                    if self._shared_rate is None:
                        self._grant_starts()
                    elif self._ask_for_shared_start(self._shared_rate):
                        continue
                    if not waiter.is_granted:
                        self._wait(waiter.condition, self._seconds_to_wait(waiter, now, deadline))
            finally:
                if not waiter.is_granted:
                    self._waiters.remove(waiter)
                if self._waiters:
                    # It keeps the time for all from now on, or asks for what others may start.
                    (self._first_allowed() or self._waiters[0]).condition.notify()

    def _ask_for_shared_start(self, shared_rate: StartRate) -> bool:
        """Ask for one start for whoever comes first; give whether to ask for the next at once."""
        if self._is_asking or self._first_allowed() is None:
            return False
        self._is_asking = True
        self._lock.release()
        try:
            seconds = shared_rate.seconds_until_start()
        finally:
            self._lock.acquire()
            self._is_asking = False
        if seconds > 0:
            self._shared_opens_at = self._clock.monotonic() + seconds
            return False
        waiter = self._first_allowed()  # none, if a pause or a stop came meanwhile
        if waiter is not None:
            self._grant(waiter)
        return True

    def _seconds_to_wait(self, waiter: "_Waiter", now: float, deadline: float) -> float:
        seconds = min(_STOP_CHECK_SECONDS, deadline - now)
        seconds_closed = self._opens_at() - now
        # One keeps the time for all; else the end of each pause wakes every thread at once.
        if waiter is self._waiters[0] and seconds_closed > 0:
            seconds = min(seconds, seconds_closed)
        return seconds

    def _opens_at(self) -> float:
        """When the next start is allowed, as far as pause and rate go."""
        is_spent = len(self._starts) == self._starts.maxlen
        return max(
            self._paused_until,
            self._shared_opens_at,
            self._starts[0] + _WINDOW_SECONDS if is_spent else -math.inf,
        )

    def _first_allowed(self) -> "_Waiter | None":
        """Who may start now, in order of arrival, as far as this process goes."""
        if self._clock.monotonic() < self._opens_at():
            return None
        has_room = self._in_flight < self._limit
        return next(
            (waiter for waiter in self._waiters if has_room or not waiter.needs_place), None
        )

    def _grant_starts(self) -> None:
        """Grant, in order of arrival, every start that is allowed now.

        With a shared rate, wake who is to ask for the first: who ends a call waits for nobody.
        """
        while (waiter := self._first_allowed()) is not None:
            if self._shared_rate is not None:
                waiter.condition.notify()
                return
            self._grant(waiter)

    def _grant(self, waiter: "_Waiter") -> None:
        self._waiters.remove(waiter)
        # At its grant, not at its end: calls under way count, and one that fails counted too.
        self._starts.append(self._clock.monotonic())
        self._in_flight += waiter.needs_place
        self._has_started_since_halving = True
        waiter.is_granted = True
        waiter.condition.notify()


class _Waiter:
    def __init__(self, lock: threading.Lock, *, needs_place: bool) -> None:
        self.condition = threading.Condition(lock)
        self.needs_place = needs_place
        self.is_granted = False
