"""Which requests wait for a person, and what a release lets happen."""

from dataclasses import replace
from pathlib import Path

import pytest

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import ClaimLostError, LedgerEntry, State
from flux_assets.bill.send_rules import SendRules
from flux_assets.bill.waiting import (
    ReleaseError,
    WaitingFilter,
    WaitingRequest,
    WaitingRequests,
)
from flux_assets.bill.waiting_states import WaitingState
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import extra_reply_key, ledger_key, picture_key
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    ELSEWHERE,
    build_call,
    build_ledger,
    build_lineage,
    build_rules,
    overwrite_entry,
    read_entry,
)

REQUEST = build_request()
EVERY_STATE: list[tuple[WaitingState, State, int]] = [
    ("held", "unknown", 2),
    ("unknown", "unknown", 1),
    ("refused", "refused", 1),
    ("failed", "failed", 1),
    ("unfetched", "accepted", 1),
    ("lost", "lost", 1),
    ("missing", "stored", 1),
    ("unknown", "claimed", 1),
    ("held", "claimed", 2),
]
ONCE_HELD = build_rules(hold_unknown=True)


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


@pytest.fixture
def ledger(store: HookedStore) -> Ledger:
    """That of a person's command, which knows that run-1 has ended."""
    return build_ledger(store, "", dead_runs={"run-1"})


def waiting(store: HookedStore, ledger: Ledger, rules: SendRules | None = None) -> WaitingRequests:
    return WaitingRequests(store=store, ledger=ledger, rules=rules or build_rules())


def leave(
    store: HookedStore,
    state: State,
    *,
    attempts: int = 1,
    request: ImageRequest = REQUEST,
    asks: int = 0,
) -> LedgerEntry:
    """An entry as run-1 left it."""
    entry = build_ledger(store).claim(request, None)
    if state in {"lost", "stored", "accepted"}:
        entry = replace(entry, **build_call().as_changes())
    lineage = build_lineage(request) if state == "stored" else None
    reason = "" if state in {"claimed", "stored"} else "the reason"
    entry = replace(
        entry, state=state, attempts=attempts, lineage=lineage, reason=reason, asks=asks
    )
    overwrite_entry(store, replace(entry, process=ELSEWHERE))
    return read_entry(store, request)


def find(requests: WaitingRequests, **filters: tuple[str, ...]) -> list[WaitingRequest]:
    return list(requests.find(WaitingFilter(**filters)))


@pytest.mark.parametrize(("listed", "state", "attempts"), EVERY_STATE)
def test_what_is_released_may_be_sent_again_and_counts_what_may_be_paid(
    store: HookedStore, ledger: Ledger, listed: WaitingState, state: State, attempts: int
) -> None:
    asks = 3 if listed == "unfetched" else 0
    before = leave(store, state, attempts=attempts, asks=asks)
    requests = waiting(store, ledger)
    [item] = find(requests)
    assert (item.state, item.to_json()["sends"]) == (listed, attempts)
    assert item.reason

    requests.check([item])
    requests.release(item)

    released = read_entry(store, REQUEST)
    for rules in (build_rules(), ONCE_HELD):
        assert ledger.standing_of(released, rules) == "buy"
    assert f"it was {listed}" in released.reason
    assert find(requests) == [], "nothing is left for a person"
    claim = build_ledger(store, "run-2").claim(REQUEST, released)
    maybe_paid = state not in {"refused", "failed"}
    assert item.may_be_paid == maybe_paid
    assert claim.possibly_paid_twice == before.possibly_paid_twice + maybe_paid


def test_a_released_request_is_held_again_after_one_more_unanswered_send(
    store: HookedStore, ledger: Ledger
) -> None:
    leave(store, "unknown")
    requests = waiting(store, ledger, ONCE_HELD)
    [item] = find(requests)
    requests.release(item)
    run = build_ledger(store, "run-2")
    sent = run.record_unknown(run.claim(REQUEST, read_entry(store, REQUEST)), "no reply")
    assert run.standing_of(sent, ONCE_HELD) == "held"


@pytest.mark.parametrize("state", ["lost", "stored"])
def test_a_paid_reply_is_kept_beside_the_entry_that_is_released(
    store: HookedStore, ledger: Ledger, state: State
) -> None:
    before = leave(store, state)
    requests = waiting(store, ledger)
    [item] = find(requests)
    requests.release(item)
    kept = store.get(extra_reply_key(REQUEST.fingerprint, "call-1"))
    assert kept.data == before.to_bytes()
    after = read_entry(store, REQUEST)
    assert (after.uuid, after.result_keys, after.lineage) == ("", (), None)
    assert "call call-1" in after.reason


def test_a_call_that_was_accepted_and_then_failed_was_not_paid(
    store: HookedStore, ledger: Ledger
) -> None:
    entry = leave(store, "failed")
    accepted = replace(build_call(), is_processing=True).as_changes()
    overwrite_entry(store, replace(entry, **accepted | {"state": "failed"}))
    requests = waiting(store, ledger)
    [item] = find(requests)
    requests.release(item)
    after = read_entry(store, REQUEST)
    assert (after.uuid, after.is_processing, after.attempts) == ("", False, 0)
    assert len(list(store.list("ledger/"))) == 1, "no further paid reply"


def test_a_claim_that_may_be_alive_is_never_released(store: HookedStore, ledger: Ledger) -> None:
    leave(store, "lost", request=build_request("other"))
    build_ledger(store, "run-2").claim(REQUEST, None)
    requests = waiting(store, ledger)
    chosen = find(requests)
    assert {item.state for item in chosen} == {"lost", "held"}
    with pytest.raises(ReleaseError, match="'mug', shot hero is in the hands of run run-2"):
        requests.check(chosen)


def test_what_has_changed_meanwhile_stays_as_it_is(store: HookedStore, ledger: Ledger) -> None:
    leave(store, "failed")
    requests = waiting(store, ledger)
    [item] = find(requests)
    claim = build_ledger(store, "run-2").claim(REQUEST, item.entry)
    with pytest.raises(ReleaseError, match="has changed meanwhile") as error:
        requests.release(item)
    assert isinstance(error.value.__cause__, ClaimLostError)
    assert read_entry(store, REQUEST) == claim


def test_a_stored_picture_an_accepted_one_and_a_new_failure_do_not_wait(
    store: HookedStore, ledger: Ledger
) -> None:
    stored = leave(store, "stored")
    assert stored.lineage is not None
    store.put(stored.lineage.object_key, b"a picture", content_type="image/png")
    leave(store, "accepted", request=build_request("paid"))
    leave(store, "failed", attempts=0, request=build_request("not sent"))
    requests = waiting(store, ledger)
    assert find(requests) == []
    for product_id, why in (
        ("mug", "its picture is stored; `flux-assets reroll` asks for another"),
        ("paid", "it is paid, and the next refresh fetches it"),
        ("not sent", "the next refresh may buy it"),
    ):
        start = build_request(product_id).fingerprint[:8]
        with pytest.raises(ReleaseError, match=f"{start} needs no release: {why}"):
            list(requests.find_named([start]))


def test_filters_narrow_each_other(store: HookedStore, ledger: Ledger) -> None:
    for product_id in ("a", "b"):
        leave(store, "lost", request=build_request(product_id))
    leave(store, "refused", request=build_request("c"))
    requests = waiting(store, ledger)
    assert len(find(requests)) == 3
    assert [it.product_id for it in find(requests, states=("lost",), product_ids=("b", "c"))] == [
        "b"
    ]
    assert find(requests, shots=("wide",)) == []


def test_a_fingerprint_is_named_by_its_first_digits_if_they_are_its_own(
    store: HookedStore, ledger: Ledger
) -> None:
    entry = leave(store, "lost")
    start = entry.fingerprint[:8]
    requests = waiting(store, ledger)
    requests.release(next(requests.find_named([start])))  # leaves a paid reply beside it
    leave(store, "lost", request=build_request("other"))

    twin = replace(read_entry(store, REQUEST), fingerprint=start + "0" * 56)
    overwrite_entry(store, twin)
    for text, why in (
        (start, "is the start of several fingerprints"),
        (start[:7], "is not the first 8 to 64 digits"),
        ("x" * 8, "is not the first 8 to 64 digits"),
        ("0" * 64, "no ledger entry's fingerprint starts with"),
    ):
        with pytest.raises(ReleaseError, match=why):
            list(requests.find_named([text]))


def test_an_entry_that_cannot_be_read_hides_no_other(store: HookedStore, ledger: Ledger) -> None:
    leave(store, "lost")
    damaged = "0" * 64
    store.put(ledger_key(damaged), b"{", content_type="application/json")
    requests = waiting(store, ledger)
    assert [item.state for item in find(requests)] == ["lost"]
    with pytest.raises(ReleaseError, match="it is no ledger entry"):
        list(requests.find_named([damaged]))


def test_an_entry_that_is_named_twice_waits_once(store: HookedStore, ledger: Ledger) -> None:
    leave(store, "lost")
    fingerprint = REQUEST.fingerprint
    found = list(waiting(store, ledger).find_named([fingerprint[:8], fingerprint]))
    assert [item.entry.fingerprint for item in found] == [fingerprint]


def test_a_picture_that_is_stored_after_the_listing_is_not_missing(
    store: HookedStore, ledger: Ledger
) -> None:
    leave(store, "stored")
    key = picture_key(
        shot=REQUEST.shot,
        product_id=REQUEST.product_id,
        fingerprint=REQUEST.fingerprint,
        extension="png",
    )

    def store_it(operation: str, where: str) -> None:
        if operation == "list" and where.startswith("ledger/"):  # the pictures were listed before
            store.before = lambda *_: None
            store.put(key, b"picture", content_type="image/png")

    store.before = store_it
    assert list(waiting(store, ledger).find(WaitingFilter())) == []


@pytest.mark.parametrize("spelt", ["Mu\u0308-1", " M\u00fc-1\u200b", '="M\u00fc-1"'])
def test_a_product_is_chosen_by_its_id_in_any_spelling(
    store: HookedStore, ledger: Ledger, spelt: str
) -> None:
    leave(store, "refused", request=build_request(product_id="M\u00fc-1"))
    leave(store, "refused", request=build_request(product_id="A-1"))
    (found,) = waiting(store, ledger).find(WaitingFilter(product_ids=[spelt]))
    assert found.product_id == "M\u00fc-1"


def test_an_entry_of_an_id_that_was_read_otherwise_is_found_too(
    store: HookedStore, ledger: Ledger
) -> None:
    leave(store, "refused", request=build_request(product_id="Mu\u0308-1"))
    assert len(list(waiting(store, ledger).find(WaitingFilter(product_ids=["M\u00fc-1"])))) == 1
