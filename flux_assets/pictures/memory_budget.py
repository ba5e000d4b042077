"""How much is held in memory at once, of what tells its size before it is there.

A picture's header tells its pixels, and a reply's how many bytes follow. However many pictures are
under way, so many are unpacked as their budget has room for, and so many files are downloaded.
"""

import math
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from flux_assets.settings import Settings

BYTES_A_PIXEL = 4
"""Of a picture that is unpacked, as Pillow has it."""


@dataclass(slots=True, eq=False)
class _Turn:
    amount: float
    has_come: threading.Event = field(default_factory=threading.Event)


class MemoryBudget:
    """Shares an amount, of pixels or of bytes, among threads in the order in which they came.

    Nobody overtakes, so what is large is not kept waiting by what is small; what is larger than the
    budget waits until it is alone. Whoever holds a part of it must not ask for another.
    """

    def __init__(self, amount: float) -> None:
        self.amount = amount
        self._free = amount
        self._waiting: deque[_Turn] = deque()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, amount: float) -> Iterator[None]:
        """Wait until so much is free; it is again afterwards."""
        turn = _Turn(min(amount, self.amount))
        with self._lock:
            self._waiting.append(turn)
            self._admit()
        try:
            turn.has_come.wait()
            yield
        finally:
            with self._lock:
                if turn.has_come.is_set():
                    self._free += turn.amount
                else:  # interrupted as it waited
                    self._waiting.remove(turn)
                self._admit()

    def _admit(self) -> None:
        while self._waiting and self._waiting[0].amount <= self._free:
            turn = self._waiting.popleft()
            self._free -= turn.amount
            turn.has_come.set()


ENDLESS = MemoryBudget(math.inf)
"""For who holds few pictures at a time."""


def open_pixel_budget(settings: Settings) -> MemoryBudget:
    """The pixels that the settings allow one step to unpack at once."""
    return MemoryBudget(settings.max_decoded_megapixels * 1_000_000)
