import json
import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flux_assets.bill.caps import check_run_cap
from flux_assets.bill.daily_limit import DailyBudget, DailyLimitError
from flux_assets.clock import SYSTEM_CLOCK
from flux_assets.errors import CapExceededError, ConditionFailedError, StoreError
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore, budget_key
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.hooked_store import HookedStore

MIDNIGHT = datetime(2026, 3, 15, tzinfo=UTC)


class CalendarStore(HookedStore):
    """A store whose clock stands where a test sets it."""

    def __init__(self, root: Path) -> None:
        super().__init__(DirectoryStore(root))
        self.today = MIDNIGHT - timedelta(hours=1)

    def now(self) -> datetime:
        self.before("now", "")
        return self.today


@pytest.fixture
def store(tmp_path: Path) -> CalendarStore:
    return CalendarStore(tmp_path / "store")


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


def open_budget(
    store: ObjectStore, clock: StandingClock, *, limit: int = 10, batch: int = 4, name: str = "one"
) -> DailyBudget:
    return DailyBudget(
        store,
        daily_limit=limit,
        reservation_id=name,
        batch_size=batch,
        clock=clock,
    )


def reserved(store: ObjectStore, day: str = "2026-03-14") -> dict[str, int]:
    plain: dict[str, Any] = json.loads(store.get(budget_key(day)).data)
    counts: dict[str, int] = plain["reservations"]
    return counts


def spend_all(budget: DailyBudget) -> int:
    spent = 0
    while True:
        try:
            budget.spend()
        except DailyLimitError:
            return spent
        spent += 1


def test_no_more_than_the_limit_is_spent(store: CalendarStore, clock: StandingClock) -> None:
    assert spend_all(open_budget(store, clock, limit=10, batch=4)) == 10
    assert spend_all(open_budget(store, clock, limit=10, batch=4, name="two")) == 0


def test_a_limit_of_zero_allows_nothing_and_says_what_to_do(
    store: CalendarStore, clock: StandingClock
) -> None:
    with pytest.raises(DailyLimitError, match="FLUX_ASSETS_DAILY_IMAGE_LIMIT"):
        open_budget(store, clock, limit=0).spend()


def test_sends_are_reserved_in_batches_before_they_are_made(
    store: CalendarStore, clock: StandingClock
) -> None:
    puts: list[str] = []
    store.before = lambda operation, key: puts.append(key) if operation == "put" else None
    budget = open_budget(store, clock, limit=100, batch=4)

    for _ in range(4):
        budget.spend()
        assert reserved(store) == {"one": 4}
    budget.spend()

    assert reserved(store) == {"one": 8}
    assert len(puts) == 2


def test_what_was_not_spent_comes_back_in_the_end(
    store: CalendarStore, clock: StandingClock
) -> None:
    with open_budget(store, clock) as budget:
        budget.spend()
        budget.spend()
        budget.give_back(budget.spend())
    assert reserved(store) == {"one": 2}


def test_what_a_crash_leaves_reserved_stays_spent(
    store: CalendarStore, clock: StandingClock
) -> None:
    open_budget(store, clock, limit=10, batch=4).spend()  # and never closed

    assert spend_all(open_budget(store, clock, limit=10, batch=4, name="two")) == 6


def test_a_lowered_limit_takes_back_nothing_that_was_spent(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=5, batch=4)
    for _ in range(4):
        budget.spend()
    assert spend_all(open_budget(store, clock, limit=50, batch=40, name="two")) == 46

    assert spend_all(budget) == 0
    assert reserved(store) == {"one": 4, "two": 46}


def test_a_send_that_was_given_back_can_be_spent_again(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=1)
    day = budget.spend()
    with pytest.raises(DailyLimitError):
        budget.spend()
    with pytest.raises(DailyLimitError):
        budget.check()

    budget.give_back(day)

    budget.check()
    assert spend_all(budget) == 1


def test_a_used_up_limit_is_known_without_asking_the_store(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=0)
    budget.check()
    assert spend_all(budget) == 0
    asked: list[str] = []
    store.before = lambda operation, _key: asked.append(operation)

    with pytest.raises(DailyLimitError):
        budget.check()

    assert asked == []


# --- Races and failures -----------------------------------------------------------------------


def test_many_budgets_in_threads_never_pass_the_limit(tmp_path: Path, clock: StandingClock) -> None:
    root = tmp_path / "store"

    def spend_some(number: int) -> int:
        store = CalendarStore(root)
        with open_budget(store, clock, limit=61, batch=3, name=str(number)) as budget:
            return spend_all(budget)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(spend_some, range(12))) == 61


def test_many_threads_of_one_budget_never_pass_the_limit(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=50, batch=3)
    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(lambda _: spend_all(budget), range(12))) == 50
    assert reserved(store) == {"one": 50}


def _spend_in_a_process(root: Path, number: int) -> int:
    store = CalendarStore(root)
    with open_budget(store, StandingClock(), limit=40, batch=3, name=str(number)) as budget:
        return spend_all(budget)


@pytest.mark.slow
def test_many_processes_never_pass_the_limit(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        spent = pool.starmap(_spend_in_a_process, [(tmp_path / "store", n) for n in range(3)])
    assert sum(spent) == 40


def fail_put_after_writing(store: CalendarStore, error: StoreError) -> None:
    errors = [error]

    def after(operation: str, _key: str) -> None:
        if operation == "put" and errors:
            raise errors.pop()

    store.after = after


def test_a_reservation_that_the_client_retried_is_made_once(
    store: CalendarStore, clock: StandingClock
) -> None:
    fail_put_after_writing(store, ConditionFailedError("budget", "write", "412 to the winner"))
    budget = open_budget(store, clock, limit=10, batch=4)

    budget.spend()

    assert reserved(store) == {"one": 4}
    assert 1 + spend_all(budget) == 10


def test_a_reservation_that_was_written_though_it_failed_is_made_once(
    store: CalendarStore, clock: StandingClock
) -> None:
    fail_put_after_writing(store, StoreError("budget", "write", "timed out"))
    budget = open_budget(store, clock, limit=10, batch=4)
    with pytest.raises(StoreError, match="timed out"):
        budget.spend()

    budget.spend()

    assert reserved(store) == {"one": 4}


def test_a_store_that_cannot_take_the_rest_back_leaves_it_spent(
    store: CalendarStore, clock: StandingClock, caplog: pytest.LogCaptureFixture
) -> None:
    def before(operation: str, key: str) -> None:
        if operation == "put":
            raise StoreError(key, "write", "the disk is full")

    with open_budget(store, clock) as budget:
        budget.spend()
        store.before = before
    assert reserved(store) == {"one": 4}
    assert "the disk is full" in caplog.text


def test_a_store_where_no_conditional_write_succeeds_is_an_error(
    store: CalendarStore, clock: StandingClock
) -> None:
    def before(operation: str, key: str) -> None:
        if operation == "put":
            raise ConditionFailedError(key, "write", "always")

    store.before = before
    with pytest.raises(StoreError, match="other writers always came first"):
        open_budget(store, clock).spend()


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{}", "no spending counter"),
        (b"no JSON", "no spending counter"),
        (b'{"format": 1, "reservations": {"one": "many"}}', "no spending counter"),
        (b'{"format": 2, "reservations": {}}', "newer release"),
    ],
)
def test_a_counter_that_cannot_be_read_stops_the_spending(
    store: CalendarStore, clock: StandingClock, body: bytes, problem: str
) -> None:
    store.put(budget_key("2026-03-14"), body, content_type="application/json")
    with pytest.raises(StoreError, match=problem):
        open_budget(store, clock).spend()


# --- Days -------------------------------------------------------------------------------------


def pass_time(store: CalendarStore, clock: StandingClock, **time: float) -> None:
    store.today += timedelta(**time)
    clock.today += timedelta(**time)
    clock.sleep(timedelta(**time).total_seconds())


def test_a_new_day_of_the_store_begins_with_a_new_counter(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=10, batch=4)
    assert spend_all(budget) == 10
    pass_time(store, clock, minutes=59, seconds=59)
    assert spend_all(budget) == 0
    pass_time(store, clock, seconds=1)

    budget.check()
    assert spend_all(budget) == 10
    assert reserved(store, "2026-03-14") == {"one": 10}
    assert reserved(store, "2026-03-15") == {"one": 10}


def test_yesterdays_limit_does_not_hold_today_where_the_store_failed_at_first(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock)
    spend_all(budget)
    pass_time(store, clock, hours=1)
    fail_put_after_writing(store, StoreError("budget", "write", "timed out"))
    with pytest.raises(StoreError):
        budget.spend()

    budget.check()


def test_the_store_is_not_asked_for_the_day_with_each_send(
    store: CalendarStore, clock: StandingClock
) -> None:
    asked: list[str] = []
    store.before = lambda operation, _key: asked.append(operation)
    assert spend_all(open_budget(store, clock, limit=10, batch=10)) == 10
    assert asked.count("now") == 1


@pytest.mark.parametrize("shift", [timedelta(seconds=-2), timedelta(days=-1)])
def test_a_store_clock_behind_ours_does_not_begin_the_same_day_again(
    store: CalendarStore, clock: StandingClock, shift: timedelta
) -> None:
    budget = open_budget(store, clock, limit=10, batch=4)
    assert spend_all(budget) == 10
    pass_time(store, clock, hours=1)
    store.today += shift

    assert spend_all(budget) == 0
    assert reserved(store) == {"one": 10}


def test_a_send_of_yesterday_is_not_given_back_to_today(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=10, batch=4)
    yesterday = budget.spend()
    pass_time(store, clock, hours=1)
    budget.spend()

    budget.give_back(yesterday)

    assert spend_all(budget) == 9


def test_yesterdays_rest_is_not_returned_to_todays_counter(
    store: CalendarStore, clock: StandingClock
) -> None:
    with open_budget(store, clock) as budget:
        budget.spend()
        pass_time(store, clock, hours=2)
    assert [info.key for info in store.list("budget/")] == [budget_key("2026-03-14")]


def set_clock(store: CalendarStore, clock: StandingClock, **time: float) -> None:
    """Set the time of day of the store, and of this machine, whose folder it is."""
    store.today += timedelta(**time)
    clock.today += timedelta(**time)


def test_a_clock_that_was_ahead_allows_no_more_once_it_is_put_right(
    store: CalendarStore, clock: StandingClock
) -> None:
    set_clock(store, clock, days=400)
    assert spend_all(open_budget(store, clock, limit=10, name="ahead")) == 10
    set_clock(store, clock, days=-400)

    assert spend_all(open_budget(store, clock, limit=10, name="right")) == 0
    assert spend_all(open_budget(store, clock, limit=15, name="right")) == 5


def test_a_clock_that_is_set_back_in_a_run_allows_no_more(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=10, batch=3)
    for _ in range(4):
        budget.spend()
    set_clock(store, clock, days=-1)
    assert spend_all(budget) == 6
    assert spend_all(open_budget(store, clock, limit=10, name="other")) == 0


def test_what_was_reserved_before_a_sleep_over_midnight_is_not_spent_after_it(
    store: CalendarStore, clock: StandingClock
) -> None:
    """Each of ten processes holds a part of yesterday's limit when the machine wakes up."""
    budgets = [open_budget(store, clock, limit=100, batch=10, name=str(n)) for n in range(10)]
    for budget in budgets:
        budget.spend()
    pass_time(store, clock, hours=8)

    assert sum(map(spend_all, budgets)) == 100
    assert sum(reserved(store, "2026-03-15").values()) == 100


def test_a_clock_that_is_set_over_midnight_in_a_run_begins_the_day_at_once(
    store: CalendarStore, clock: StandingClock
) -> None:
    budget = open_budget(store, clock, limit=10, batch=8)
    budget.spend()
    set_clock(store, clock, hours=2)
    budget.spend()
    assert reserved(store, "2026-03-15") == {"one": 8}


@pytest.mark.slow
def test_three_hundred_writers_at_once_never_pass_the_limit_and_none_fails(
    tmp_path: Path, clock: StandingClock
) -> None:
    root = tmp_path / "store"
    begun = threading.Barrier(300)

    def spend_some(number: int) -> int:
        begun.wait()
        store = CalendarStore(root)
        return spend_all(open_budget(store, clock, limit=100, batch=1, name=str(number)))

    with ThreadPoolExecutor(300) as pool:
        assert sum(pool.map(spend_some, range(300))) == 100


def test_many_writers_of_a_bucket_never_pass_the_limit_and_none_fails(
    any_store: ObjectStore,
) -> None:
    def spend_some(number: int) -> int:
        budget = DailyBudget(
            any_store,
            daily_limit=8,
            reservation_id=str(number),
            batch_size=1,
            clock=SYSTEM_CLOCK,
        )
        return spend_all(budget)

    with ThreadPoolExecutor(12) as pool:
        assert sum(pool.map(spend_some, range(12))) == 8


# --- The cap of one run -----------------------------------------------------------------------


def test_a_run_over_its_cap_is_told_the_numbers_and_the_cost() -> None:
    check_run_cap(500, max_images_per_run=500, cost_usd_per_image=0.07)
    with pytest.raises(CapExceededError, match=r"501 pictures \(about 35\.07 USD\).*allows 500"):
        check_run_cap(501, max_images_per_run=500, cost_usd_per_image=0.07)
