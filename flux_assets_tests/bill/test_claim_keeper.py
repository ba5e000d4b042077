from pathlib import Path

import pytest

from flux_assets.bill.claim_keeper import ClaimKeeper
from flux_assets.bill.ledger import RENEWED_SHARE, Ledger
from flux_assets.errors import StoreError
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import (
    LEASE_SECONDS,
    build_call,
    build_ledger,
    read_entry,
)

REQUEST = build_request()
A_THIRD_SECONDS = LEASE_SECONDS * RENEWED_SHARE


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


@pytest.fixture
def ledger(store: HookedStore) -> Ledger:
    return build_ledger(store)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def keeper(ledger: Ledger, clock: StandingClock) -> ClaimKeeper:
    return ClaimKeeper(ledger, clock=clock)


def test_a_claim_is_renewed_only_once_a_third_of_its_lease_is_over(
    store: HookedStore, ledger: Ledger, keeper: ClaimKeeper, clock: StandingClock
) -> None:
    keeper.hold(ledger.claim(REQUEST, None), clock.monotonic())
    revisions = []
    for _ in range(4):
        keeper.renew_due()
        revisions.append(read_entry(store, REQUEST).revision)
        clock.sleep(A_THIRD_SECONDS / 2)
    assert revisions == [1, 1, 2, 2]


def test_the_holder_goes_on_with_the_claim_that_was_renewed_beside_it(
    store: HookedStore, ledger: Ledger, keeper: ClaimKeeper, clock: StandingClock
) -> None:
    claim = ledger.claim(REQUEST, None)
    keeper.hold(claim, clock.monotonic())
    for _ in range(3):
        clock.sleep(A_THIRD_SECONDS)
        keeper.renew_due()

    ledger.record_reply(claim, build_call())

    entry = read_entry(store, REQUEST)
    assert (entry.state, entry.uuid, entry.possibly_paid_twice) == ("accepted", "call-1", 0)


def test_a_claim_that_is_anothers_or_settled_is_not_touched(
    store: HookedStore, ledger: Ledger, keeper: ClaimKeeper, clock: StandingClock
) -> None:
    claim = ledger.claim(REQUEST, None)
    keeper.hold(claim, clock.monotonic())
    taken = build_ledger(store, "run-2").claim(REQUEST, claim)
    clock.sleep(A_THIRD_SECONDS)

    keeper.renew_due()
    keeper.renew_due()

    assert read_entry(store, REQUEST) == taken


def test_a_claim_that_was_let_go_is_renewed_no_more(
    store: HookedStore, ledger: Ledger, keeper: ClaimKeeper, clock: StandingClock
) -> None:
    with keeper.letting_go(REQUEST.fingerprint):
        keeper.hold(ledger.claim(REQUEST, None), clock.monotonic())
    clock.sleep(A_THIRD_SECONDS)
    keeper.renew_due()
    assert read_entry(store, REQUEST).revision == 1


def test_a_renewal_that_fails_is_tried_again(
    store: HookedStore, ledger: Ledger, keeper: ClaimKeeper, clock: StandingClock
) -> None:
    keeper.hold(ledger.claim(REQUEST, None), clock.monotonic())
    clock.sleep(A_THIRD_SECONDS)

    def before(operation: str, key: str) -> None:
        if operation == "put":
            raise StoreError(key, "write", "no connection")

    store.before = before
    keeper.renew_due()
    store.before = lambda *_: None
    keeper.renew_due()

    assert read_entry(store, REQUEST).revision == 2


def test_a_thread_of_its_own_renews_while_the_step_lives(
    store: HookedStore, clock: StandingClock
) -> None:
    ledger = build_ledger(store)
    ledger.lease_seconds = 0.2  # so that its real waits are short
    keeper = ClaimKeeper(ledger, clock=clock)
    keeper.hold(ledger.claim(REQUEST, None), clock.monotonic() - A_THIRD_SECONDS)
    with keeper:
        while read_entry(store, REQUEST).revision == 1:
            pass
    assert read_entry(store, REQUEST).revision == 2
