"""How long the API could not be reached at all; then the run stops instead of trying on."""

import threading

from flux_assets.bill.run_stop import RunStop
from flux_assets.clock import Clock
from flux_assets.errors import NoConnectionError

GIVE_UP_AFTER_SECONDS = 30.0
"""A blip is over by then; where the network is gone, each further request would wait in vain."""


class Reachability:
    """Shared by all threads of a step that call one account."""

    def __init__(self, stop: RunStop, clock: Clock) -> None:
        self._stop = stop
        self._clock = clock
        self._lock = threading.Lock()
        self._gone_since: float | None = None

    def note_answer(self) -> None:
        """A connection was made, whatever came of it."""
        with self._lock:
            self._gone_since = None

    def note_no_connection(self, error: NoConnectionError) -> None:
        """None was made; where that lasts, the run stops with the reason."""
        now = self._clock.monotonic()
        with self._lock:
            if self._gone_since is None:
                self._gone_since = now
            seconds = now - self._gone_since
        if seconds >= GIVE_UP_AFTER_SECONDS and not self._stop.event.is_set():
            self._stop.trip(
                f"the API could not be reached for {seconds:.0f} s, and nothing was sent "
                f"meanwhile: {error}. Then start the run again."
            )
