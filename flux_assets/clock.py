"""Time, as it is passed to whatever waits or notes when: no test sleeps."""

import time
from datetime import UTC, datetime
from typing import Protocol

_COUNTS_SLEEP = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux stops its usual clock while the machine is suspended; macOS does not."""


class Clock(Protocol):
    """What the code asks of time."""

    def monotonic(self) -> float:
        """Seconds since some moment, which never go back."""

    def sleep(self, seconds: float) -> None:
        """Return so many seconds later."""

    def utc_now(self) -> datetime:
        """The time of day on this machine, aware, in UTC."""


class SystemClock:
    """This machine's own."""

    def monotonic(self) -> float:
        """Seconds since some moment, which never go back; a suspended machine's count, too."""
        return time.clock_gettime(_COUNTS_SLEEP)

    def sleep(self, seconds: float) -> None:
        """Return so many seconds later."""
        time.sleep(seconds)

    def utc_now(self) -> datetime:
        """The time of day on this machine, aware, in UTC."""
        return datetime.now(UTC)


SYSTEM_CLOCK = SystemClock()
