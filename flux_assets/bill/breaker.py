"""What stops a run by itself: calls and pictures that go wrong too often, and a closed door."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from flux_assets.bill.run_stop import RunStop
from flux_assets.errors import AccountError, NotSentError

WINDOW = 50
MAX_OF_A_KIND = 10
"""So many of the last `WINDOW` calls or pictures that went wrong in one way stop the run."""

MAX_FORBIDDEN = 5
"""So many different requests turned away in a row, and none answered, mean the account itself."""

_LOOK_SECONDS = 0.5

Trouble = Literal["undelivered", "damaged"]

_TROUBLE: dict[Trouble, str] = {
    "undelivered": "could not be fetched or stored",
    "damaged": "came damaged",
}


class Breaker:
    """Watches the calls and pictures of one step, for many threads.

    Args:
        stop: what is tripped.
    """

    def __init__(self, stop: RunStop) -> None:
        self._stop = stop
        self._changed = threading.Condition()
        self._unanswered: deque[bool] = deque(maxlen=WINDOW)
        self._pictures: dict[str, Trouble | None] = {}
        self._open_calls = 0
        self._in_a_row: set[str] = set()
        self._closed_door = ""
        self._turned_away: dict[str, int] = {}
        self._answers = 0

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Count a call as open; one that may meet a closed door waits for those that are.

        Raises:
            NotSentError: the run was stopped first.
        """
        with self._changed:
            while self._is_suspicious and self._open_calls and not self._stop.event.is_set():
                self._changed.wait(_LOOK_SECONDS)
            if self._stop.event.is_set():
                raise NotSentError("the run was stopped before it was sent")
            self._open_calls += 1
        try:
            yield
        finally:
            with self._changed:
                self._open_calls -= 1
                if self._is_suspicious and not self._open_calls:
                    self._trip(self._closed_door)  # before anybody who waits may look
                self._changed.notify_all()

    def note_answer(self) -> None:
        """The API has answered a call, whatever it said of it."""
        with self._changed:
            self._unanswered.append(False)
            self._in_a_row.clear()
            self._answers += 1

    def note_unknown(self) -> None:
        """A call was sent and never answered."""
        with self._changed:
            self._unanswered.append(True)
            unanswered, calls = sum(self._unanswered), len(self._unanswered)
        if unanswered >= MAX_OF_A_KIND:
            self._trip(
                f"{unanswered} of the last {calls} calls were sent and never answered; each may "
                "have been paid. See whether the API works, then start the run again."
            )

    def note_forbidden(self, fingerprint: str, error: AccountError) -> None:
        """The API's gateway turned a request away; many different ones in a row are the account's.

        While calls are open that may yet be answered, nothing is decided.
        """
        with self._changed:
            self._in_a_row.add(fingerprint)
            self._closed_door = str(error)

    def judge_forbidden(self, fingerprint: str) -> Literal["again", "own", "unclear"]:
        """What to make of a request that was turned away.

        `again`: it was the first time; a later pass knows more. `own`: again, and others were
        answered in between, so it is this request. `unclear`: again, and there was no other.
        """
        with self._changed:
            before = self._turned_away.setdefault(fingerprint, -1)
            if before < 0:
                self._turned_away[fingerprint] = self._answers
                return "again"
            return "own" if self._answers > before else "unclear"

    def note_trouble(self, fingerprint: str, trouble: Trouble, reason: str) -> None:
        """A paid picture cannot be had or kept, so far."""
        with self._changed:
            self._pictures[fingerprint] = trouble
            pictures = list(self._pictures.values())[-WINDOW:]
            bad = pictures.count(trouble)
        if bad >= MAX_OF_A_KIND:
            self._trip(
                f"{bad} of the last {len(pictures)} pictures are paid and {_TROUBLE[trouble]} (the "
                f"last one: {reason}); the next run fetches them without a call. Mend that, then "
                "start the run again."
            )

    def note_landed(self, fingerprint: str) -> None:
        """A paid picture is stored, though it may have been in trouble before."""
        with self._changed:
            self._pictures[fingerprint] = None

    @property
    def _is_suspicious(self) -> bool:
        return len(self._in_a_row) >= MAX_FORBIDDEN

    def _trip(self, reason: str) -> None:
        if not self._stop.event.is_set():
            self._stop.trip(reason)
