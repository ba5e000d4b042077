"""The day's limit: sends in a UTC day, over all runs, shops and machines."""

import json
import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Self

from flux_assets.clock import Clock
from flux_assets.errors import (
    FluxAssetsError,
    StoreError,
)
from flux_assets.storage.change_object import change_object
from flux_assets.storage.object_store import BUDGET_PREFIX, ObjectBody, ObjectStore, budget_key
from flux_assets.storage.stored_json import read_stored_json

FORMAT = 1
_MAX_WRITE_TRIES = 500
"""Every lost race is another writer's success, so that many tries mean a broken store."""

_CLOCK_STEP = timedelta(seconds=5)
"""When this machine's time of day moves by more than this against its clock, it was set."""

_log = logging.getLogger(__name__)


class DailyLimitError(FluxAssetsError):
    """The day's limit is spent; nothing was sent."""

    def __init__(self, limit: int, day: str) -> None:
        super().__init__(
            f"the daily limit of {limit} sends is spent for {day} (UTC); the rest waits for "
            "tomorrow, or raise FLUX_ASSETS_DAILY_IMAGE_LIMIT"
        )
        self.limit = limit
        self.day = day


class DailyBudget:
    """This process's share of the day's sends, reserved in batches from a shared counter.

    The counter is one object a day, `{reservation_id: reserved}`. Only its owner changes a
    reservation, and to an absolute number, so that a retried write reserves once. The day is
    the store's; counters of later days, which a clock that was ahead has left, count as well.
    What a crash leaves reserved stays spent.

    Args:
        store: the root that all shops share.
        daily_limit: sends of all runs and machines in one UTC day.
        reservation_id: unique to this object.
        batch_size: reserved ahead, to keep writes rare.
        clock: time, to know when the store's day ends without asking each time.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        daily_limit: int,
        reservation_id: str,
        batch_size: int,
        clock: Clock,
    ) -> None:
        self._store = store
        self._daily_limit = daily_limit
        self._reservation_id = reservation_id
        self._batch_size = batch_size
        self._clock = clock
        self._lock = threading.Lock()
        self._day = ""
        self._day_ends_at = float("-inf")
        self._time_set = self._measure_time()
        self._later_days: tuple[str, ...] = ()
        self._reserved = 0
        self._spent = 0
        self._is_used_up = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def check(self) -> None:
        """Spare the caller the wait for a place in flight where the limit is known to be used up.

        Raises:
            DailyLimitError: as an earlier `spend` of this day.
        """
        with self._lock:
            if self._is_used_up and self._is_same_day():
                raise DailyLimitError(self._daily_limit, self._day)

    def spend(self) -> str:
        """Take one send out of the day's limit; gives the day, to give it back with.

        Raises:
            DailyLimitError: nothing is left; the call must not be made.
        """
        with self._lock:
            if not self._is_same_day():
                self._begin_day()
            if self._spent >= self._reserved:
                self._reserve_more()
            self._spent += 1
            return self._day

    def give_back(self, day: str) -> None:
        """Undo one `spend` whose call was never made; a day that is over keeps it."""
        with self._lock:
            if day == self._day:
                self._spent -= 1
                self._is_used_up = False

    def close(self) -> None:
        """Return what was reserved and not spent; if that fails, it stays spent."""
        with self._lock:
            if self._reserved > self._spent:
                try:
                    self._change_reservation(lambda _others: self._spent)
                except StoreError as error:
                    _log.warning("reserved sends could not be returned: %s", error)

    def _is_same_day(self) -> bool:
        """Whether no midnight has passed, and nobody has set this machine's time meanwhile."""
        is_set = abs(self._measure_time() - self._time_set) > _CLOCK_STEP
        return not is_set and self._clock.monotonic() < self._day_ends_at

    def _measure_time(self) -> timedelta:
        """This machine's time of day against its clock, which nobody sets."""
        since = timedelta(seconds=self._clock.monotonic())
        return self._clock.utc_now() - datetime.min.replace(tzinfo=UTC) - since

    def _begin_day(self) -> None:
        """Ask the store for its day, which may still be the same: clocks run differently."""
        asked_at = self._clock.monotonic()
        now = self._store.now()
        midnight = datetime(now.year, now.month, now.day, tzinfo=now.tzinfo) + timedelta(days=1)
        day = now.strftime("%Y-%m-%d")
        self._day_ends_at = asked_at + (midnight - now).total_seconds()
        self._time_set = self._measure_time()
        if day > self._day:
            self._day = day
            self._reserved = self._spent = 0
            self._is_used_up = False
            known = self._store.list_keys(BUDGET_PREFIX)
            self._later_days = tuple(key for key in known if key > budget_key(day))

    def _reserve_more(self) -> None:
        self._change_reservation(
            lambda others: min(self._reserved + self._batch_size, self._daily_limit - others)
        )
        self._is_used_up = self._reserved <= self._spent
        if self._is_used_up:
            raise DailyLimitError(self._daily_limit, self._day)

    def _count_later(self) -> int:
        """What was reserved while the store's clock was ahead: it may have been spent today."""
        return sum(
            sum(_read_reservations(self._store.get(key), self._store.uri_for(key)).values())
            for key in self._later_days
        )

    def _change_reservation(self, decide: Callable[[int], int]) -> None:
        """Set this reservation to what `decide` says, given the sum of all others."""
        key = budget_key(self._day)
        uri = self._store.uri_for(key)
        later = self._count_later()
        mine = 0

        def reserve(found: ObjectBody | None) -> bytes | None:
            nonlocal mine
            reservations = _read_reservations(found, uri)
            known = reservations.get(self._reservation_id, 0)
            mine = max(decide(sum(reservations.values()) - known + later), self._spent)
            if mine == known and found is not None:
                return None
            body = {"format": FORMAT, "reservations": reservations | {self._reservation_id: mine}}
            return json.dumps(body, indent=1, sort_keys=True).encode()

        change_object(
            self._store,
            key,
            reserve,
            content_type="application/json",
            tries=_MAX_WRITE_TRIES,
            sleep=self._clock.sleep,
        )
        self._reserved = mine


def _read_reservations(found: ObjectBody | None, uri: str) -> dict[str, int]:
    if found is None:
        return {}
    return read_stored_json(
        found.data,
        uri,
        lambda plain: {str(name): int(count) for name, count in plain["reservations"].items()},
        kind="spending counter",
        remedy="until it is restored or deleted, nothing can be bought on this day",
        newest_format=FORMAT,
    )
