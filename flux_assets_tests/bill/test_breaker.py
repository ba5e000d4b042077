from pathlib import Path

import pytest

from flux_assets.bill.breaker import MAX_FORBIDDEN, MAX_OF_A_KIND, WINDOW, Breaker
from flux_assets.bill.run_stop import RunStop
from flux_assets.errors import AccountError
from flux_assets.storage.directory import DirectoryStore

FORBIDDEN = AccountError("gateway_forbidden", "check network and proxy")


@pytest.fixture
def stop(tmp_path: Path) -> RunStop:
    return RunStop(DirectoryStore(tmp_path / "store"), "run-1")


@pytest.fixture
def breaker(stop: RunStop) -> Breaker:
    return Breaker(stop)


def test_so_many_unknown_outcomes_of_the_last_calls_stop_the_run(
    stop: RunStop, breaker: Breaker
) -> None:
    for _ in range(MAX_OF_A_KIND - 1):
        breaker.note_answer()
        breaker.note_unknown()
        breaker.note_answer()
    assert stop.reason() == ""
    breaker.note_unknown()
    assert "10 of the last 28 calls were sent and never answered" in stop.reason()


def test_unknown_outcomes_that_are_few_among_many_calls_stop_nothing(
    stop: RunStop, breaker: Breaker
) -> None:
    for number in range(20 * WINDOW):
        if number % 6:
            breaker.note_answer()
        else:
            breaker.note_unknown()
    assert stop.reason() == ""


def test_pictures_that_land_after_all_are_in_trouble_no_more(
    stop: RunStop, breaker: Breaker
) -> None:
    for number in range(3 * MAX_OF_A_KIND):
        breaker.note_trouble(f"{number}", "undelivered", "HTTP 404")
        if number >= MAX_OF_A_KIND - 2:
            breaker.note_landed(f"{number}")
    assert stop.reason() == ""


def test_the_two_kinds_of_trouble_are_counted_apart_and_pictures_once(
    stop: RunStop, breaker: Breaker
) -> None:
    for number in range(MAX_OF_A_KIND - 1):
        for _ in range(3):
            breaker.note_trouble(f"{number}", "undelivered", "HTTP 404")
            breaker.note_trouble(f"other {number}", "damaged", "cut off")
    assert stop.reason() == ""
    breaker.note_trouble("last", "damaged", "cut off")
    assert "10 of the last 19 pictures are paid and came damaged" in stop.reason()


def test_only_different_requests_turned_away_in_a_row_are_the_accounts(
    stop: RunStop, breaker: Breaker
) -> None:
    for name in (*["one"] * 9, *"abc"):
        with breaker.calling():
            breaker.note_forbidden(name, FORBIDDEN)
    breaker.note_answer()
    for name in "abcd":
        with breaker.calling():
            breaker.note_forbidden(name, FORBIDDEN)
    assert stop.reason() == ""
    with breaker.calling():
        breaker.note_forbidden("e", FORBIDDEN)
    assert stop.reason() == str(FORBIDDEN)


def test_a_call_that_is_still_open_may_show_that_it_is_not_the_account(
    stop: RunStop, breaker: Breaker
) -> None:
    with breaker.calling():
        for number in range(MAX_FORBIDDEN + 3):
            if number < MAX_FORBIDDEN:
                with breaker.calling():
                    breaker.note_forbidden(f"{number}", FORBIDDEN)
        breaker.note_answer()
    with breaker.calling():
        breaker.note_forbidden("another", FORBIDDEN)
    assert stop.reason() == ""


def test_who_is_turned_away_again_while_others_are_answered_is_to_blame(breaker: Breaker) -> None:
    assert breaker.judge_forbidden("one") == "again"
    assert breaker.judge_forbidden("one") == "unclear"
    breaker.note_answer()
    assert breaker.judge_forbidden("other") == "again"
    assert breaker.judge_forbidden("one") == "own"
    assert breaker.judge_forbidden("other") == "unclear"
