import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flux_assets.bill.breaker import MAX_FORBIDDEN, MAX_OF_A_KIND
from flux_assets.bill.run_stop import RunStop
from flux_assets.buying.outcome import WITH_PICTURE, Outcome
from flux_assets.buying.passes import generate
from flux_assets.errors import DownloadError, ResultForbiddenError, StoreError
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.object_store import budget_key, run_key
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.image_requests import build_request, build_requests
from flux_assets_tests.fixtures.purchases import (
    Bench,
    build_bench,
    build_rules,
    fetching_by,
    leave_accepted,
    read_entry,
)
from flux_assets_tests.fixtures.simulators import StartSimulator

BuildBench = Callable[..., Bench]


@pytest.fixture
def build(tmp_path: Path, start_simulator: StartSimulator) -> BuildBench:
    """A bench with a simulator of these options."""
    return lambda **options: build_bench(tmp_path, start_simulator, **options)


def kinds(outcomes: list[Outcome]) -> Counter[str]:
    return Counter(outcome.kind for outcome in outcomes)


def calls(outcomes: list[Outcome]) -> int:
    return sum(outcome.calls for outcome in outcomes)


# --- Many requests ----------------------------------------------------------------------------


def test_every_request_has_one_outcome_and_is_paid_once(build: BuildBench) -> None:
    bench = build()
    wanted = build_requests(12)

    first = bench.open("run-1").generate(wanted)
    second = bench.open("run-2").generate(wanted)

    assert kinds(first) == {"generated": 12}
    assert kinds(second) == {"reused": 12}
    assert {outcome.request.fingerprint for outcome in first} == {
        request.fingerprint for request in wanted
    }
    assert (calls(first), calls(second), bench.paid) == (12, 0, 12)


def test_no_requests_are_no_outcomes(build: BuildBench) -> None:
    assert build().open().generate([]) == []


def test_each_kind_of_trouble_stays_its_own(build: BuildBench) -> None:
    bench = build()
    stored, held, accepted = (build_request(name) for name in ("stored", "held", "accepted"))
    refused = build_request("refused", prompt="a forbidden-word")
    fresh = build_requests(3)
    bench.open("run-1").obtain(stored)
    bench.open("run-1").ledger.claim(held, None)
    leave_accepted(bench.open("run-1"), accepted)

    outcomes = bench.open("run-2").generate([stored, held, accepted, refused, *fresh])

    found = {outcome.request.product_id: outcome.kind for outcome in outcomes}
    assert found == {
        "stored": "reused",
        "held": "held",
        "accepted": "recovered",
        "refused": "refused",
        **{request.product_id: "generated" for request in fresh},
    }
    assert len(outcomes) == 7


def test_a_failed_call_is_sent_again_after_all_others(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"]})

    outcomes = bench.open(threads=1).generate(build_requests(4))

    assert kinds(outcomes) == {"generated": 4}
    assert outcomes[-1].request.product_id == "mug-000"
    assert outcomes[-1].calls == 2
    prompts = [line.prompt for line in bench.simulator.state.read_bill()]
    assert prompts == [f"a mug mug-{number:03}" for number in (1, 2, 3, 0)]


def test_an_unknown_outcome_is_sent_again_in_a_later_pass_and_counted(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply", "gateway_502"]})

    outcomes = bench.open(threads=1).generate(build_requests(4))

    assert kinds(outcomes) == {"generated": 4}
    assert [outcome.calls for outcome in outcomes] == [1, 1, 2, 2]
    assert [outcome.possibly_paid_twice for outcome in outcomes] == [0, 0, 1, 1]
    prompts = [line.prompt for line in bench.simulator.state.read_bill()]
    assert prompts == [f"a mug mug-{number:03}" for number in (0, 2, 3, 0, 1)]


def test_what_every_pass_sent_is_added_up(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply", "lost_reply"]})

    (outcome,) = bench.open(rules=build_rules(max_attempts=3)).generate(build_requests(1))

    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 3, 2)
    assert outcome.lineage is not None
    assert (outcome.lineage.attempts, outcome.lineage.possibly_paid_twice) == (3, 2)


def test_attempts_end_in_held_and_failed(build: BuildBench) -> None:
    script = ["lost_reply", "failed", "lost_reply", "failed"]
    bench = build(faults={"script": script})

    outcomes = bench.open(threads=1).generate(build_requests(2))

    assert [outcome.kind for outcome in outcomes] == ["held", "failed"]
    assert [outcome.calls for outcome in outcomes] == [2, 2]
    assert [outcome.possibly_paid_twice for outcome in outcomes] == [1, 0]


def test_a_person_is_asked_where_the_rules_say_so(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply"]})

    (outcome,) = bench.open(rules=build_rules(hold_unknown=True)).generate(build_requests(1))

    assert (outcome.kind, outcome.calls, bench.paid) == ("held", 1, 1)


def test_a_rate_limit_pauses_everybody_and_loses_nobody(build: BuildBench) -> None:
    bench = build(faults={"script": [None, "rate_limited", "rate_limited"]})

    outcomes = bench.open().generate(build_requests(8))

    assert kinds(outcomes) == {"generated": 8}
    assert (calls(outcomes), bench.paid) == (8, 8)
    assert {outcome.lineage.attempts for outcome in outcomes if outcome.lineage} == {1}
    assert '": 8' in counter(bench)


def counter(bench: Bench) -> str:
    day = bench.store.now().strftime("%Y-%m-%d")
    return bench.store.get(budget_key(day)).data.decode()


def test_a_bug_in_one_request_is_one_failed_outcome(
    build: BuildBench, caplog: pytest.LogCaptureFixture
) -> None:
    run = build().open()

    def obtain(request: ImageRequest) -> Outcome:
        if request.product_id == "mug-001":
            message = "a bug of ours"
            raise ZeroDivisionError(message)
        if request.product_id == "mug-002":
            raise StoreError("s3://bucket", "read", "no connection")
        return run.obtain(request)

    outcomes = list(generate(build_requests(4), obtain=obtain, stop=run.stop, threads=2))

    reasons = {outcome.request.product_id: outcome.reason for outcome in outcomes}
    assert kinds(outcomes) == {"generated": 2, "failed": 2}
    assert reasons["mug-001"] == "unexpected ZeroDivisionError: a bug of ours"
    assert reasons["mug-002"] == "could not read s3://bucket: no connection"
    assert "Traceback" in caplog.text


# --- Limits and stops -------------------------------------------------------------------------


def test_the_daily_limit_reached_half_way_leaves_the_rest(build: BuildBench) -> None:
    bench = build()

    outcomes = bench.open(daily_limit=5, budget_batch=2).generate(build_requests(12))

    assert kinds(outcomes) == {"generated": 5, "not_attempted": 7}
    assert (calls(outcomes), bench.paid) == (5, 5)


def test_a_send_that_is_repeated_counts_against_the_daily_limit(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"]})

    outcomes = bench.open(daily_limit=3, threads=1).generate(build_requests(3))

    assert [outcome.kind for outcome in outcomes] == ["generated", "generated", "failed"]
    assert "Prediction failed" in outcomes[-1].reason
    assert calls(outcomes) == 3


@pytest.mark.parametrize(
    ("options", "paid", "most"),
    [
        ({"keys": frozenset({"another"})}, 0, 4),
        ({"faults": {"out_of_credits_after": 6}}, 6, 4),
        ({"faults": {"key_deleted_after": 6}}, 6, 4),
        ({"faults": {"script": ["gateway_403"] * 40}}, 0, MAX_FORBIDDEN + 3),
    ],
)
def test_an_account_problem_sends_no_more_than_what_is_in_flight(
    build: BuildBench, options: dict[str, object], paid: int, most: int
) -> None:
    bench = build(**options)
    wanted = build_requests(40)

    outcomes = bench.open("run-1", threads=12, max_in_flight=4).generate(wanted)

    assert len(outcomes) == 40
    assert bench.paid == kinds(outcomes)["generated"] == paid
    assert 1 <= kinds(outcomes)["failed"] <= most
    assert calls(outcomes) == paid + kinds(outcomes)["failed"]
    assert kinds(outcomes)["not_attempted"] == 40 - calls(outcomes)
    stop = bench.store.get(run_key("run-1", "stop.json")).data
    again = bench.open("run-1").generate(build_requests(45)[40:])
    assert kinds(again) == {"not_attempted": 5}
    assert again[0].reason.encode() in stop


def test_a_stop_by_another_shard_is_seen_before_the_next_send(build: BuildBench) -> None:
    bench = build()
    run = bench.open("run-1", threads=1)
    outcomes: list[Outcome] = []
    for outcome in run.stream(build_requests(10)):
        if not outcomes:
            RunStop(bench.store, "run-1").trip("the other shard has no credits")
        outcomes.append(outcome)

    assert kinds(outcomes)["generated"] <= 3
    assert outcomes[-1].reason == "the other shard has no credits"
    assert len(outcomes) == 10


def test_unanswered_calls_in_a_row_stop_the_run(build: BuildBench) -> None:
    bench = build(faults={"rates": {"lost_reply": 1}})

    outcomes = bench.open("run-1", threads=1).generate(build_requests(30))

    assert kinds(outcomes) == {
        "failed": MAX_OF_A_KIND,
        "not_attempted": 30 - MAX_OF_A_KIND,
    }
    assert calls(outcomes) == bench.paid == MAX_OF_A_KIND
    assert b"never answered" in bench.store.get(run_key("run-1", "stop.json")).data


def test_unanswered_calls_with_answers_in_between_stop_the_run_all_the_same(
    build: BuildBench,
) -> None:
    """Nine of ten replies are cut: a row never gets long, and most of the bill is for nothing."""
    bench = build(faults={"script": ([*["lost_reply"] * 4, None]) * 20})

    outcomes = bench.open("run-1", threads=1).generate(build_requests(60))

    assert bench.paid <= MAX_OF_A_KIND + 2
    assert kinds(outcomes)["not_attempted"] >= 60 - MAX_OF_A_KIND - 2
    assert b"10 of the last 12 calls" in bench.store.get(run_key("run-1", "stop.json")).data


class NowhereClient(ImageApiClient):
    """A client for which results are where none may come from."""

    def download(self, url_or_key: str, **options: Any) -> bytes:  # noqa: ANN401 - as they are
        del url_or_key, options
        raise ResultForbiddenError("cdn.example is not where results come from")


class UnreachableClient(ImageApiClient):
    """A client that cannot reach the host of the results."""

    def download(self, url_or_key: str, **options: Any) -> bytes:  # noqa: ANN401 - as they are
        del url_or_key, options
        raise DownloadError("TLS: the certificate is another's")


@pytest.mark.parametrize("client_class", [NowhereClient, UnreachableClient])
def test_paid_pictures_that_cannot_be_fetched_stop_the_run(
    build: BuildBench, client_class: type[ImageApiClient]
) -> None:
    bench = build()
    run = bench.open("run-1", threads=2)
    client = client_class(
        options_for(bench.simulator.base_url),
        api_key=run.purchase.sender.caller.client._api_key,
    )
    run = replace(run, purchase=fetching_by(run.purchase, client))

    outcomes = run.generate(build_requests(40))

    assert MAX_OF_A_KIND <= bench.paid <= MAX_OF_A_KIND + 2
    assert kinds(outcomes) == {"failed": bench.paid, "not_attempted": 40 - bench.paid}
    assert "10 of the last 10 pictures are paid and could not be fetched" in run.stop.reason()
    bench.pass_time(hours=1)
    paid = bench.paid
    again = bench.open("run-2").generate(build_requests(40))
    assert kinds(again) == {"recovered": paid, "generated": 40 - paid}


def test_paid_pictures_that_come_damaged_stop_the_run(build: BuildBench) -> None:
    bench = build(faults={"rates": {"corrupt_object": 1}})
    run = bench.open("run-1", threads=1)

    run.generate(build_requests(40))

    assert bench.paid == MAX_OF_A_KIND
    assert "are paid and came damaged" in run.stop.reason()


def test_a_store_that_takes_no_picture_stops_the_run(build: BuildBench) -> None:
    bench = build()

    def before(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            raise StoreError(key, "write", "Access Denied")

    bench.store.before = before
    run = bench.open("run-1", threads=1)
    run.generate(build_requests(40))

    assert bench.paid == MAX_OF_A_KIND
    assert "Access Denied" in run.stop.reason()


def test_what_earlier_runs_could_not_fetch_does_not_stop_this_one(build: BuildBench) -> None:
    wanted = build_requests(20)
    bench = build(faults={"script": ["corrupt_object"] * 12})
    for number, request in enumerate(wanted[:12]):
        bench.open(f"run-{number}").obtain(request)
    bench.pass_time(hours=2)

    outcomes = bench.open("another", threads=1).generate(wanted)

    assert kinds(outcomes) == {"failed": 12, "generated": 8}


# --- The API's gateway ------------------------------------------------------------------------


def test_one_product_that_the_firewall_turns_away_holds_no_other(build: BuildBench) -> None:
    bench = build(faults={"script": ["gateway_403"]})

    outcomes = bench.open("run-1", threads=1).generate(build_requests(40))

    assert kinds(outcomes) == {"generated": 40}  # the second try was let through
    bench = build(faults={"script": ["gateway_403", *[None] * 39, "gateway_403"]})
    outcomes = bench.open("run-2", threads=1).generate(
        [build_request(f"lamp-{number}") for number in range(40)]
    )
    assert kinds(outcomes) == {"generated": 39, "refused": 1}


@pytest.mark.parametrize("answered", [0, 6])
def test_different_requests_turned_away_in_a_row_are_the_accounts_matter(
    build: BuildBench, answered: int
) -> None:
    bench = build(faults={"script": [*[None] * answered, *["gateway_403"] * 40]})
    run = bench.open("run-1", threads=1)
    wanted = build_requests(40)

    outcomes = run.generate(wanted)

    assert bench.paid == kinds(outcomes)["generated"] == answered
    assert calls(outcomes) == answered + MAX_FORBIDDEN
    assert "network and proxy" in run.stop.reason()
    turned_away = wanted[answered : answered + MAX_FORBIDDEN]
    entries = [read_entry(bench.store, request) for request in turned_away]
    assert {(entry.state, entry.attempts) for entry in entries} == {("failed", 0)}


@pytest.mark.parametrize("turned_away", [MAX_FORBIDDEN, 8])
def test_many_turned_away_at_once_wait_for_the_calls_that_may_be_answered(
    build: BuildBench, turned_away: int
) -> None:
    """A 403 comes at once, and a picture after half a minute."""
    bench = build(
        latency_seconds=0.5,
        sleep=asyncio.sleep,
        faults={"script": [None, None, *["gateway_403"] * turned_away]},
    )
    run = bench.open("run-1", threads=turned_away + 2)

    outcomes = run.generate(build_requests(turned_away + 2))

    assert run.stop.reason() == ""
    assert kinds(outcomes) == {"generated": turned_away + 2}


def test_the_next_run_sends_the_unanswered_again_and_counts_them(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply"] * MAX_OF_A_KIND})
    wanted = build_requests(15)
    bench.open("run-1", threads=1).generate(wanted)

    outcomes = bench.open("run-2").generate(wanted)

    assert kinds(outcomes) == {"generated": 15}
    twice = sum(outcome.possibly_paid_twice for outcome in outcomes)
    assert twice == MAX_OF_A_KIND
    assert bench.paid == 15 + twice


# --- The consumer -----------------------------------------------------------------------------


def test_requests_are_taken_at_most_twice_the_threads_ahead_of_the_consumer(
    build: BuildBench,
) -> None:
    run = build().open(threads=3)
    taken: list[str] = []

    def requests() -> Iterator[ImageRequest]:
        for request in build_requests(40):
            taken.append(request.product_id)
            yield request

    for received, _ in enumerate(run.stream(requests())):
        assert len(taken) - received <= 2 * 3
    assert len(taken) == 40


def test_outcomes_come_while_requests_are_still_being_made(build: BuildBench) -> None:
    run = build().open(threads=2)
    came: Counter[str] = Counter()

    def requests() -> Iterator[ImageRequest]:
        yield from build_requests(5)
        assert came

    for outcome in run.stream(requests()):
        came[outcome.kind] += 1


def test_a_consumer_that_stops_early_loses_no_paid_picture(build: BuildBench) -> None:
    bench = build()
    run = bench.open(threads=4)
    wanted = build_requests(40)
    outcomes = run.stream(wanted)
    next(outcomes)

    outcomes.close()  # type: ignore[attr-defined]  # a generator, as callers see it an iterator

    paid = {line.prompt for line in bench.simulator.state.read_bill()}
    assert 1 <= len(paid) <= 2 * 4
    assert len(list(bench.store.list("images/"))) == len(paid)
    for request in wanted:
        if request.prompt in paid:
            assert read_entry(bench.store, request).state == "stored"
    assert run.stop.reason() == "the run was interrupted"


def test_a_catalog_that_breaks_half_way_loses_no_paid_picture(build: BuildBench) -> None:
    bench = build()

    def requests() -> Iterator[ImageRequest]:
        yield from build_requests(3)
        message = "line 4"
        raise ValueError(message)

    with pytest.raises(ValueError, match="line 4"):
        bench.open().generate(requests())

    stored = list(bench.store.list("images/"))
    assert len(stored) == bench.paid


# --- Two at once ------------------------------------------------------------------------------


def test_two_generations_at_once_pay_each_picture_once(build: BuildBench) -> None:
    bench = build(latency_seconds=0.01)
    wanted = build_requests(24)
    runs = [bench.open(f"run-{number}", threads=6) for number in range(3)]

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda run: run.generate(wanted), runs))

    assert bench.paid == 24
    assert sum(calls(outcomes) for outcomes in results) == 24
    assert sum(outcome.possibly_paid_twice for part in results for outcome in part) == 0
    for outcomes in results:
        assert len(outcomes) == 24
        assert set(kinds(outcomes)) <= {*WITH_PICTURE, "held"}
    assert sum(kinds(outcomes)["generated"] for outcomes in results) == 24
    assert kinds(bench.open("run-9").generate(wanted)) == {"reused": 24}


@pytest.mark.slow
def test_a_run_with_everything_going_wrong_still_pays_at_most_as_counted(
    build: BuildBench,
) -> None:
    rates = {
        "lost_reply": 0.05,
        "gateway_502_billed": 0.05,
        "failed": 0.1,
        "late_object": 0.2,
        "expired_url": 0.2,
        "truncated_download": 0.2,
        "rate_limited": 0.1,
    }
    bench = build(faults={"rates": rates, "seed": 3})
    wanted = build_requests(60)

    outcomes = bench.open("run-1", threads=6).generate(wanted)

    assert len(outcomes) == 60
    assert set(kinds(outcomes)) <= {"generated", "held", "failed"}
    twice = sum(outcome.possibly_paid_twice for outcome in outcomes)
    for request in wanted:
        entry = read_entry(bench.store, request)
        assert len(bench.paid_uuids(request)) <= 1 + entry.possibly_paid_twice
    assert twice > 0
    assert kinds(outcomes)["generated"] > 50
