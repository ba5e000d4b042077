import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from flux_assets.bill import ledger_objects
from flux_assets.bill.ledger import RENEWED_SHARE, Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry, State
from flux_assets.bill.process_identity import NO_THREAD, this_process
from flux_assets.bill.send_rules import SendRules, Standing
from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore, extra_reply_key, ledger_key
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    ELSEWHERE,
    LEASE_SECONDS,
    build_call,
    build_ledger,
    build_lineage,
    build_rules,
    overwrite_entry,
    read_entry,
)

REQUEST = build_request()
SIGNED_URL = "https://asset.1min.ai/images/call-1.png?X-Amz-Signature=0a1b2c"


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


@pytest.fixture
def ledger(store: HookedStore) -> Ledger:
    return build_ledger(store)


def fail_after_writing(store: HookedStore, error: type[StoreError], *, times: int = 1) -> None:
    """Let the next ledger writes be done and yet be reported as failed."""
    left = [times]

    def after(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("ledger/") and left[0]:
            left[0] -= 1
            raise error(key, "write", "injected")

    store.after = after


def claim_elsewhere(store: ObjectStore, *, run_id: str = "run-2") -> LedgerEntry:
    """A claim of another run on another host, as this one reads it."""
    claim = build_ledger(store, run_id).claim(REQUEST, None)
    overwrite_entry(store, replace(claim, process=ELSEWHERE))
    return read_entry(store, REQUEST)


def test_nothing_is_known_of_a_request_that_was_never_claimed(ledger: Ledger) -> None:
    assert ledger.read(REQUEST.fingerprint) is None


def test_a_claim_says_who_sends_what(ledger: Ledger, store: HookedStore) -> None:
    ledger.claim(REQUEST, None)

    entry = read_entry(store, REQUEST)
    assert (entry.state, entry.revision, entry.attempts) == ("claimed", 1, 1)
    assert (entry.run_id, entry.step, entry.process) == ("run-1", "generate", this_process())
    assert ImageRequest.from_json(entry.request) == REQUEST
    assert entry.possibly_paid_twice == 0


def test_the_second_claimer_loses_and_sees_the_first(ledger: Ledger, store: HookedStore) -> None:
    first = ledger.claim(REQUEST, None)

    with pytest.raises(ClaimLostError) as lost:
        build_ledger(store, "run-2").claim(REQUEST, None)

    assert lost.value.found == first
    assert read_entry(store, REQUEST) == first


@pytest.mark.parametrize("known", [False, True])
def test_of_many_threads_that_claim_at_once_one_wins(store: HookedStore, *, known: bool) -> None:
    previous = None
    if known:
        first = build_ledger(store)
        previous = first.record_failed(first.claim(REQUEST, None), "broken down")
    start = Barrier(16)

    def claim(number: int) -> str | None:
        start.wait()
        try:
            return build_ledger(store, f"run-{number}").claim(REQUEST, previous).claim_id
        except ClaimLostError:
            return None

    with ThreadPoolExecutor(16) as pool:
        winners = [claim_id for claim_id in pool.map(claim, range(16)) if claim_id]
    assert winners == [read_entry(store, REQUEST).claim_id]


@pytest.mark.parametrize("error", [ConditionFailedError, StoreError])
def test_a_writer_recognises_its_own_write_that_was_reported_as_failed(
    store: HookedStore, ledger: Ledger, error: type[StoreError]
) -> None:
    fail_after_writing(store, error)
    claim = ledger.claim(REQUEST, None)
    fail_after_writing(store, error)
    accepted = ledger.record_reply(claim, build_call())

    assert read_entry(store, REQUEST) == accepted
    assert (accepted.state, accepted.revision) == ("accepted", 2)
    ledger.record_lost(accepted, "so the etag that was given is the right one")


def test_a_write_that_was_not_done_is_tried_again(store: HookedStore, ledger: Ledger) -> None:
    failures = [StoreError("ledger", "write", "injected")] * 2

    def before(operation: str, _key: str) -> None:
        if operation == "put" and failures:
            raise failures.pop()

    store.before = before

    ledger.claim(REQUEST, None)

    assert read_entry(store, REQUEST).state == "claimed"


def test_a_change_that_was_not_done_is_tried_again(store: HookedStore, ledger: Ledger) -> None:
    claim = ledger.claim(REQUEST, None)
    failures = [StoreError("ledger", "write", "injected")] * 2

    def before(operation: str, _key: str) -> None:
        if operation == "put" and failures:
            raise failures.pop()

    store.before = before

    ledger.record_reply(claim, build_call())

    assert read_entry(store, REQUEST).state == "accepted"
    assert len(list(store.list("ledger/"))) == 1


def test_a_write_that_always_fails_is_an_error_and_leaves_nothing(
    store: HookedStore, ledger: Ledger
) -> None:
    def before(operation: str, key: str) -> None:
        if operation == "put":
            raise StoreError(key, "write", "the disk is full")

    store.before = before

    with pytest.raises(StoreError, match="the disk is full"):
        ledger.claim(REQUEST, None)
    assert ledger.read(REQUEST.fingerprint) is None


def test_a_stale_writer_cannot_overwrite(store: HookedStore, ledger: Ledger) -> None:
    claim = ledger.claim(REQUEST, None)
    taken = build_ledger(store, "run-2").claim(REQUEST, claim)

    for write in (ledger.record_refused, ledger.record_failed, ledger.record_unknown):
        with pytest.raises(ClaimLostError) as lost:
            write(claim, "too late")
        assert lost.value.found == taken
    with pytest.raises(ClaimLostError):
        ledger.renew(claim)
    assert read_entry(store, REQUEST) == taken


def test_two_writes_of_one_claim_at_one_revision_are_told_apart(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    ledger.record_reply(claim, build_call())  # which its writer took for failed

    with pytest.raises(ClaimLostError):
        ledger.record_unknown(claim, "as if nothing had come")
    assert read_entry(store, REQUEST).state == "accepted"


def test_a_claim_that_somebody_deleted_can_still_take_the_reply(
    tmp_path: Path, ledger: Ledger, store: HookedStore
) -> None:
    claim = ledger.claim(REQUEST, None)
    (tmp_path / "store" / ledger_key(REQUEST.fingerprint)).unlink()

    ledger.record_reply(claim, build_call())

    assert read_entry(store, REQUEST).uuid == "call-1"


# --- Proof of death --------------------------------------------------------------------------


def open_ledger_of(
    store: ObjectStore, run_id: str = "run-1", *, lease_seconds: float = LEASE_SECONDS
) -> Ledger:
    """A ledger that takes every run to have ended."""
    return Ledger(
        store,
        run_id=run_id,
        step="generate",
        lease_seconds=lease_seconds,
        is_run_dead=lambda _run: True,
    )


@pytest.mark.parametrize("lease_seconds", [30.0, LEASE_SECONDS, 3_600.0])
def test_of_a_run_that_has_ended_one_renewal_that_does_not_come_is_proof(
    store: HookedStore, lease_seconds: float
) -> None:
    """Its step may live on, on another machine; the reader's own lease does not count."""
    claim = claim_elsewhere(store, run_id="run-2")
    ledger = open_ledger_of(store, lease_seconds=lease_seconds)
    store.skew = timedelta(seconds=LEASE_SECONDS * RENEWED_SHARE + 5)
    assert not ledger.is_abandoned(claim)
    store.skew = timedelta(seconds=LEASE_SECONDS / 2 + 1)
    assert ledger.is_abandoned(claim)


def test_a_run_that_is_not_known_to_have_ended_proves_nothing(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = claim_elsewhere(store, run_id="run-2")
    store.skew = timedelta(seconds=LEASE_SECONDS - 5)
    assert not ledger.is_abandoned(claim)


def test_the_own_run_is_never_proof_since_a_redelivered_step_bears_its_name(
    store: HookedStore,
) -> None:
    claim = claim_elsewhere(store, run_id="run-1")
    store.skew = timedelta(seconds=LEASE_SECONDS - 5)
    assert not open_ledger_of(store).is_abandoned(claim)


def test_who_lives_on_this_host_has_abandoned_nothing_whatever_run_and_lease_say(
    store: HookedStore,
) -> None:
    open_ledger_of(store, "run-2").claim(REQUEST, None)
    store.pass_time(timedelta(days=1))
    assert not open_ledger_of(store).is_abandoned(read_entry(store, REQUEST))


def test_a_thread_that_has_ended_has_abandoned_its_claim_though_its_process_lives(
    store: HookedStore,
) -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(build_ledger(store, "run-2").claim, REQUEST, None).result()
        assert not build_ledger(store).is_abandoned(read_entry(store, REQUEST))
    while not build_ledger(store).is_abandoned(read_entry(store, REQUEST)):
        pass  # the kernel's thread ends a moment later than Python's


def test_an_older_releases_claim_is_good_for_as_long_as_the_reader_thinks(
    store: HookedStore,
) -> None:
    overwrite_entry(store, replace(claim_elsewhere(store), lease_seconds=0, thread=NO_THREAD))
    claim = read_entry(store, REQUEST)
    store.skew = timedelta(seconds=100)
    assert not open_ledger_of(store).is_abandoned(claim)
    assert open_ledger_of(store, lease_seconds=99).is_abandoned(claim)


def test_a_process_that_is_gone_from_this_host_has_abandoned_its_claim(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = claim_elsewhere(store)
    here = this_process()
    gone = replace(claim, process=replace(here, start_ticks=here.start_ticks - 1))
    assert ledger.is_abandoned(gone)
    assert not ledger.is_abandoned(replace(claim, process=here))
    assert not ledger.is_abandoned(replace(gone, process=replace(gone.process, boot_id="other")))


@pytest.mark.parametrize("skew_days", [-4_000, 0, 4_000])
def test_the_lease_ends_by_the_clock_of_the_store_alone(
    store: HookedStore, ledger: Ledger, skew_days: int
) -> None:
    store.skew = timedelta(days=skew_days)
    claim = claim_elsewhere(store)
    assert not ledger.is_abandoned(claim)
    store.skew += timedelta(seconds=LEASE_SECONDS - 5)
    assert not ledger.is_abandoned(claim)
    store.skew += timedelta(seconds=6)
    assert ledger.is_abandoned(claim)


def test_a_claim_that_another_thread_has_renewed_since_is_renewed_all_the_same(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    by_its_sender = ledger.renew(claim)
    by_its_heartbeat = ledger.renew(claim)
    assert read_entry(store, REQUEST).revision == by_its_heartbeat.revision == 3
    assert ledger.renew(by_its_sender).revision > by_its_heartbeat.revision


def test_renewing_makes_a_claim_young_again(store: HookedStore, ledger: Ledger) -> None:
    claim = claim_elsewhere(store)
    store.skew = timedelta(seconds=LEASE_SECONDS + 1)
    assert ledger.is_abandoned(claim)

    build_ledger(store, "run-2").renew(claim)

    assert not ledger.is_abandoned(read_entry(store, REQUEST))


# --- What may be done with an entry -----------------------------------------------------------


STANDINGS: list[tuple[State, int, SendRules, Standing]] = [
    ("accepted", 1, build_rules(), "accepted"),
    ("stored", 1, build_rules(), "stored"),
    ("lost", 1, build_rules(), "lost"),
    ("refused", 1, build_rules(), "refused"),
    ("refused", 2, build_rules(retry_refused=True), "buy"),
    ("failed", 1, build_rules(), "buy"),
    ("failed", 2, build_rules(), "failed"),
    ("unknown", 1, build_rules(), "buy"),
    ("unknown", 2, build_rules(), "held"),
    ("unknown", 2, build_rules(max_attempts=3), "buy"),
    ("unknown", 1, build_rules(hold_unknown=True), "held"),
    ("claimed", 1, build_rules(), "held"),
]


def test_the_standing_of_an_entry_follows_the_rules(ledger: Ledger, store: HookedStore) -> None:
    claim = claim_elsewhere(store)
    for state, attempts, rules, standing in STANDINGS:
        entry = replace(claim, state=state, attempts=attempts)
        assert ledger.standing_of(entry, rules) == standing, (state, attempts, rules)


@pytest.mark.parametrize(
    ("attempts", "rules", "standing"),
    [
        (1, build_rules(), "buy"),
        (2, build_rules(), "held"),
        (1, build_rules(hold_unknown=True), "held"),
    ],
)
def test_an_abandoned_claim_is_as_good_as_unknown(
    store: HookedStore, attempts: int, rules: SendRules, standing: Standing
) -> None:
    entry = replace(claim_elsewhere(store), attempts=attempts)
    assert build_ledger(store, dead_runs={"run-2"}).standing_of(entry, rules) == standing


@pytest.mark.parametrize(
    ("state", "counted"), [("claimed", 1), ("unknown", 1), ("failed", 0), ("refused", 0)]
)
def test_a_send_over_an_unknown_outcome_is_counted(
    store: HookedStore, ledger: Ledger, state: State, counted: int
) -> None:
    overwrite_entry(store, replace(claim_elsewhere(store), state=state))

    claim = ledger.claim(REQUEST, read_entry(store, REQUEST))

    assert (claim.attempts, claim.possibly_paid_twice) == (2, counted)


def test_a_claim_without_a_send_leaves_what_was_known_before(
    store: HookedStore, ledger: Ledger
) -> None:
    states: dict[State, State] = {
        "refused": "refused",
        "failed": "failed",
        "unknown": "unknown",
        "claimed": "unknown",
    }
    for before, after in states.items():
        previous = replace(claim_elsewhere(store), state=before, reason="what was known")
        overwrite_entry(store, previous)
        previous = read_entry(store, REQUEST)

        claim = ledger.claim(REQUEST, previous)
        ledger.record_not_sent(claim, previous, "connection refused")

        entry = read_entry(store, REQUEST)
        assert (entry.state, entry.reason) == (after, "what was known")
        assert (entry.attempts, entry.possibly_paid_twice) == (1, 0)
        Path(store.uri_for(ledger_key(REQUEST.fingerprint))).unlink()


def test_a_first_claim_without_a_send_counts_as_no_attempt(
    store: HookedStore, ledger: Ledger
) -> None:
    ledger.record_not_sent(ledger.claim(REQUEST, None), None, "connection refused")

    entry = read_entry(store, REQUEST)
    assert (entry.state, entry.attempts, entry.reason) == ("failed", 0, "connection refused")
    assert ledger.standing_of(entry, build_rules(max_attempts=1)) == "buy"


# --- Paid replies -----------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["claimed", "unknown", "failed", "refused", "lost"])
def test_a_late_reply_is_written_over_the_new_claim(
    store: HookedStore, ledger: Ledger, state: State
) -> None:
    claim = ledger.claim(REQUEST, None)
    taken = build_ledger(store, "run-2").claim(REQUEST, claim)
    overwrite_entry(store, replace(taken, state=state))

    ledger.record_reply(claim, build_call())

    entry = read_entry(store, REQUEST)
    assert (entry.state, entry.uuid, entry.attempts) == ("accepted", "call-1", 2)
    assert entry.possibly_paid_twice == 1
    with pytest.raises(ClaimLostError):
        build_ledger(store, "run-2").record_unknown(taken, "the new claimant recognises it")


def test_a_reply_that_another_forestalled_is_kept_beside_it(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    other = build_ledger(store, "run-2")
    first = other.record_reply(other.claim(REQUEST, claim), build_call("call-2"))

    with pytest.raises(ClaimLostError) as lost:
        ledger.record_reply(claim, build_call("call-1", temporary_url=SIGNED_URL))

    assert lost.value.found == first
    assert read_entry(store, REQUEST) == first
    beside = store.get(extra_reply_key(REQUEST.fingerprint, "call-1")).data
    assert json.loads(beside)["uuid"] == "call-1"
    assert b"Signature" not in beside


def test_a_call_that_another_run_has_finished_is_not_noted_as_another_one(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    processing = replace(build_call(), result_keys=(), is_processing=True)
    accepted = ledger.record_reply(claim, processing)
    other = build_ledger(store, "run-2")
    finished = other.record_reply(other.take_up(accepted), build_call())

    assert ledger.record_reply(claim, processing) == finished
    assert (finished.is_processing, finished.result_keys) == (False, build_call().result_keys)
    assert [info.key for info in store.list("ledger/")] == [ledger_key(REQUEST.fingerprint)]


@pytest.mark.parametrize("uuid", ["call-2", ""])
def test_calls_are_told_apart_by_uuid_and_without_one_by_their_results(
    ledger: Ledger, uuid: str
) -> None:
    entry = replace(ledger.claim(REQUEST, None), uuid=uuid, result_keys=("a.png",))
    assert entry.is_of(replace(build_call(uuid), result_keys=("a.png",)))
    assert not entry.is_of(build_call("call-1"))
    assert entry.is_of(replace(build_call(uuid), result_keys=("b.png",))) == bool(uuid)


def test_a_lost_call_is_kept_beside_the_reply_that_takes_its_place(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    other = build_ledger(store, "run-2")
    taken = other.record_reply(other.claim(REQUEST, claim), build_call("call-2"))
    other.record_lost(taken, "gone")

    ledger.record_reply(claim, build_call("call-1"))

    assert read_entry(store, REQUEST).uuid == "call-1"
    assert b"call-2" in store.get(extra_reply_key(REQUEST.fingerprint, "call-2")).data


def test_a_reply_may_be_recorded_again_after_a_failure_of_the_store(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    build_ledger(store, "run-2").claim(REQUEST, claim)
    first = ledger.record_reply(claim, build_call())

    assert ledger.record_reply(claim, build_call()) == first
    assert [info.key for info in store.list("ledger/")] == [ledger_key(REQUEST.fingerprint)]


def test_the_signed_url_is_kept_until_the_picture_is_stored(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    accepted = ledger.record_reply(claim, build_call(temporary_url=SIGNED_URL))
    assert read_entry(store, REQUEST).temporary_url == SIGNED_URL

    unfetched = ledger.record_unfetched(accepted, "gone", store.now())
    lost = ledger.record_lost(unfetched, "gone for long")
    assert read_entry(store, REQUEST).temporary_url == SIGNED_URL
    ledger.record_stored(lost, build_lineage(REQUEST))

    assert b"Signature" not in store.get(ledger_key(REQUEST.fingerprint)).data


def test_no_repr_shows_the_signed_url(ledger: Ledger) -> None:
    call = build_call(temporary_url=SIGNED_URL)
    entry = ledger.record_reply(ledger.claim(REQUEST, None), call)
    assert "Signature" not in f"{call!r} {entry!r} {ClaimLostError(entry)!r}"


# --- Stored pictures --------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["claimed", "unknown", "failed", "refused", "lost"])
def test_a_stored_picture_counts_whatever_was_noted_meanwhile(
    store: HookedStore, ledger: Ledger, state: State
) -> None:
    accepted = ledger.record_reply(ledger.claim(REQUEST, None), build_call())
    taken = build_ledger(store, "run-2").claim(REQUEST, replace(accepted, state="unknown"))
    overwrite_entry(store, replace(taken, state=state, reason="noted meanwhile"))

    stored = ledger.record_stored(accepted, build_lineage(REQUEST))

    entry = read_entry(store, REQUEST)
    assert entry == stored
    assert (entry.state, entry.uuid, entry.reason) == ("stored", "call-1", "")
    assert entry.lineage is not None
    assert (entry.lineage.attempts, entry.lineage.possibly_paid_twice) == (2, 1)
    assert entry.possibly_paid_twice == 1


def test_the_first_of_two_that_note_a_stored_picture_is_taken(
    store: HookedStore, ledger: Ledger
) -> None:
    accepted = ledger.record_reply(ledger.claim(REQUEST, None), build_call())
    other = build_ledger(store, "run-2")
    first = other.record_stored(other.take_up(accepted), build_lineage(REQUEST))

    assert ledger.record_stored(accepted, build_lineage(REQUEST)) == first
    assert read_entry(store, REQUEST) == first


def test_another_paid_reply_is_kept_beside_the_stored_picture(
    store: HookedStore, ledger: Ledger
) -> None:
    claim = ledger.claim(REQUEST, None)
    other = build_ledger(store, "run-2")
    other.record_reply(other.claim(REQUEST, claim), build_call("call-2"))

    ledger.record_stored(claim, build_lineage(REQUEST))

    assert read_entry(store, REQUEST).uuid == "call-1"
    assert b"call-2" in store.get(extra_reply_key(REQUEST.fingerprint, "call-2")).data


def test_who_takes_an_entry_up_does_not_take_anothers_change_for_its_own(
    store: HookedStore, ledger: Ledger
) -> None:
    accepted = ledger.record_reply(ledger.claim(REQUEST, None), build_call())
    other = build_ledger(store, "run-2")
    other.record_lost(other.take_up(accepted), "gone")

    with pytest.raises(ClaimLostError):
        ledger.record_lost(ledger.take_up(accepted), "gone")


# --- Formats ----------------------------------------------------------------------------------


def put_plain(store: ObjectStore, plain: object) -> None:
    data = plain if isinstance(plain, bytes) else json.dumps(plain).encode()
    store.put(ledger_key(REQUEST.fingerprint), data, content_type="application/json")


def read_plain(store: ObjectStore) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(store.get(ledger_key(REQUEST.fingerprint)).data)
    return plain


def test_an_older_entry_with_fewer_fields_and_unknown_ones_is_read(
    store: HookedStore, ledger: Ledger
) -> None:
    ledger.claim(REQUEST, None)
    plain = read_plain(store)
    assert plain["format"] == 1
    put_plain(store, plain | {"format": 0, "a_field_since_dropped": 7})

    assert read_entry(store, REQUEST).state == "claimed"


def test_an_entry_of_a_newer_release_is_refused(store: HookedStore, ledger: Ledger) -> None:
    ledger.claim(REQUEST, None)
    put_plain(store, read_plain(store) | {"format": 2})

    with pytest.raises(StoreError, match="newer release"):
        ledger.read(REQUEST.fingerprint)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"7",
        b"null",
        {},
        {"format": "new"},
        {"format": 1, "state": "claimed"},
        {"format": 1, "state": "claimed", "process": {"pid": 7}},
    ],
)
def test_garbage_is_an_error_that_names_the_object(
    store: HookedStore, ledger: Ledger, garbage: object
) -> None:
    put_plain(store, garbage)
    with pytest.raises(StoreError, match=REQUEST.fingerprint):
        ledger.read(REQUEST.fingerprint)


def test_a_state_that_is_not_known_is_an_error(store: HookedStore, ledger: Ledger) -> None:
    ledger.claim(REQUEST, None)
    put_plain(store, read_plain(store) | {"state": "paused"})
    with pytest.raises(StoreError, match="'paused' is not known"):
        ledger.read(REQUEST.fingerprint)


# --- Many -------------------------------------------------------------------------------------


@pytest.mark.parametrize("list_above", [1, 1_000])
def test_many_entries_are_read_with_and_without_a_listing(
    store: HookedStore, ledger: Ledger, monkeypatch: pytest.MonkeyPatch, list_above: int
) -> None:
    monkeypatch.setattr(ledger_objects, "_LIST_ABOVE", list_above)
    claimed = [build_request(f"claimed-{number}") for number in range(3)]
    absent = [build_request(f"absent-{number}") for number in range(3)]
    for request in claimed:
        ledger.claim(request, None)
    gets: list[str] = []
    store.before = lambda operation, key: gets.append(key) if operation == "get" else None

    found = ledger.read_many([request.fingerprint for request in (*claimed, *absent)])

    assert {entry.request["product_id"] for entry in found.values()} == {
        request.product_id for request in claimed
    }
    assert len(gets) == (3 if list_above == 1 else 6)
