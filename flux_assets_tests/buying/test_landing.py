from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from flux_assets.bill.ledger_entry import LedgerEntry, State
from flux_assets.buying.outcome import Outcome
from flux_assets.errors import (
    ConditionFailedError,
    DownloadError,
    PictureError,
    ResultExpiredError,
    StoreError,
)
from flux_assets.image_api.client import ImageApiClient
from flux_assets.image_api.protocol import Reply
from flux_assets.storage.object_store import extra_reply_key, ledger_key, picture_key
from flux_assets_tests.fixtures.api_options import options_for
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    CALL_TIMEOUT_SECONDS,
    Bench,
    Run,
    build_bench,
    fetching_by,
    leave_accepted,
    overwrite_entry,
    read_entry,
)
from flux_assets_tests.fixtures.simulators import FakeTime, StartSimulator, is_picture

REQUEST = build_request()
WEEK_SECONDS = 604_800
BuildBench = Callable[..., Bench]


@pytest.fixture
def build(tmp_path: Path, start_simulator: StartSimulator) -> BuildBench:
    """A bench with a simulator of these options."""
    return lambda **options: build_bench(tmp_path, start_simulator, **options)


def stored_bytes(bench: Bench, outcome: Outcome) -> bytes:
    """The picture as it is in the store, noted in the ledger, and paid for once."""
    assert outcome.lineage is not None, outcome.reason
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.lineage) == ("stored", outcome.lineage)
    assert bench.paid_uuids(REQUEST) == [outcome.lineage.uuid]
    return bench.store.get(outcome.lineage.object_key).data


# --- What a crashed run left ------------------------------------------------------------------


def test_a_crashed_runs_paid_picture_is_recovered_by_its_url(build: BuildBench) -> None:
    bench = build(serves_synchronous_results=False)
    leave_accepted(bench.open("run-1"), REQUEST)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("recovered", 0)
    assert is_picture(stored_bytes(bench, outcome))


def test_once_its_url_has_expired_it_is_recovered_by_the_vendors_record(build: BuildBench) -> None:
    time = FakeTime()
    bench = build(clock=time.clock, sleep=time.sleep)
    leave_accepted(bench.open("run-1"), REQUEST)
    time.now += WEEK_SECONDS + 1

    outcome = bench.open("run-2").obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("recovered", 0)
    assert is_picture(stored_bytes(bench, outcome))


def test_without_url_and_record_it_is_asked_for_a_day_and_only_then_lost_with_nothing_erased(
    build: BuildBench,
) -> None:
    time = FakeTime()
    bench = build(
        clock=time.clock,
        sleep=time.sleep,
        serves_synchronous_results=False,
        serves_keys=False,
    )
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    time.now += WEEK_SECONDS + 1
    bench.pass_time(hours=1)

    kinds, asks = [], []
    for run in range(30):
        outcome = bench.open(f"run-{run + 2}").obtain(REQUEST)
        kinds.append(outcome.kind)
        asks.append(read_entry(bench.store, REQUEST).asks)
        bench.pass_time(hours=1)

    assert kinds == ["failed"] * 24 + ["lost"] * 6
    assert asks[0] == 1
    assert bench.clock.slept == []  # no run has waited for it
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.uuid) == ("lost", accepted.uuid)
    assert (entry.temporary_url, entry.result_keys) == (
        accepted.temporary_url,
        accepted.result_keys,
    )
    for place in ("its URL", "the vendor's record: the vendor does not know", "its storage key"):
        assert place in entry.reason
    assert bench.paid == 1


@pytest.mark.parametrize("state", ["accepted", "lost"])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_paid_picture_is_asked_for_once_more_before_it_is_released(
    build: BuildBench, state: State, *, is_there: bool
) -> None:
    bench = build(faults={"script": [None if is_there else "corrupt_object"]})
    entry = replace(leave_accepted(bench.open("run-1"), REQUEST), state=state, asks=9)
    overwrite_entry(bench.store, entry)
    before = read_entry(bench.store, REQUEST)

    problem = bench.open("run-2").purchase.settlement.ask_once(before)

    assert (problem == "") == is_there
    after = read_entry(bench.store, REQUEST)
    assert (after.state, after.asks) == (("stored", 0) if is_there else (state, 9))
    assert bench.clock.slept == []
    assert bench.paid == 1


def test_what_was_asked_for_in_vain_is_asked_again_with_growing_pauses(build: BuildBench) -> None:
    bench = build(faults={"script": ["corrupt_object"]})
    bench.open("run-1").obtain(REQUEST)

    asks = [read_entry(bench.store, REQUEST).asks]
    for minute in range(16):
        bench.open(f"run-{minute + 2}").obtain(REQUEST)
        asks.append(read_entry(bench.store, REQUEST).asks)
        bench.pass_time(minutes=1)

    assert asks == [1, 1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]


def test_one_403_does_not_lose_a_picture_that_comes_later(build: BuildBench) -> None:
    """As S3 answers for an object that is not there yet, where its signer may not list."""
    bench = build(serves_synchronous_results=False)
    run = bench.open("run-1")
    client = ForbiddenAtFirst(
        options_for(bench.simulator.base_url),
        api_key=run.purchase.sender.caller.client._api_key,
    )

    outcome = fetching_by(run.purchase, client).obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert is_picture(stored_bytes(bench, outcome))


class ForbiddenAtFirst(ImageApiClient):
    """A client whose first downloads are answered 403."""

    times = 4

    def download(self, url_or_key: str, **options: Any) -> bytes:  # noqa: ANN401 - as they are
        self.times -= 1
        if self.times >= 0:
            raise ResultExpiredError("s3: the URL is no longer valid (HTTP 403)")
        return super().download(url_or_key, **options)


def test_a_picture_that_is_stored_already_is_taken_without_a_download(build: BuildBench) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    first = bench.open("run-2").obtain(REQUEST)
    overwrite_entry(bench.store, accepted)  # as if the last write had not been done

    outcome = bench.open("run-3", base_url="http://127.0.0.1:1").obtain(REQUEST)

    assert [first.kind, outcome.kind] == ["recovered", "reused"]
    assert is_picture(stored_bytes(bench, outcome))


def test_a_picture_that_another_run_stores_meanwhile_is_not_lost_with_its_url(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["corrupt_object"]})
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    run = bench.open("run-2")
    other = bench.open("run-3").obtain(build_request("another"))
    assert other.lineage is not None
    picture = bench.store.get(other.lineage.object_key)
    key = stored_key()

    def before(operation: str, listed: str) -> None:
        """Just before the picture is given up."""
        if operation == "list" and bench.clock.slept:
            metadata = {"uuid": accepted.uuid}
            bench.store.put(key, picture.data, content_type="image/png", metadata=metadata)
            assert key.startswith(listed)

    bench.store.before = before

    outcome = run.obtain(REQUEST)

    assert outcome.kind == "recovered"
    assert stored_bytes(bench, outcome) == picture.data


def stored_key() -> str:
    return picture_key(
        shot=REQUEST.shot,
        product_id=REQUEST.product_id,
        fingerprint=REQUEST.fingerprint,
        extension="png",
    )


# --- Where the vendor gives no URL -----------------------------------------------------------


def test_a_reply_without_a_url_is_asked_for_one(build: BuildBench) -> None:
    bench = build(temporary_url_form="beside", faults={"script": ["poll_502"]})
    leave_accepted(bench.open("run-1"), REQUEST, kept_url=False)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert outcome.kind == "recovered"
    assert is_picture(stored_bytes(bench, outcome))


def test_a_fresh_picture_is_not_lost_where_the_vendor_neither_gives_a_url_nor_records(
    build: BuildBench,
) -> None:
    bench = build(temporary_url_form="empty", serves_synchronous_results=False, serves_keys=False)

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("failed", 1)
    entry = read_entry(bench.store, REQUEST)
    assert entry.state == "accepted"
    assert entry.result_keys[0] in outcome.reason  # it was tried


class StandInClient(ImageApiClient):
    """A client to which the vendor's record of each call says what a test wants."""

    answers: list[Reply | Exception | None]

    def fetch_result(self, uuid: str, *, timeout_seconds: float) -> Reply | None:
        del uuid, timeout_seconds
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def answer_results(run: Run, *answers: Reply | Exception | None) -> Run:
    client = StandInClient(
        options_for(run.purchase.sender.caller.client._base_url),
        api_key=run.purchase.sender.caller.client._api_key,
    )
    client.answers = list(answers)
    return replace(run, purchase=fetching_by(run.purchase, client))


def test_a_picture_that_is_still_being_made_is_waited_for(build: BuildBench) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    processing = Reply(uuid=accepted.uuid, status="processing")
    ready = Reply(uuid="", status="success", temporary_url=accepted.temporary_url)
    overwrite_entry(bench.store, replace(accepted, temporary_url=""))

    run = answer_results(bench.open("run-2"), processing, processing, ready)
    outcome = run.obtain(REQUEST)

    assert outcome.kind == "recovered"
    assert bench.clock.slept == [0.5, 1.0]


def test_a_picture_that_never_gets_ready_stays_accepted(build: BuildBench) -> None:
    bench = build(serves_keys=False)
    accepted = leave_accepted(bench.open("run-1"), REQUEST, kept_url=False)
    processing = Reply(uuid=accepted.uuid, status="processing")

    outcome = answer_results(bench.open("run-2"), *[processing] * 99).obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("failed", 0)
    assert "without a call" in outcome.reason
    assert CALL_TIMEOUT_SECONDS - 15 <= sum(bench.clock.slept) <= CALL_TIMEOUT_SECONDS
    assert read_entry(bench.store, REQUEST).state == "accepted"


def test_a_paid_picture_that_the_vendor_says_has_failed_is_asked_for_without_a_wait(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["failed"]})
    run = bench.open("run-1")
    answer = run.purchase.sender.caller.client
    entry = leave_failed_while_processing(bench, run)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert answer.fetch_result("", timeout_seconds=1) is None
    assert (outcome.kind, outcome.calls, entry.state) == ("failed", 0, "accepted")
    assert "the vendor failed to make the picture" in outcome.reason
    assert bench.clock.slept == []


def leave_failed_while_processing(bench: Bench, run: Run) -> LedgerEntry:
    """An accepted call that the vendor's record knows as failed since."""
    run.obtain(build_request("another"))
    (path,) = (Path(bench.simulator.state._directory) / "generations").glob("*.json")
    claim = run.ledger.claim(REQUEST, None)
    overwrite_entry(bench.store, replace(claim, state="accepted", uuid=path.stem))
    return read_entry(bench.store, REQUEST)


# --- Downloads that do not work at once ------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        "late_object",
        "truncated_download",
        "corrupt_download",
        "html_download",
        "download_503",
        "expired_url",
    ],
)
def test_a_download_that_goes_wrong_is_tried_again_without_a_call(
    build: BuildBench, fault: str
) -> None:
    bench = build(faults={"script": [fault]})

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert is_picture(stored_bytes(bench, outcome))


def test_bytes_that_are_always_damaged_stay_paid_and_are_not_bought_again(
    build: BuildBench,
) -> None:
    bench = build(faults={"script": ["corrupt_object"]})

    first, second = (bench.open(run).obtain(REQUEST) for run in ("run-1", "run-2"))

    assert [first.kind, second.kind] == ["failed", "failed"]
    assert [first.calls, second.calls] == [1, 0]
    assert len(bench.clock.slept) == 3  # for four downloads
    assert (second.is_known, "asked for 1 times in vain" in second.reason) == (True, True)
    assert read_entry(bench.store, REQUEST).state == "accepted"
    assert list(bench.store.list("images/")) == []


class PageClient(ImageApiClient):
    """A client behind a proxy that answers every download with a page."""

    def download(self, url_or_key: str, **options: Any) -> bytes:  # noqa: ANN401 - as they are
        del url_or_key, options
        return b"<!doctype html><title>Back soon</title>"


def test_a_proxys_page_instead_of_the_picture_does_not_lose_it(build: BuildBench) -> None:
    bench = build()
    run = bench.open("run-1")
    behind_proxy = PageClient(
        options_for(bench.simulator.base_url), api_key=run.purchase.sender.caller.client._api_key
    )

    first = fetching_by(run.purchase, behind_proxy).obtain(REQUEST)

    assert (first.kind, read_entry(bench.store, REQUEST).state) == ("failed", "accepted")
    assert "an HTML page" in first.reason
    bench.pass_time(minutes=1)
    outcome = bench.open("run-2").obtain(REQUEST)
    assert outcome.kind == "recovered"
    assert is_picture(stored_bytes(bench, outcome))


def test_a_url_that_leads_elsewhere_leaves_the_picture_for_a_later_run(build: BuildBench) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    elsewhere = replace(
        accepted, temporary_url="https://cdn.example/a.png?s=1", uuid="another", result_keys=()
    )
    overwrite_entry(bench.store, elsewhere)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert outcome.kind == "failed"
    assert "FLUX_ASSETS_RESULT_HOSTS" in outcome.reason
    assert read_entry(bench.store, REQUEST).state == "accepted"


def test_a_stop_of_the_run_does_not_leave_a_paid_picture_behind(build: BuildBench) -> None:
    bench = build()
    leave_accepted(bench.open("run-1"), REQUEST)
    run = bench.open("run-2")
    run.stop.trip("the key is not accepted")

    assert run.obtain(REQUEST).kind == "recovered"


# --- Into the store ---------------------------------------------------------------------------


def test_a_picture_of_the_wrong_shape_is_stored_with_a_warning(build: BuildBench) -> None:
    bench = build()
    run = bench.open("run-1")
    square = leave_accepted(run, build_request("square"))
    wide = build_request("wide", aspect_ratio="16:9", output_format="jpg")
    claim = run.ledger.claim(wide, None)
    overwrite_entry(
        bench.store,
        replace(claim, state="accepted", uuid=square.uuid, temporary_url=square.temporary_url),
    )

    outcome = bench.open("run-2").obtain(wide)

    lineage = outcome.lineage
    assert outcome.kind == "recovered"
    assert lineage is not None
    assert lineage.object_key.endswith(".png")
    assert lineage.content_type == "image/png"
    warnings = "; ".join(lineage.warnings)
    assert "asked for jpg, received png" in warnings
    assert f"asked for 16:9, received {lineage.width_px} x {lineage.height_px}" in warnings
    assert is_picture(bench.store.get(lineage.object_key).data)


def test_a_store_that_cannot_take_the_picture_leaves_it_accepted(build: BuildBench) -> None:
    bench = build()

    def before(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            raise StoreError(key, "write", "the disk is full")

    bench.store.before = before
    first = bench.open("run-1").obtain(REQUEST)
    bench.store.before = lambda *_: None
    second = bench.open("run-2").obtain(REQUEST)

    assert [first.kind, second.kind] == ["failed", "recovered"]
    assert [first.calls, second.calls] == [1, 0]
    assert "the disk is full" in first.reason
    assert is_picture(stored_bytes(bench, second))


def test_a_reply_that_the_ledger_cannot_note_does_not_keep_its_picture_from_the_store(
    build: BuildBench,
) -> None:
    bench = build()

    def before(operation: str, key: str) -> None:
        unnoted = operation == "put" and key.startswith("ledger/") and bench.paid
        if unnoted and not list(bench.store.list("images/")):
            raise StoreError(key, "write", "no connection")

    bench.store.before = before

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.calls) == ("generated", 1)
    assert is_picture(stored_bytes(bench, outcome))


def test_a_reply_that_nothing_can_keep_is_named_for_a_person(
    build: BuildBench, caplog: pytest.LogCaptureFixture
) -> None:
    bench = build()

    def before(operation: str, key: str) -> None:
        if operation == "put" and bench.paid:
            raise StoreError(key, "write", "no connection")

    bench.store.before = before

    outcome = bench.open("run-1").obtain(REQUEST)

    (uuid,) = bench.paid_uuids(REQUEST)
    assert (outcome.kind, outcome.calls) == ("failed", 1)
    assert f"call {uuid} is paid" in outcome.reason
    assert f"call {uuid} is paid" in caplog.text
    assert sum(bench.clock.slept) >= CALL_TIMEOUT_SECONDS
    bench.store.before = lambda *_: None
    again = bench.open("run-2", dead_runs={"run-1"}).obtain(REQUEST)
    assert (again.kind, again.possibly_paid_twice) == ("generated", 1)


def test_a_put_that_the_client_retried_is_no_second_picture(build: BuildBench) -> None:
    bench = build()

    def after(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("images/"):
            raise ConditionFailedError(key, "write", "412 to the winner")

    bench.store.after = after

    outcome = bench.open().obtain(REQUEST)

    assert (outcome.kind, outcome.possibly_paid_twice) == ("generated", 0)
    assert is_picture(stored_bytes(bench, outcome))


@pytest.mark.parametrize("crashed", [False, True])
def test_a_second_paid_picture_yields_to_the_first_and_is_counted(
    build: BuildBench, caplog: pytest.LogCaptureFixture, *, crashed: bool
) -> None:
    bench = build()
    first = bench.open("run-1").obtain(REQUEST)
    assert first.lineage is not None
    picture = bench.store.get(first.lineage.object_key).data
    Path(bench.store.uri_for(ledger_key(REQUEST.fingerprint))).unlink()
    second_call = leave_accepted(bench.open("run-2"), REQUEST)

    run = bench.open("run-3")
    if not crashed:
        run.purchase.settlement.landing.land(REQUEST, run.ledger.take_up(second_call))
    outcome = run.obtain(REQUEST)

    assert (outcome.kind, bench.paid) == ("reused", 2)
    assert outcome.lineage is not None
    assert (outcome.lineage.uuid, outcome.lineage.possibly_paid_twice) == (first.lineage.uuid, 1)
    assert bench.store.get(outcome.lineage.object_key).data == picture
    entry = read_entry(bench.store, REQUEST)
    assert (entry.uuid, entry.possibly_paid_twice) == (first.lineage.uuid, 1)
    beside = bench.store.get(extra_reply_key(REQUEST.fingerprint, second_call.uuid)).data
    assert b"X-Amz" not in beside
    assert "paid twice" in caplog.text


def test_a_stored_object_that_is_no_picture_is_not_taken_for_one(build: BuildBench) -> None:
    bench = build()
    leave_accepted(bench.open("run-1"), REQUEST)
    bench.store.put(stored_key(), b"\x89PNG\r\n\x1a\n", content_type="image/png")

    with pytest.raises(PictureError):
        bench.open("run-2").obtain(REQUEST)

    assert read_entry(bench.store, REQUEST).state == "accepted"


def test_an_answer_that_may_come_later_is_asked_for_again(build: BuildBench) -> None:
    bench = build()
    accepted = leave_accepted(bench.open("run-1"), REQUEST)
    overwrite_entry(bench.store, replace(accepted, temporary_url=""))
    ready = Reply(uuid="", status="success", temporary_url=accepted.temporary_url)

    run = answer_results(bench.open("run-2"), DownloadError("HTTP 502"), ready)

    assert run.obtain(REQUEST).kind == "recovered"
