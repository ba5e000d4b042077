"""What all processes of one account send together, and what becomes of a run without it."""

import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from flux_assets.errors import SettingsError
from flux_assets.image_api.pace import NotStartedError, Pace
from flux_assets.image_api.shared_rate import (
    PATIENCE_SECONDS,
    SharedRate,
    SharedRateError,
    account_of,
    open_shared_rate,
)
from flux_assets_tests.fixtures.clocks import ReadClock, StandingClock
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import build_bench, build_ledger
from flux_assets_tests.fixtures.redis_server import free_port
from flux_assets_tests.fixtures.simulators import StartSimulator

NEVER = threading.Event()
ORIGIN = "https://api.example"


class WindowLostError(Exception):
    """The fake window is out of reach."""


class FakeWindow:
    """Gives so many starts, then closes for 20 seconds; or cannot be reached."""

    def __init__(self, starts: int = 0) -> None:
        self.starts = starts
        self.is_lost = False
        self.offset_seconds = 0.0
        self.asked = 0

    def clock_offset_seconds(self) -> float:
        self._reach()
        return self.offset_seconds

    def hit(self) -> bool:
        self._reach()
        self.starts -= 1
        return self.starts >= 0

    def opens_in_seconds(self) -> float:
        self._reach()
        return 20.0

    def _reach(self) -> None:
        self.asked += 1
        if self.is_lost:
            raise WindowLostError("no route to redis")


def make_rate(window: FakeWindow, clock: StandingClock | None = None) -> SharedRate:
    return SharedRate(window, failures=WindowLostError, clock=clock or StandingClock())


# --- One window ---------------------------------------------------------------------------------


def test_a_start_is_taken_at_once_or_asked_for_again_when_the_window_opens() -> None:
    rate = make_rate(FakeWindow(starts=1))
    assert (rate.seconds_until_start(), rate.seconds_until_start()) == (0.0, 20.0)


def test_a_window_that_is_out_of_reach_for_a_while_grants_nothing_and_stops_nothing() -> None:
    window, clock = FakeWindow(starts=9), StandingClock()
    rate = make_rate(window, clock)
    window.is_lost = True
    for _ in range(2):
        assert rate.seconds_until_start() > 0
        clock.now += PATIENCE_SECONDS - 1
        window.is_lost = False
        assert rate.seconds_until_start() == 0  # and the patience begins anew
        window.is_lost = True


def test_a_window_that_stays_out_of_reach_is_an_error_that_says_what_to_do() -> None:
    window, clock = FakeWindow(starts=9), StandingClock()
    window.is_lost = True
    rate = make_rate(window, clock)
    rate.seconds_until_start()
    clock.now += PATIENCE_SECONDS
    with pytest.raises(SharedRateError, match=r"nothing was sent: FLUX_ASSETS_RATE_LIMITER.*runs"):
        rate.seconds_until_start()
    assert window.starts == 9


@pytest.mark.parametrize(("offset", "side"), [(40.0, "behind"), (-40.0, "ahead of")])
def test_a_machine_whose_clock_is_wrong_sends_nothing(offset: float, side: str) -> None:
    """The window's entries carry the clock of who made them."""
    window = FakeWindow(starts=9)
    window.offset_seconds = offset
    with pytest.raises(SharedRateError, match=rf"40\.0 s {side} Redis"):
        make_rate(window).seconds_until_start()
    assert window.starts == 9


# --- A process's own rules beside it ------------------------------------------------------------


class ScriptedRate:
    """Answers as it is told, each time; the last answer stays."""

    def __init__(self, *answers: float | NotStartedError) -> None:
        self.answers = list(answers)
        self.granted = 0

    def seconds_until_start(self) -> float:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, NotStartedError):
            raise answer
        self.granted += answer == 0
        return answer


def test_every_start_is_one_of_all_processes_too() -> None:
    rate = ScriptedRate(0.0)
    pace = Pace(max_in_flight=2, requests_per_minute=100, shared_rate=rate)
    for _ in range(3):
        with pace.slot(stop=NEVER):
            pace.spend_request(stop=NEVER)
    assert rate.granted == 6


def test_where_the_processes_own_rate_is_spent_nobody_else_is_asked() -> None:
    rate = ScriptedRate(0.0)
    pace = Pace(max_in_flight=2, requests_per_minute=1, shared_rate=rate)
    pace.spend_request(stop=NEVER)
    with pytest.raises(NotStartedError):
        pace.spend_request(stop=NEVER, deadline=time.monotonic() + 0.01)
    assert rate.granted == 1


def test_a_start_waits_until_all_processes_have_one_left() -> None:
    now = [1000.0]

    def wait(condition: threading.Condition, seconds: float) -> None:
        del condition
        now[0] += seconds

    pace = Pace(
        max_in_flight=2,
        requests_per_minute=100,
        shared_rate=ScriptedRate(20.0, 0.0),
        clock=ReadClock(lambda: now[0]),
        wait=wait,
    )
    with pace.slot(stop=NEVER):
        assert now[0] == 1020.0


def test_without_an_answer_nothing_starts_and_the_next_asks_again() -> None:
    pace = Pace(
        max_in_flight=1,
        requests_per_minute=100,
        shared_rate=ScriptedRate(SharedRateError("gone"), 0.0),
    )
    with pytest.raises(SharedRateError), pace.slot(stop=NEVER):
        pytest.fail("nobody knows what the others send")
    assert pace.in_flight == 0
    with pace.slot(stop=NEVER):
        assert pace.in_flight == 1


class SlowRate:
    """An answer that does not come until it is let go."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self.may_answer = threading.Event()
        self._lock = threading.Lock()

    def seconds_until_start(self) -> float:
        assert self._lock.acquire(blocking=False), "two threads ask at once"
        try:
            self.is_asked.set()
            assert self.may_answer.wait(60)
        finally:
            self._lock.release()
        return 0.0


@pytest.fixture
def slow_rate() -> Iterator[SlowRate]:
    rate = SlowRate()
    yield rate
    rate.may_answer.set()


def test_an_answer_that_is_long_in_coming_holds_up_nobody_but_who_wants_to_start(
    slow_rate: SlowRate,
) -> None:
    pace = Pace(max_in_flight=4, requests_per_minute=100, shared_rate=slow_rate)

    def call() -> None:
        with pace.slot(stop=NEVER):
            pass

    with ThreadPoolExecutor(4) as threads:
        calls = [threads.submit(call) for _ in range(4)]
        assert slow_rate.is_asked.wait(60)
        with pace.count_in_flight():
            pace.succeeded()
            pace.pause(0)
        stopped = threading.Event()
        stopped.set()
        with pytest.raises(NotStartedError) as caught:
            pace.spend_request(stop=stopped)
        assert caught.value.reason == "stopped"
        slow_rate.may_answer.set()
        for each in calls:
            each.result(timeout=60)
    assert pace.in_flight == 0


def test_fifty_threads_all_start_once_each_and_in_flight_stays_within_its_limit() -> None:
    rate = ScriptedRate(0.0)
    pace = Pace(max_in_flight=5, requests_per_minute=100_000, shared_rate=rate)
    most = []

    def call(_: int) -> None:
        with pace.slot(stop=NEVER):
            most.append(pace.in_flight)
            pace.spend_request(stop=NEVER)
        pace.succeeded()

    with ThreadPoolExecutor(50) as threads:
        list(threads.map(call, range(500)))
    assert (rate.granted, len(most), pace.in_flight) == (1000, 500, 0)
    assert max(most) <= 5


def test_a_run_that_cannot_ask_stops_before_anything_is_claimed_or_sent(
    tmp_path: Path, start_simulator: StartSimulator
) -> None:
    bench = build_bench(tmp_path, start_simulator)
    run = bench.open(shared_rate=ScriptedRate(SharedRateError("no route to redis")))
    outcomes = [run.obtain(build_request(product_id)) for product_id in ("mug", "cup")]

    assert [(item.kind, item.calls) for item in outcomes] == [("not_attempted", 0)] * 2
    assert all("no route to redis" in item.reason for item in outcomes)
    assert "no route to redis" in bench.open().stop.reason()  # in all its shards
    assert build_ledger(bench.store).read(build_request("mug").fingerprint) is None
    assert bench.simulator.state.read_bill() == []


# --- A real Redis -------------------------------------------------------------------------------


def open_rate(url: str, key: str, *, origin: str = ORIGIN, per_minute: int = 10) -> SharedRate:
    rate = open_shared_rate(
        SecretStr(url), origin=origin, api_key=SecretStr(key), requests_per_minute=per_minute
    )
    assert rate is not None
    return rate


def test_two_processes_of_an_account_share_its_minute(redis_url: str) -> None:
    key = uuid4().hex
    both = [open_rate(redis_url, key), open_rate(redis_url, key)]
    granted = [rate.seconds_until_start() == 0 for _ in range(20) for rate in both]
    assert sum(granted) == 10
    assert all(granted[:10])
    assert 0 < both[0].seconds_until_start() <= 63


def test_two_accounts_do_not_share(redis_url: str) -> None:
    rates = [
        open_rate(redis_url, uuid4().hex, per_minute=1),
        open_rate(redis_url, uuid4().hex, per_minute=1),
    ]
    assert [rate.seconds_until_start() for rate in rates] == [0, 0]


def test_the_accounts_name_is_of_origin_and_key_and_shows_neither() -> None:
    key = SecretStr("invented-key")
    name = account_of("https://api.example/", key)
    assert name == account_of("https://api.example", key)
    assert name != account_of("https://other.example", key)
    assert name != account_of("https://api.example", SecretStr("another-key"))
    assert "invented" not in name


def test_where_no_redis_answers_nothing_is_granted() -> None:
    rate = open_rate(f"redis://:invented-word@127.0.0.1:{free_port()}/1", "key")
    assert rate.seconds_until_start() > 0


def test_the_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "limits.strategies", None)
    with pytest.raises(SettingsError, match=r"pip install 'flux-assets\[celery\]'") as caught:
        open_rate("redis://127.0.0.1", "key")
    assert caught.value.variable == "FLUX_ASSETS_RATE_LIMITER"
