import logging
import math
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import requests

from flux_assets.bill.breaker import MAX_OF_A_KIND
from flux_assets.bill.ledger_entry import ClaimLostError
from flux_assets.buying.outcome import OutcomeKind
from flux_assets.buying.sending import MIN_FREE_BYTES
from flux_assets.errors import StoreError
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.protocol import Reply
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.options import SAMPLE_KEY
from flux_assets.storage.object_store import budget_key, ledger_key, run_key
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.clocks import UTC_NOW
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    Bench,
    Run,
    build_bench,
    build_ledger,
    build_rules,
    leave_accepted,
    read_entry,
)
from flux_assets_tests.fixtures.simulators import StartSimulator, get_result

REQUEST = build_request()
BuildBench = Callable[..., Bench]


@pytest.fixture
def build(tmp_path: Path, start_simulator: StartSimulator) -> BuildBench:
    """A bench with a simulator of these options."""
    return lambda **options: build_bench(tmp_path, start_simulator, **options)


@pytest.fixture
def bench(build: BuildBench) -> Bench:
    return build()


def spent_today(bench: Bench) -> str:
    """The day's spending counter, as text."""
    (info,) = bench.store.list("budget/")
    assert info.key == budget_key(bench.store.now().strftime("%Y-%m-%d"))
    return bench.store.get(info.key).data.decode()


# --- Buying -----------------------------------------------------------------------------------


def test_a_picture_is_bought_once_and_stored_byte_for_byte(bench: Bench) -> None:
    outcome = bench.open(preview_px=64).obtain(REQUEST)

    lineage = outcome.lineage
    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 1, 0)
    assert outcome.preview.startswith(b"\xff\xd8")
    assert lineage is not None
    assert bench.paid_uuids(REQUEST) == [lineage.uuid]
    served = requests.get(
        get_result(bench.simulator, lineage.uuid).json()["aiRecord"]["temporaryUrl"], timeout=10
    )
    stored = bench.store.get(lineage.object_key)
    assert stored.data == served.content
    assert stored.content_type == "image/png"
    assert stored.metadata["uuid"] == lineage.uuid
    assert stored.metadata["fingerprint"] == REQUEST.fingerprint
    assert lineage.request_fingerprint == REQUEST.fingerprint
    assert (lineage.attempts, lineage.run_id, lineage.mode) == (1, "run-1", "sample")
    assert lineage.generated_at == UTC_NOW.isoformat()


def test_the_ledger_entry_of_a_stored_picture_is_its_lineage(bench: Bench) -> None:
    outcome = bench.open().obtain(REQUEST)

    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.lineage) == ("stored", outcome.lineage)
    assert entry.temporary_url == ""


def test_a_second_run_reuses_the_picture_and_pays_nothing(bench: Bench) -> None:
    first = bench.open("run-1").obtain(REQUEST)

    second = bench.open("run-2", preview_px=64).obtain(REQUEST)

    assert (second.kind, second.calls, second.lineage) == ("reused", 0, first.lineage)
    assert second.preview
    assert bench.paid == 1


@pytest.mark.parametrize("dead", [False, True])
def test_a_stored_picture_whose_entry_lags_is_adopted(bench: Bench, *, dead: bool) -> None:
    first = bench.open("run-1").obtain(REQUEST)
    assert first.lineage is not None
    Path(bench.store.uri_for(ledger_key(REQUEST.fingerprint))).unlink()
    if dead:
        build_ledger(bench.store, "run-1").claim(REQUEST, None)

    run = bench.open("run-2", dead_runs={"run-1"})
    key = first.lineage.object_key
    second = run.obtain(REQUEST) if dead else run.purchase.reuse(REQUEST, key)

    assert second.kind == "reused"
    assert second.lineage is not None
    assert second.lineage.uuid == first.lineage.uuid
    assert second.lineage.sha256 == first.lineage.sha256
    assert second.lineage.generated_at[:10] == bench.store.now().strftime("%Y-%m-%d")
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.uuid, entry.lineage) == (
        "stored",
        first.lineage.uuid,
        second.lineage,
    )
    assert bench.paid == 1


def test_a_stored_picture_that_is_gone_is_reported_and_not_bought_again(bench: Bench) -> None:
    first = bench.open("run-1").obtain(REQUEST)
    assert first.lineage is not None
    Path(bench.store.uri_for(first.lineage.object_key)).unlink()

    outcome = bench.open("run-2").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("lost", 0)
    assert first.lineage.object_key in outcome.reason
    assert bench.paid == 1


def test_what_another_live_run_claims_is_held(bench: Bench) -> None:
    build_ledger(bench.store, "run-1").claim(REQUEST, None)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("held", 0)
    assert "run run-1, step generate" in outcome.reason
    assert bench.paid == 0


def test_a_dead_runs_claim_is_sent_again_and_counted(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    build_ledger(bench.store, "run-1").claim(REQUEST, None)

    outcome = bench.open("run-2", dead_runs={"run-1"}).obtain(REQUEST)

    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 1, 1)
    assert outcome.lineage is not None
    assert (outcome.lineage.attempts, outcome.lineage.possibly_paid_twice) == (2, 1)
    assert "possibly paid twice" in caplog.text


# --- Refusals and failures --------------------------------------------------------------------


@pytest.mark.parametrize("form", ["http_error", "failed_record"])
def test_a_refused_request_is_not_sent_again_unless_asked(build: BuildBench, form: str) -> None:
    request = build_request(prompt="a forbidden-word")
    bench = build(moderation_form=form)
    first = bench.open("run-1").obtain(request)
    again = bench.open("run-2").obtain(request)
    asked = bench.open("run-3", rules=build_rules(retry_refused=True)).obtain(request)

    assert [first.kind, again.kind, asked.kind] == ["refused"] * 3
    assert [first.calls, again.calls, asked.calls] == [1, 0, 1]
    assert "flagged" in again.reason
    assert not first.may_send_again
    assert not asked.may_send_again
    assert read_entry(bench.store, request).attempts == 2


@pytest.mark.parametrize("fault", ["failed", "failure", "error_object"])
def test_a_failed_call_may_be_sent_again_as_often_as_allowed(build: BuildBench, fault: str) -> None:
    bench = build(faults={"script": [fault, fault]})
    run = bench.open()
    first, second, third = (run.obtain(REQUEST) for _ in range(3))

    assert [first.kind, second.kind, third.kind] == ["failed"] * 3
    assert [first.may_send_again, second.may_send_again, third.may_send_again] == [1, 0, 0]
    assert [first.calls, second.calls, third.calls] == [1, 1, 0]
    assert "failed 2 times" in third.reason
    assert second.possibly_paid_twice == 0


def test_a_failed_call_that_works_the_second_time_is_one_picture(build: BuildBench) -> None:
    bench = build(faults={"script": ["failed"]})
    run = bench.open()
    run.obtain(REQUEST)

    outcome = run.obtain(REQUEST)

    assert outcome.kind == "generated"
    assert outcome.lineage is not None
    assert (outcome.lineage.attempts, outcome.lineage.possibly_paid_twice) == (2, 0)
    assert bench.paid == 1


@pytest.mark.parametrize("fault", ["lost_reply", "lost_request", "gateway_502", "gateway_524"])
def test_an_unknown_outcome_is_never_sent_again_in_place(build: BuildBench, fault: str) -> None:
    bench = build(faults={"script": [fault]})
    run = bench.open()

    first = run.obtain(REQUEST)

    assert (first.kind, first.calls, first.may_send_again) == ("failed", 1, True)
    assert read_entry(bench.store, REQUEST).state == "unknown"
    second = run.obtain(REQUEST)
    assert (second.kind, second.calls, second.possibly_paid_twice) == ("generated", 1, 1)
    assert bench.paid == 1 + (fault == "lost_reply")


def test_unknown_outcomes_are_held_once_the_attempts_are_used_up(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply", "gateway_504_billed"]})
    run = bench.open("run-1")
    first, second = run.obtain(REQUEST), run.obtain(REQUEST)
    third = bench.open("run-2").obtain(REQUEST)

    assert [first.kind, second.kind, third.kind] == ["failed", "held", "held"]
    assert [first.calls, second.calls, third.calls] == [1, 1, 0]
    assert not second.may_send_again
    assert "may have been paid" in third.reason
    assert f"flux-assets ledger release {third.request.fingerprint[:16]}`" in third.reason
    assert bench.paid == 2


def test_an_unknown_outcome_is_left_to_a_person_where_the_rules_say_so(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply"]})
    run = bench.open(rules=build_rules(hold_unknown=True))

    first, second = run.obtain(REQUEST), run.obtain(REQUEST)

    assert [first.kind, second.kind] == ["held", "held"]
    assert not first.may_send_again
    assert [first.calls, second.calls] == [1, 0]
    assert bench.paid == 1


# --- What is known to have made nothing -------------------------------------------------------


def test_a_rate_limit_is_waited_out_and_counts_as_nothing(build: BuildBench) -> None:
    bench = build(faults={"script": ["rate_limited", "rate_limited"]})
    run = bench.open(budget_batch=1)
    began = bench.clock.monotonic()

    outcome = run.obtain(REQUEST)

    assert (outcome.kind, outcome.calls, outcome.possibly_paid_twice) == ("generated", 1, 0)
    assert bench.clock.monotonic() - began >= 2 * 26
    assert outcome.lineage is not None
    assert outcome.lineage.attempts == 1
    assert read_entry(bench.store, REQUEST).revision == 5  # claim, two renewals, reply, stored
    assert ": 1" in spent_today(bench)
    assert bench.paid == 1


def test_a_rate_limit_that_does_not_end_gives_up_and_counts_as_nothing(build: BuildBench) -> None:
    bench = build(faults={"script": ["rate_limited"] * 9})

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("failed", 0)
    assert "rate limited" in outcome.reason
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.attempts) == ("failed", 0)


def test_a_stop_during_the_wait_gives_the_claim_back(build: BuildBench) -> None:
    bench = build(faults={"script": ["rate_limited"]})
    run = bench.open(budget_batch=1)
    run.purchase.sender.pace._wait = lambda *_: run.stop.halt("interrupted")

    outcome = run.obtain(REQUEST)

    assert (outcome.kind, outcome.calls, outcome.reason) == ("not_attempted", 0, "interrupted")
    assert read_entry(bench.store, REQUEST).attempts == 0
    run.budget.close()
    assert ": 0" in spent_today(bench)


def test_a_claim_that_is_taken_over_during_the_wait_is_not_sent(build: BuildBench) -> None:
    bench = build(faults={"script": ["rate_limited"]})
    run = bench.open("run-1", budget_batch=1)
    taken: list[OutcomeKind] = []

    def take_over(condition: object, seconds: float) -> None:
        del condition
        bench.clock.sleep(seconds)
        if not taken:
            taken.append(bench.open("run-2", dead_runs={"run-1"}).obtain(REQUEST).kind)

    run.purchase.sender.pace._wait = take_over

    outcome = run.obtain(REQUEST)

    assert (taken, outcome.kind, outcome.calls) == (["generated"], "reused", 0)
    assert bench.paid == 1


def dead_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_a_refused_connection_counts_as_nothing_and_says_so(bench: Bench) -> None:
    run = bench.open(base_url=f"http://127.0.0.1:{dead_port()}", budget_batch=1)

    outcome = run.obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("not_attempted", 0)
    assert "the API could not be reached for 30 s, and nothing was sent" in outcome.reason
    assert read_entry(bench.store, REQUEST).attempts == 0
    run.budget.close()
    assert ": 0" in spent_today(bench)
    assert bench.open("run-2").obtain(REQUEST).kind == "generated"


def test_a_refused_connection_does_not_make_an_unknown_outcome_known(build: BuildBench) -> None:
    bench = build(faults={"script": ["lost_reply"]})
    bench.open("run-1").obtain(REQUEST)
    before = read_entry(bench.store, REQUEST)

    outcome = bench.open("run-2", base_url=f"http://127.0.0.1:{dead_port()}").obtain(REQUEST)

    assert (outcome.calls, outcome.possibly_paid_twice) == (0, 0)
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.reason) == ("unknown", before.reason)
    assert (entry.attempts, entry.possibly_paid_twice) == (1, 0)
    held = bench.open("run-3", rules=build_rules(hold_unknown=True)).obtain(REQUEST)
    assert held.kind == "held"


def test_the_daily_limit_stops_before_anything_is_claimed_or_sent(bench: Bench) -> None:
    run = bench.open(daily_limit=0)

    first, second = run.obtain(REQUEST), run.obtain(REQUEST)

    assert [first.kind, second.kind] == ["not_attempted"] * 2
    assert "FLUX_ASSETS_DAILY_IMAGE_LIMIT" in second.reason
    assert build_ledger(bench.store).read(REQUEST.fingerprint) is None
    assert bench.paid == 0


def test_a_disk_that_is_nearly_full_stops_the_run_before_anything_is_claimed_or_sent(
    bench: Bench,
) -> None:
    bench.store.free = MIN_FREE_BYTES - 1
    outcome = bench.open().obtain(REQUEST)
    assert outcome.kind == "not_attempted"
    assert "has only 255 MiB left" in outcome.reason
    assert bench.simulator.state.read_bill() == []
    bench.store.free = MIN_FREE_BYTES
    assert bench.open("run-2").obtain(REQUEST).kind == "generated"


def test_a_used_up_day_takes_no_start_from_the_rate_limit(bench: Bench) -> None:
    run = bench.open(daily_limit=0)
    run.obtain(REQUEST)
    starts = len(run.purchase.sender.pace._starts)

    run.obtain(build_request("other"))

    assert len(run.purchase.sender.pace._starts) == starts


# --- The account ------------------------------------------------------------------------------


def ask_with_bad_key(build: BuildBench) -> tuple[Bench, Run, ImageRequest]:
    bench = build(keys=frozenset({"another"}))
    return bench, bench.open(), REQUEST


def ask_without_credits(build: BuildBench) -> tuple[Bench, Run, ImageRequest]:
    bench = build(faults={"out_of_credits_after": 0})
    return bench, bench.open(), REQUEST


def ask_without_credits_in_a_record(build: BuildBench) -> tuple[Bench, Run, ImageRequest]:
    bench = build(faults={"out_of_credits_after": 0}, out_of_credits_form="error_object")
    return bench, bench.open(), REQUEST


def ask_for_unsupported_model(build: BuildBench) -> tuple[Bench, Run, ImageRequest]:
    bench = build()
    return bench, bench.open(), replace(REQUEST, model="black-forest-labs/flux-0")


@pytest.mark.parametrize(
    ("ask", "reason"),
    [
        (ask_with_bad_key, "ONEMIN_API_KEY"),
        (ask_without_credits, "add credits"),
        (ask_without_credits_in_a_record, "add credits"),
        (ask_for_unsupported_model, "unknown or disabled"),
    ],
)
def test_an_account_problem_stops_the_run_and_uses_up_no_attempt(
    build: BuildBench,
    ask: Callable[[BuildBench], tuple[Bench, Run, ImageRequest]],
    reason: str,
) -> None:
    bench, run, request = ask(build)

    outcome = run.obtain(request)

    assert (outcome.kind, outcome.calls, outcome.may_send_again) == ("failed", 1, False)
    assert reason in outcome.reason
    entry = read_entry(bench.store, request)
    assert (entry.state, entry.attempts) == ("failed", 0)
    assert reason.encode() in bench.store.get(run_key("run-1", "stop.json")).data
    other = bench.open("run-1").obtain(build_request("other"))
    assert (other.kind, other.calls, other.reason) == ("not_attempted", 0, run.stop.reason())


def test_a_request_that_the_gateway_turns_away_while_others_are_answered_is_refused(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["gateway_403", None, "gateway_403"]})
    run = bench.open(threads=1)

    _, outcome = run.generate([REQUEST, build_request("other")])

    assert (outcome.kind, outcome.calls) == ("refused", 2)
    assert "firewall turns this request away" in outcome.reason
    assert read_entry(bench.store, REQUEST).state == "refused"
    assert run.stop.reason() == ""


def test_a_request_that_alone_is_turned_away_is_neither_counted_nor_refused_for_good(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["gateway_403"] * 2})
    run = bench.open()

    [outcome] = run.generate([REQUEST])

    assert (outcome.kind, outcome.calls) == ("failed", 2)
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.attempts) == ("failed", 0)
    assert run.stop.reason() == ""
    assert bench.open("run-2").obtain(REQUEST).kind == "generated"


class BrokenClient(ImageApiClient):
    """A client whose reader of replies has a bug."""

    def submit(
        self,
        request: ImageRequest,
        *,
        timeout_seconds: float,
        asset_key: str = "",
        send_within_seconds: float = math.inf,
    ) -> Reply:
        del send_within_seconds
        super().submit(request, timeout_seconds=timeout_seconds, asset_key=asset_key)
        message = "a bug of ours"
        raise KeyError(message)


def test_replies_that_our_own_bug_cannot_read_stop_the_run_like_unanswered_ones(
    bench: Bench,
) -> None:
    run = bench.open()
    broken = BrokenClient(
        options_for(bench.simulator.base_url), api_key=run.purchase.sender.caller.client._api_key
    )
    caller = replace(run.purchase.sender.caller, client=broken)
    purchase = replace(run.purchase, sender=replace(run.purchase.sender, caller=caller))

    for number in range(MAX_OF_A_KIND):
        with pytest.raises(KeyError):
            purchase.obtain(build_request(str(number)))

    assert purchase.obtain(REQUEST).kind == "not_attempted"
    assert bench.paid == MAX_OF_A_KIND


# --- Secrets ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [[], ["late_object"], ["expired_url"], ["lost_reply"], ["failed"], ["corrupt_download"]],
)
def test_neither_key_nor_signed_url_appears_anywhere(
    build: BuildBench, script: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, logger="urllib3")  # at DEBUG it logs every URL by itself
    bench = build(faults={"script": script})
    run = bench.open()

    outcome = run.obtain(REQUEST)

    entry = read_entry(bench.store, REQUEST)
    stored = b"".join(bench.store.get(info.key).data for info in bench.store.list("ledger/"))
    everything = f"{outcome!r} {entry!r} {ClaimLostError(entry)!r} {run!r} {caplog.text} {stored!r}"
    assert SAMPLE_KEY not in everything
    assert "X-Amz" not in everything


def test_a_failing_store_does_not_bring_the_signed_url_into_the_reason(bench: Bench) -> None:
    key = ledger_key(REQUEST.fingerprint)

    def after(operation: str, written: str) -> None:
        """Once the claim is written, another reply comes first, and its entry is unreadable."""
        if operation == "put" and written == key:
            bench.store.after = lambda *_: None
            Path(bench.store.uri_for(key)).unlink()
            leave_accepted(bench.open("run-2"), REQUEST)
            bench.store.before = fail_second_read

    reads: list[str] = []

    def fail_second_read(operation: str, read: str) -> None:
        if operation == "get" and read == key:
            reads.append(read)
            if len(reads) == 2:
                raise StoreError(key, "read", "no connection")

    bench.store.after = after

    outcome = bench.open("run-1").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("failed", 1)
    assert "is paid" in outcome.reason
    assert "no connection" in outcome.reason
    assert "X-Amz" not in outcome.reason
