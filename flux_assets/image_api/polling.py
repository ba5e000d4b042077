"""When to ask for the result of an asynchronous call, learned from how long calls take."""

import threading
from collections import deque
from collections.abc import Collection
from typing import NamedTuple

TYPICAL_POLLS = 1.5
"""Of one picture, on average, where latencies spread as those of resellers do."""

_REMEMBERED = 50
_READY_SHARE = 0.75
_STEP_SHARE = 0.15
_STEP_GROWTH = 1.5
_SHORTEST_STEP_SECONDS = 0.5
_NARROWEST_SECONDS = 0.001


class _ReadyBetween(NamedTuple):
    after: float
    by: float


class PollSchedule:
    """Shared by all threads of a process, since they all wait for the same vendor.

    The first poll of a call comes when three of four of the latest calls were ready, further ones
    in steps that grow. A poll tells only that a picture was ready between two moments, so each
    call counts as spread evenly between them: an early answer moves the first poll earlier, and
    not only a late one later.

    Args:
        first_guess_seconds: how long a call takes, as long as none was seen.
    """

    def __init__(self, *, first_guess_seconds: float) -> None:
        self._lock = threading.Lock()
        self._calls: deque[_ReadyBetween] = deque(maxlen=_REMEMBERED)
        self._first_poll_seconds = first_guess_seconds

    @property
    def first_poll_seconds(self) -> float:
        """From the send of a call to the first question for its result."""
        return self._first_poll_seconds

    def step_seconds(self, polls: int) -> float:
        """From one poll to the next, after so many that found nothing."""
        first_step = max(_SHORTEST_STEP_SECONDS, self._first_poll_seconds * _STEP_SHARE)
        return float(first_step * _STEP_GROWTH ** (polls - 1))

    def note_ready(self, *, after: float, by: float) -> None:
        """Take note of a picture that was not ready so many seconds after its send, then was."""
        call = _ReadyBetween(after, max(by, after + _NARROWEST_SECONDS))
        with self._lock:
            self._calls.append(call)
            self._first_poll_seconds = _time_of_share(self._calls, _READY_SHARE)


def _time_of_share(calls: Collection[_ReadyBetween], share: float) -> float:
    """When this share of the calls was ready."""
    changes = sorted(
        change
        for call in calls
        for rate in [1 / (call.by - call.after)]
        for change in ((call.after, rate), (call.by, -rate))
    )
    wanted = share * len(calls)
    reached = rate_now = time = 0.0
    for moment, change in changes:
        gained = rate_now * (moment - time)
        if reached + gained >= wanted:
            return time + (wanted - reached) / rate_now
        reached, rate_now, time = reached + gained, rate_now + change, moment
    return time


TYPICAL_LATENCY_SECONDS = 30.0
"""Half of the calls take 26 to 35 s at resellers of the same model; none was measured by us."""
