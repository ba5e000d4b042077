"""Calls that are answered before their picture is made: one call, few polls, nothing lost."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from starlette.responses import JSONResponse

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.errors import StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.app import SimulatedApi
from flux_assets.storage.object_store import ledger_key, run_key
from flux_assets_tests.fixtures.image_requests import build_request, build_requests
from flux_assets_tests.fixtures.purchases import (
    CALL_TIMEOUT_SECONDS,
    Bench,
    build_bench,
    build_rules,
    leave_accepted,
    overwrite_entry,
    read_entry,
)
from flux_assets_tests.fixtures.simulators import StartSimulator, is_picture

REQUEST = build_request()
LATENCY_SECONDS = 20.0
BuildBench = Callable[..., Bench]


@pytest.fixture
def build(tmp_path: Path, start_simulator: StartSimulator) -> BuildBench:
    """A bench of asynchronous calls, with a simulator of these options, 20 s a picture."""
    return lambda **options: build_bench(
        tmp_path,
        start_simulator,
        run_async=True,
        **{"latency_seconds": LATENCY_SECONDS, **options},
    )


@pytest.fixture
def polled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The uuids that simulators are asked for, as often as they are."""
    uuids: list[str] = []
    show = SimulatedApi._show_result

    async def noting(api: SimulatedApi, request: Any) -> Any:  # noqa: ANN401 - starlette's
        uuids.append(request.path_params["uuid"])
        return await show(api, request)

    monkeypatch.setattr(SimulatedApi, "_show_result", noting)
    return uuids


def on_noted(bench: Bench, act: Callable[[LedgerEntry], None], *, times: int = 1) -> None:
    """Act right after the accepted call has been noted, as often as told."""
    noted: list[LedgerEntry] = []

    def after(operation: str, key: str) -> None:
        if operation == "put" and key == ledger_key(REQUEST.fingerprint) and len(noted) < times:
            entry = read_entry(bench.store._inner, REQUEST)
            if entry.state == "accepted":
                noted.append(entry)
                act(entry)

    bench.store.after = after


class CrashError(BaseException):
    """The process is gone."""


# --- Buying -----------------------------------------------------------------------------------


def test_a_picture_is_bought_with_one_call_and_timed_until_its_result(
    build: BuildBench, polled: list[str]
) -> None:
    bench = build()

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 1, 0)
    lineage = outcome.lineage
    assert lineage is not None
    assert bench.paid_uuids(REQUEST) == polled == [lineage.uuid]
    assert lineage.latency_seconds == 30  # the first guess: when it was asked for
    assert is_picture(bench.store.get(lineage.object_key).data)
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.is_processing, entry.temporary_url) == ("stored", False, "")


def test_a_picture_takes_at_most_three_polls_at_the_median(
    build: BuildBench, polled: list[str]
) -> None:
    bench = build(latency_jitter_seconds=25)
    wanted = build_requests(60)

    outcomes = bench.open(threads=1).generate(wanted)

    assert [outcome.kind for outcome in outcomes] == ["generated"] * 60
    assert bench.paid == sum(outcome.calls for outcome in outcomes) == 60
    counts = [polled.count(uuid) for request in wanted for uuid in bench.paid_uuids(request)]
    assert median(counts) <= 2
    assert sum(counts) <= 2.2 * 60
    latencies = [outcome.lineage.latency_seconds for outcome in outcomes if outcome.lineage]
    assert 20 <= min(latencies) <= max(latencies) <= CALL_TIMEOUT_SECONDS


def test_the_uuid_is_noted_before_anything_is_asked(build: BuildBench, polled: list[str]) -> None:
    bench = build()
    noted: list[LedgerEntry] = []

    def note(entry: LedgerEntry) -> None:
        noted.append(entry)
        assert polled == []
        assert bench.clock.slept == []

    on_noted(bench, note)

    bench.open().obtain(REQUEST)

    [entry] = noted
    assert [entry.uuid] == bench.paid_uuids(REQUEST)
    assert (entry.is_processing, entry.result_keys, entry.temporary_url) == (True, (), "")


def test_a_call_keeps_its_place_until_its_result_is_there(
    build: BuildBench, polled: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So short that they end in time, though each thread's sleep moves the clock for all.
    bench = build(latency_seconds=2)
    bench.clock.others_have_seconds = 0.1
    run = bench.open(threads=4, max_in_flight=2, first_guess_seconds=3)
    pace = run.purchase.sender.pace
    at_polls: list[int] = []
    fetch = run.purchase.sender.caller.client.fetch_result

    def noting(uuid: str, *, timeout_seconds: float) -> object:
        at_polls.append(pace.in_flight)
        return fetch(uuid, timeout_seconds=timeout_seconds)

    monkeypatch.setattr(run.purchase.sender.caller.client, "fetch_result", noting)

    outcomes = run.generate(build_requests(8))

    assert [outcome.kind for outcome in outcomes] == ["generated"] * 8
    assert len(at_polls) == len(polled)
    assert set(at_polls) <= {1, 2}
    assert pace.in_flight == 0


def test_polls_count_against_the_request_limit(build: BuildBench, polled: list[str]) -> None:
    bench = build(requests_per_minute=4, latency_seconds=1)
    run = bench.open(threads=1, requests_per_minute=4, first_guess_seconds=0)

    outcomes = run.generate(build_requests(6))

    assert [outcome.kind for outcome in outcomes] == ["generated"] * 6
    assert bench.paid == 6
    # No 429 came: every request was waited for, of calls and polls alike.
    assert all(outcome.lineage and outcome.lineage.attempts == 1 for outcome in outcomes)
    assert run.purchase.sender.pace.in_flight_limit == 1
    passed = bench.clock.monotonic() - 1_000
    assert passed >= ((6 + len(polled)) // 4 - 1) * 60


def test_a_rate_limit_on_a_poll_is_waited_out(build: BuildBench) -> None:
    bench = build(requests_per_minute=2)
    run = bench.open(first_guess_seconds=25)
    run.purchase.sender.caller.client.fetch_result("another", timeout_seconds=1)
    bench.clock.sleep(30)

    outcome = run.obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert outcome.lineage is not None
    assert outcome.lineage.latency_seconds >= 30  # the minute's third request came at its end


def test_synchronous_and_asynchronous_calls_are_one_request(build: BuildBench) -> None:
    bench = build()
    bench.open("run-1").obtain(REQUEST)

    assert replace(bench, run_async=False).open("run-2").obtain(REQUEST).kind == "reused"
    assert bench.paid == 1


# --- What the vendor may answer ---------------------------------------------------------------


@pytest.mark.parametrize("fault", ["failed", "failure", "error_object"])
@pytest.mark.parametrize("resumed", [False, True])
def test_a_call_that_fails_while_it_is_awaited_may_be_sent_again(
    build: BuildBench, fault: str, *, resumed: bool
) -> None:
    bench = build(faults={"script": [fault]})
    if resumed:
        leave_accepted(bench.open("run-0"), REQUEST)
    run = bench.open("run-1")

    first = run.obtain(REQUEST)
    entry = read_entry(bench.store, REQUEST)
    second = run.obtain(REQUEST)

    assert (first.kind, first.may_send_again, first.calls) == ("failed", True, not resumed)
    assert (entry.state, entry.attempts) == ("failed", 1)
    assert (second.kind, second.calls, second.possibly_paid_twice) == ("generated", 1, 0)
    assert second.lineage is not None
    assert second.lineage.attempts == 2
    assert bench.paid == 1


def test_calls_that_always_fail_are_sent_as_often_as_allowed(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"] * 9})

    [outcome] = bench.open().generate([REQUEST])

    assert (outcome.kind, outcome.calls) == ("failed", 2)
    assert read_entry(bench.store, REQUEST).attempts == 2
    assert bench.open("run-2").obtain(REQUEST).calls == 0


@pytest.mark.parametrize("resumed", [False, True])
def test_a_picture_that_moderation_stops_is_refused(build: BuildBench, *, resumed: bool) -> None:
    request = build_request(prompt="a forbidden-word")
    bench = build(moderation_form="failed_record")
    if resumed:
        leave_accepted(bench.open("run-0"), request)

    first, again = (bench.open(run).obtain(request) for run in ("run-1", "run-2"))

    assert [first.kind, again.kind] == ["refused", "refused"]
    assert [first.calls, again.calls] == [not resumed, 0]
    assert "flagged" in again.reason
    assert read_entry(bench.store, request).state == "refused"
    assert bench.open("run-3", rules=build_rules(retry_refused=True)).obtain(request).calls == 1


def test_a_poll_without_an_answer_is_made_again(build: BuildBench, polled: list[str]) -> None:
    bench = build(faults={"script": ["poll_502"]})

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert len(polled) == 2


def test_a_call_that_the_vendor_does_not_know_for_a_while_is_asked_for_by_the_next_run(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["results_unknown"]})

    first, second = (bench.open(run).obtain(REQUEST) for run in ("run-1", "run-2"))

    assert [first.kind, second.kind] == ["failed", "failed"]
    assert [first.calls, second.calls] == [1, 0]
    assert "the vendor does not know it" in second.reason
    assert read_entry(bench.store, REQUEST).state == "accepted"


def test_a_call_that_the_vendor_does_not_know_is_lost_only_after_a_day(
    build: BuildBench, polled: list[str]
) -> None:
    bench = build(faults={"script": ["results_unknown"]})
    accepted = leave_accepted(bench.open("run-0"), REQUEST)
    bench.pass_time(hours=1)

    outcomes = []
    for run in ("run-1", "run-2", "run-3"):
        outcomes.append(bench.open(run).obtain(REQUEST))
        bench.pass_time(hours=12)

    assert [outcome.kind for outcome in outcomes] == ["failed", "failed", "lost"]
    assert [outcome.calls for outcome in outcomes] == [0, 0, 0]
    assert "does not know it" in outcomes[-1].reason
    assert bench.clock.slept == []
    assert len(polled) == 3
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.uuid, entry.is_processing) == ("lost", accepted.uuid, True)
    assert bench.paid == 1


@pytest.mark.parametrize("status", ["WAITING_FOR_GODOT", "PROCESSING"])
def test_a_call_that_stays_in_any_other_state_is_lost_after_a_day_and_costs_no_wait(
    build: BuildBench, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    answer_results(monkeypatch, status)
    bench = build()
    leave_accepted(bench.open("run-0"), REQUEST)
    bench.pass_time(hours=1)

    kinds = []
    for run in ("run-1", "run-2", "run-3"):
        kinds.append(bench.open(run).obtain(REQUEST).kind)
        bench.pass_time(hours=12)

    assert kinds == ["failed", "failed", "lost"]
    assert bench.clock.slept == []


@pytest.mark.parametrize(
    ("status", "kind", "state"),
    [
        ("ERROR", "failed", "failed"),
        ("CANCELLED", "failed", "failed"),
        ("canceled", "failed", "failed"),
        ("TIMEOUT", "failed", "failed"),
        ("timed out", "failed", "failed"),
        ("Content Moderated", "refused", "refused"),
        ("Request Moderated", "refused", "refused"),
        ("CONTENT_FILTERED", "refused", "refused"),
    ],
)
def test_a_call_that_made_nothing_is_settled_by_whatever_word_says_so(
    build: BuildBench, monkeypatch: pytest.MonkeyPatch, status: str, kind: str, state: str
) -> None:
    answer_results(monkeypatch, status)
    bench = build()
    leave_accepted(bench.open("run-0"), REQUEST)

    outcome = bench.open("run-1").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == (kind, 0)
    assert read_entry(bench.store, REQUEST).state == state
    assert bench.clock.slept == []


def answer_results(monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    """Let the simulator say of every call that it is in this state."""

    async def show(_api: SimulatedApi, request: Any) -> JSONResponse:  # noqa: ANN401 - starlette's
        record = {"uuid": request.path_params["uuid"], "status": status}
        return JSONResponse({"aiRecord": record})

    monkeypatch.setattr(SimulatedApi, "_show_result", show)


def test_a_run_that_may_not_buy_sends_no_failed_call_again(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"]})
    leave_accepted(bench.open("run-0"), REQUEST)
    run = bench.open("run-1")
    purchase = replace(run.purchase, may_buy=False)

    outcomes = [purchase.obtain(REQUEST), purchase.obtain(build_request("another"))]

    assert [outcome.kind for outcome in outcomes] == ["failed", "not_attempted"]
    assert [outcome.calls for outcome in outcomes] == [0, 0]
    assert not outcomes[0].may_send_again
    assert bench.open("run-2").obtain(REQUEST).kind == "generated"


def test_a_call_that_never_gets_ready_stays_accepted_for_the_next_run(build: BuildBench) -> None:
    bench = build(latency_seconds=10 * CALL_TIMEOUT_SECONDS)

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls, first.may_send_again) == ("failed", 1, False)
    assert "the next run fetches it without a call" in first.reason
    assert f"still worked on, after {CALL_TIMEOUT_SECONDS:g} s" in first.reason
    assert bench.clock.monotonic() - 1_000 == CALL_TIMEOUT_SECONDS
    assert read_entry(bench.store, REQUEST).state == "accepted"
    again = bench.open("run-2").obtain(REQUEST)
    assert (again.kind, again.calls) == ("failed", 0)
    bench.clock.sleep(10 * CALL_TIMEOUT_SECONDS)
    bench.pass_time(minutes=1)
    last = bench.open("run-3").obtain(REQUEST)
    assert (last.kind, last.calls) == ("recovered", 0)
    assert bench.paid == 1


def test_a_poll_that_finds_no_place_in_the_rate_until_the_deadline_leaves_it_accepted(
    build: BuildBench,
) -> None:
    bench = build()
    run = bench.open()
    on_noted(bench, lambda _entry: run.purchase.sender.pace.pause(600))

    outcome = run.obtain(REQUEST)

    assert (outcome.kind, read_entry(bench.store, REQUEST).state) == ("failed", "accepted")
    assert "leave no room" in outcome.reason
    assert bench.open("run-2").obtain(REQUEST).kind == "recovered"


# --- The account ------------------------------------------------------------------------------


def test_a_key_that_is_refused_while_polling_stops_the_run_and_keeps_the_call(
    build: BuildBench,
) -> None:
    bench = build(faults={"key_deleted_after": 1})

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls) == ("failed", 1)
    assert "ONEMIN_API_KEY" in first.reason
    assert b"ONEMIN_API_KEY" in bench.store.get(run_key("run-1", "stop.json")).data
    assert read_entry(bench.store, REQUEST).state == "accepted"
    assert bench.paid == 1


@pytest.mark.parametrize("resumed", [False, True])
def test_an_account_that_cannot_pay_stops_the_run_and_the_call_made_nothing(
    build: BuildBench, *, resumed: bool
) -> None:
    bench = build(faults={"out_of_credits_after": 0}, out_of_credits_form="error_object")
    if resumed:
        leave_accepted(bench.open("run-0"), REQUEST)

    outcome = bench.open("run-1").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("failed", not resumed)
    assert "add credits" in outcome.reason
    assert b"add credits" in bench.store.get(run_key("run-1", "stop.json")).data
    entry = read_entry(bench.store, REQUEST)
    # Only the run that sent it knows for sure that nothing came before.
    assert (entry.state, entry.attempts) == ("failed", int(resumed))
    assert bench.paid == 0


# --- Cut off ----------------------------------------------------------------------------------


def test_a_killed_runs_call_is_awaited_by_the_next_run_without_a_call(
    build: BuildBench, polled: list[str]
) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    run = bench.open("run-2")

    outcome = run.obtain(REQUEST)

    assert accepted.is_processing
    assert (outcome.kind, outcome.calls) == ("recovered", 0)
    assert outcome.lineage is not None
    assert outcome.lineage.latency_seconds == 0  # nobody knows it
    assert bench.paid_uuids(REQUEST) == [accepted.uuid] == list(set(polled))
    assert run.purchase.sender.caller.results.schedule.first_poll_seconds == 30
    assert run.purchase.sender.pace.in_flight == 0


def test_an_awaited_call_of_an_earlier_run_has_its_place_in_flight(
    build: BuildBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = build()
    leave_accepted(bench.open("run-1"), REQUEST)
    run = bench.open("run-2", max_in_flight=1)
    pace = run.purchase.sender.pace
    seen: list[int] = []
    sleep = bench.clock.sleep

    def noting(seconds: float) -> None:
        seen.append(pace.in_flight)
        sleep(seconds)

    monkeypatch.setattr(bench.clock, "sleep", noting)

    with pace.slot(stop=run.stop.event):  # it waits for no place: the vendor works on it already
        assert run.obtain(REQUEST).kind == "recovered"

    assert set(seen) == {2}


def test_a_call_that_was_accepted_by_an_older_release_is_recovered(build: BuildBench) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    overwrite_entry(bench.store, replace(accepted, is_processing=False))

    assert bench.open("run-2").obtain(REQUEST).kind == "recovered"


def test_a_lost_reply_is_an_unknown_outcome(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply"]})
    run = bench.open()

    first, second = run.obtain(REQUEST), run.obtain(REQUEST)

    assert [first.kind, second.kind] == ["failed", "generated"]
    assert (second.calls, second.possibly_paid_twice) == (1, 1)
    assert bench.paid == 2


def test_a_stop_of_the_run_does_not_leave_a_call_under_way_behind(build: BuildBench) -> None:
    bench = build()
    run = bench.open()
    on_noted(bench, lambda _entry: run.stop.halt("interrupted"))

    assert run.obtain(REQUEST).kind == "generated"
    assert run.obtain(build_request("other")).kind == "not_attempted"


def test_a_finished_call_is_noted_with_its_url_before_the_download(build: BuildBench) -> None:
    bench = build()
    noted: list[LedgerEntry] = []

    def note(entry: LedgerEntry) -> None:
        noted.append(entry)
        if len(noted) == 2:
            raise CrashError

    on_noted(bench, note, times=2)
    with pytest.raises(CrashError):
        bench.open("run-1").obtain(REQUEST)
    bench.store.after = lambda *_: None

    assert [entry.is_processing for entry in noted] == [True, False]
    assert noted[1].temporary_url
    assert noted[1].latency_seconds == 30
    outcome = bench.open("run-2").obtain(REQUEST)
    assert (outcome.kind, outcome.calls) == ("recovered", 0)
    assert outcome.lineage is not None
    assert outcome.lineage.latency_seconds == 30


def test_a_call_that_the_ledger_cannot_note_is_noted_later_and_then_awaited(
    build: BuildBench, polled: list[str]
) -> None:
    bench = build()
    fails = [True] * 8

    def before(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("ledger/") and bench.paid and fails:
            fails.pop()
            assert polled == []
            raise StoreError(key, "write", "no connection")

    bench.store.before = before

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert fails == []
    assert bench.paid == 1


def test_a_call_that_the_ledger_never_notes_is_awaited_all_the_same(build: BuildBench) -> None:
    bench = build()

    def before(operation: str, key: str) -> None:
        unnoted = operation == "put" and key.startswith("ledger/") and bench.paid
        if unnoted and not list(bench.store.list("images/")):
            raise StoreError(key, "write", "no connection")

    bench.store.before = before

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert bench.paid == 1


def test_another_run_that_finishes_the_call_meanwhile_pays_nothing(build: BuildBench) -> None:
    bench = build()
    others: list[str] = []

    def overtake(_entry: LedgerEntry) -> None:
        others.append(bench.open("run-2").obtain(REQUEST).kind)

    on_noted(bench, overtake)

    outcome = bench.open("run-1").obtain(REQUEST)

    assert others == ["recovered"]
    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 1, 0)
    assert bench.paid == 1


def test_of_two_runs_that_hear_of_the_failure_one_sends_again(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"]})
    others: list[str] = []

    def overtake(_entry: LedgerEntry) -> None:
        others.extend(outcome.kind for outcome in bench.open("run-2").generate([REQUEST]))

    on_noted(bench, overtake)

    outcome = bench.open("run-1").obtain(REQUEST)

    assert others == ["generated"]
    assert outcome.kind == "reused"
    assert bench.paid == 1


# --- The entry --------------------------------------------------------------------------------


def entry_json(bench: Bench, request: ImageRequest) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(bench.store.get(ledger_key(request.fingerprint)).data)
    return plain


def test_only_a_call_that_is_still_processing_says_so_in_its_entry(build: BuildBench) -> None:
    bench = build(latency_seconds=0)
    leave_accepted(bench.open(), REQUEST)
    other = build_request("other")
    leave_accepted(replace(bench, run_async=False).open(), other)

    assert entry_json(bench, REQUEST)["is_processing"] is True
    assert "is_processing" not in entry_json(bench, other)
    bench.open("run-2").obtain(REQUEST)
    assert "is_processing" not in entry_json(bench, REQUEST)
