import heapq
import math
import random
from collections.abc import Callable
from statistics import mean, median

import pytest

from flux_assets.image_api.polling import TYPICAL_POLLS, PollSchedule

Latency = Callable[[random.Random], float]


def reseller_latency(rng: random.Random) -> float:
    """Half of the calls take up to 30 s, one of twenty 60 s or more."""
    return 30 * math.exp(rng.gauss(0, 0.42))


def polls_and_waits(
    schedule: PollSchedule, latency: Latency, *, calls: int, at_once: int
) -> list[tuple[int, float, float]]:
    """How often each call was asked for, how long it took, and when that was known."""
    rng = random.Random(7)  # noqa: S311 - a deterministic spread, not a secret
    found: list[tuple[int, float, float]] = []
    # The next poll of each call: its time, then the call's send, latency, polls, last in vain.
    under_way: list[tuple[float, float, float, int, float]] = []

    def send(now: float) -> None:
        seconds = latency(rng)
        heapq.heappush(under_way, (now + schedule.first_poll_seconds, now, seconds, 1, 0.0))

    for number in range(at_once):
        send(number / 3)
    while len(found) < calls:
        now, sent_at, seconds, polls, in_vain = heapq.heappop(under_way)
        if now - sent_at < seconds:
            again = now + schedule.step_seconds(polls)
            heapq.heappush(under_way, (again, sent_at, seconds, polls + 1, now - sent_at))
            continue
        schedule.note_ready(after=in_vain, by=now - sent_at)
        found.append((polls, seconds, now - sent_at))
        send(now)
    return found


@pytest.mark.parametrize("at_once", [1, 8, 96])
@pytest.mark.parametrize(
    "latency",
    [
        reseller_latency,
        lambda _rng: 29.0,
        lambda _rng: 31.0,
        lambda rng: rng.uniform(26, 35),
        lambda rng: rng.uniform(4, 8),
        lambda rng: rng.uniform(60, 120),
    ],
)
def test_a_picture_takes_few_polls_however_long_and_however_many_at_once(
    latency: Latency, at_once: int
) -> None:
    schedule = PollSchedule(first_guess_seconds=30)
    found = polls_and_waits(schedule, latency, calls=1_500, at_once=at_once)
    assert median(polls for polls, _, _ in found) <= 3
    settled = found[-500:]
    assert median(polls for polls, _, _ in settled) <= 2
    assert mean(polls for polls, _, _ in settled) <= 2.2
    latencies = mean(seconds for _, seconds, _ in settled)
    assert mean(known - seconds for _, seconds, known in settled) <= 0.45 * latencies


def test_the_number_for_estimates_is_that_of_reseller_latencies() -> None:
    schedule = PollSchedule(first_guess_seconds=30)
    found = polls_and_waits(schedule, reseller_latency, calls=2_000, at_once=96)
    assert mean(polls for polls, _, _ in found) == pytest.approx(TYPICAL_POLLS, abs=0.15)


def test_without_experience_the_first_guess_decides() -> None:
    assert PollSchedule(first_guess_seconds=12).first_poll_seconds == 12


def test_answers_that_all_come_early_move_the_first_poll_earlier() -> None:
    schedule = PollSchedule(first_guess_seconds=30)
    found = polls_and_waits(schedule, lambda _rng: 5.0, calls=200, at_once=4)
    assert found[0][2] == 30
    assert 4 <= schedule.first_poll_seconds <= 8


def test_a_slower_vendor_is_noticed() -> None:
    schedule = PollSchedule(first_guess_seconds=30)
    polls_and_waits(schedule, lambda _rng: 10.0, calls=100, at_once=4)
    found = polls_and_waits(schedule, lambda _rng: 60.0, calls=100, at_once=4)
    assert median(polls for polls, _, _ in found[-50:]) <= 2


def test_steps_grow_so_that_a_late_picture_is_not_asked_for_without_end() -> None:
    schedule = PollSchedule(first_guess_seconds=30)
    steps = [schedule.step_seconds(polls) for polls in (1, 2, 3)]
    assert steps == [4.5, 6.75, 10.125]
    assert PollSchedule(first_guess_seconds=0).step_seconds(1) == 0.5


def test_a_picture_that_is_there_at_once_is_no_division_by_zero() -> None:
    schedule = PollSchedule(first_guess_seconds=0)
    schedule.note_ready(after=0, by=0)
    assert schedule.first_poll_seconds < 0.01
