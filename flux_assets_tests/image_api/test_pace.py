import threading
from bisect import bisect_left
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from flux_assets.image_api.pace import NotStartedError, Pace
from flux_assets_tests.fixtures.clocks import ReadClock

NEVER = threading.Event()


class Time:
    """A clock that moves only while somebody waits; `at` plans what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits = 0
        self._planned: list[tuple[float, Callable[[], object]]] = []

    def clock(self) -> float:
        return self.now

    def at(self, seconds: float, act: Callable[[], object]) -> None:
        self._planned.append((seconds, act))
        self._planned.sort(key=lambda planned: planned[0])

    def wait(self, condition: threading.Condition, seconds: float) -> None:
        assert seconds > 0
        self.waits += 1
        assert self.waits < 10_000, "the wait has no end"
        until = self.now + seconds
        condition.release()  # as a real wait does
        while self._planned and self._planned[0][0] <= until:
            self.now, act = self._planned.pop(0)
            act()
        condition.acquire()
        self.now = max(self.now, until)


@pytest.fixture
def time() -> Time:
    return Time()


def make_pace(time: Time, *, max_in_flight: int = 8, requests_per_minute: int = 1000) -> Pace:
    return Pace(
        max_in_flight=max_in_flight,
        requests_per_minute=requests_per_minute,
        clock=ReadClock(time.clock),
        wait=time.wait,
    )


def start_times(time: Time, pace: Pace, count: int) -> list[float]:
    starts = []
    for _ in range(count):
        with pace.slot(stop=NEVER):
            starts.append(time.now)
    return starts


def test_no_window_of_60_seconds_has_more_starts_than_the_limit(time: Time) -> None:
    pace = make_pace(time, requests_per_minute=5)
    starts = []
    for number in range(40):
        time.now += (number * 7) % 11
        if number % 3:
            starts += start_times(time, pace, 1)
        else:
            pace.spend_request(stop=NEVER)
            starts.append(time.now)
    for start in starts:
        assert bisect_left(starts, start + 60) - bisect_left(starts, start) <= 5


def test_starts_wait_no_longer_than_the_rate_demands(time: Time) -> None:
    pace = make_pace(time, requests_per_minute=2)
    assert start_times(time, pace, 6) == [1000, 1000, 1060, 1060, 1120, 1120]


def test_a_place_is_waited_for_until_one_is_given_back(time: Time) -> None:
    pace = make_pace(time, max_in_flight=2)
    held = ExitStack()
    held.enter_context(pace.slot(stop=NEVER))
    with pace.slot(stop=NEVER):
        seen = []

        def give_back() -> None:
            held.close()
            seen.append(pace.in_flight)

        time.at(1012.25, give_back)
        with pace.slot(stop=NEVER):
            assert time.now >= 1012.25
        assert seen == [2]  # it went to the next without delay
    assert pace.in_flight == 0


def test_a_place_is_given_back_when_the_call_fails(time: Time) -> None:
    pace = make_pace(time, max_in_flight=1)
    with pytest.raises(ZeroDivisionError), pace.slot(stop=NEVER):
        raise ZeroDivisionError
    assert pace.in_flight == 0


def test_a_call_that_is_under_way_already_has_a_place_beyond_the_limit(time: Time) -> None:
    pace = make_pace(time, max_in_flight=1)
    with pace.slot(stop=NEVER):
        with pace.count_in_flight():
            assert pace.in_flight == 2
        assert pace.in_flight == 1
    with pace.count_in_flight():
        with pytest.raises(NotStartedError), pace.slot(stop=NEVER, deadline=time.now + 5):
            pass
        pace.spend_request(stop=NEVER)
    assert pace.in_flight == 0


def test_a_pause_holds_every_start_and_every_poll(time: Time) -> None:
    pace = make_pace(time)
    pace.pause(26)
    assert start_times(time, pace, 1) == [1026]
    pace.pause(4)
    pace.spend_request(stop=NEVER)
    assert time.now == 1030


def test_a_shorter_pause_does_not_end_a_longer_one(time: Time) -> None:
    pace = make_pace(time)
    pace.pause(26)
    pace.pause(3)
    assert start_times(time, pace, 1) == [1026]


def test_a_pause_that_comes_while_waiting_is_kept_too(time: Time) -> None:
    pace = make_pace(time)
    pace.pause(10)
    time.at(1009.9, lambda: pace.pause(10))
    (start,) = start_times(time, pace, 1)
    assert start == pytest.approx(1019.9)


def test_a_burst_of_429s_halves_the_limit_once(time: Time) -> None:
    pace = make_pace(time, max_in_flight=8)
    for _ in range(5):
        pace.pause(1)
    time.now += 5  # a straggler of the burst, after the pause
    pace.pause(1)
    assert pace.in_flight_limit == 4


def test_each_later_429_halves_the_limit_again_down_to_one(time: Time) -> None:
    pace = make_pace(time, max_in_flight=8)
    limits = []
    for _ in range(5):
        pace.pause(1)
        limits.append(pace.in_flight_limit)
        start_times(time, pace, 1)
    assert limits == [4, 2, 1, 1, 1]


def test_successes_grow_the_limit_back_to_the_maximum_one_by_one(time: Time) -> None:
    pace = make_pace(time, max_in_flight=4)
    pace.pause(1)
    limits = []
    for _ in range(4):
        pace.succeeded()
        limits.append(pace.in_flight_limit)
    assert limits == [3, 4, 4, 4]


def test_the_halved_limit_holds_back_starts_until_a_success(time: Time) -> None:
    pace = make_pace(time, max_in_flight=2)
    with pace.slot(stop=NEVER):
        pace.pause(5)
        seen = []

        def succeed() -> None:
            pace.succeeded()
            seen.append(pace.in_flight)

        time.at(1040, succeed)
        with pace.slot(stop=NEVER):
            assert time.now >= 1040
        assert seen == [2]


def test_a_stop_while_waiting_gives_up_without_a_place(time: Time) -> None:
    pace = make_pace(time, max_in_flight=1)
    stop = threading.Event()
    time.at(1003, stop.set)
    with pace.slot(stop=NEVER):
        with pytest.raises(NotStartedError) as caught, pace.slot(stop=stop):
            pytest.fail("there was no place")
        assert pace.in_flight == 1
    assert caught.value.reason == "stopped"
    assert 1003 <= time.now <= 1003.5
    assert start_times(time, pace, 1) == [time.now]  # who gave up stands in nobody's way


def test_after_a_stop_nothing_starts_even_where_there_is_room(time: Time) -> None:
    pace = make_pace(time)
    stop = threading.Event()
    stop.set()
    with pytest.raises(NotStartedError), pace.slot(stop=stop):
        pytest.fail("the run stops")
    with pytest.raises(NotStartedError):
        pace.spend_request(stop=stop)


def test_the_deadline_ends_the_wait_and_costs_no_start(time: Time) -> None:
    pace = make_pace(time, requests_per_minute=1)
    pace.spend_request(stop=NEVER)
    with pytest.raises(NotStartedError) as caught:
        pace.spend_request(stop=NEVER, deadline=1007.25)
    assert caught.value.reason == "deadline"
    assert time.now == 1007.25
    assert start_times(time, pace, 1) == [1060]


def test_a_caller_that_holds_a_place_can_poll_while_others_wait_for_one(time: Time) -> None:
    pace = make_pace(time, max_in_flight=1)
    order = []
    holding = ExitStack()
    holding.enter_context(pace.slot(stop=NEVER))

    def poll_then_finish() -> None:
        pace.spend_request(stop=NEVER)
        order.append("poll")
        holding.close()

    time.at(1001, poll_then_finish)
    with pace.slot(stop=NEVER):
        order.append("call")
    assert order == ["poll", "call"]


def test_waiting_wakes_up_a_few_times_a_second_at_most(time: Time) -> None:
    pace = make_pace(time)
    pace.pause(60)
    start_times(time, pace, 1)
    assert time.waits <= 121


def test_a_place_goes_to_who_came_first(time: Time) -> None:
    pace = make_pace(time, max_in_flight=1)
    holding = ExitStack()
    holding.enter_context(pace.slot(stop=NEVER))

    def come_second() -> None:
        time.at(1002, holding.close)
        with pytest.raises(NotStartedError), pace.slot(stop=NEVER, deadline=1010):
            pytest.fail("the first still waits")

    time.at(1001, come_second)
    with pace.slot(stop=NEVER):
        assert pace.in_flight == 1


def test_nothing_overtakes_a_call_that_waits_for_the_rate_alone(time: Time) -> None:
    pace = make_pace(time, requests_per_minute=1)
    pace.spend_request(stop=NEVER)

    def come_second() -> None:
        with pytest.raises(NotStartedError):
            pace.spend_request(stop=NEVER, deadline=1070)

    time.at(1001, come_second)
    with pace.slot(stop=NEVER):
        assert pace.in_flight == 1


def test_a_hundred_threads_all_finish_and_never_exceed_the_limit() -> None:
    pace = Pace(max_in_flight=7, requests_per_minute=100_000)
    most_seen = []
    inside = set()
    lock = threading.Lock()

    def call(number: int) -> None:
        for _ in range(20):
            with pace.slot(stop=NEVER):
                with lock:
                    inside.add(number)
                    most_seen.append(len(inside))
                pace.spend_request(stop=NEVER)
                if number % 25 == 0:
                    pace.pause(0.001)
                with lock:
                    inside.discard(number)
            pace.succeeded()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    assert len(most_seen) == 2000
    assert max(most_seen) <= 7
    assert pace.in_flight == 0
