"""Python's collections of all garbage at once, put off where a step or a command builds much."""

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

_NEVER = 2**31 - 1


@dataclass(slots=True)
class _PuttingOff:
    """How many blocks want them put off now, and the process's own thresholds."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    blocks: int = 0
    thresholds: tuple[int, int, int] = (0, 0, 0)


_state = _PuttingOff()


@contextmanager
def put_off_full_collections() -> Iterator[None]:
    """Within the block, garbage that forms cycles is looked for among young objects only.

    A full collection goes over all objects there are, and one begins whenever there are a quarter
    more: up to a third of the time in which a large catalog becomes objects, and it finds nothing.
    """
    with _state.lock:
        if not _state.blocks:
            _state.thresholds = gc.get_threshold()
            young, middle, _ = _state.thresholds
            gc.set_threshold(young, middle, _NEVER)
        _state.blocks += 1
    try:
        yield
    finally:
        with _state.lock:
            _state.blocks -= 1
            if not _state.blocks:
                gc.set_threshold(*_state.thresholds)
