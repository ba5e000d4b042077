"""Which signal told a command to end, also where Dagster took it."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ENDING = (signal.SIGINT, signal.SIGTERM)

FindSignal = Callable[[], int | None]


@contextmanager
def note_signals() -> Iterator[FindSignal]:
    """Within the block, SIGINT and SIGTERM raise KeyboardInterrupt; gives what tells which came.

    A run has handlers of its own that do not tell the two apart. The pipe that Python writes each
    signal's number to is told of them all the same.
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    seen: list[int] = []

    def find() -> int | None:
        with suppress(BlockingIOError):
            seen.extend(number for number in os.read(reader, 64) if number in ENDING)
        return seen[0] if seen else None

    # A script starts what it puts into the background deaf to SIGINT, and Dagster then to both.
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in ENDING}
    earlier = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    try:
        yield find
    finally:
        signal.set_wakeup_fd(earlier)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(reader)
        os.close(writer)
