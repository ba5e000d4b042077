"""Processes that buy the same pictures at the same time pay for each once."""

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.open_ledger import LEASE_MARGIN_SECONDS
from flux_assets.settings import load_settings
from flux_assets.storage.object_store import ObjectStore, ledger_key
from flux_assets_tests.fixtures.buyer_child import Told
from flux_assets_tests.fixtures.buyers import StartBuyer
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import keep_photo, read_entry
from flux_assets_tests.fixtures.simulators import StartSimulator

PRODUCTS = tuple(f"mug-{number:02}" for number in range(40))
LEASE_SECONDS = load_settings({}).call_timeout_seconds + LEASE_MARGIN_SECONDS
DIRECTORY_ONLY = pytest.mark.parametrize("any_store", ["directory"], indirect=True)


def count_calls(told: list[Told]) -> int:
    return sum(outcome.calls for outcome in told)


# --- A race for the same pictures -------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "skew_seconds"),
    [
        ("generate", 0.0),
        pytest.param("generate", LEASE_SECONDS + 120, marks=pytest.mark.slow),
        pytest.param("edit", 0.0, marks=pytest.mark.slow),
    ],
)
def test_two_machines_at_once_pay_for_each_picture_once(
    any_store: ObjectStore,
    start_simulator: StartSimulator,
    start_buyer: StartBuyer,
    tmp_path: Path,
    *,
    mode: str,
    skew_seconds: float,
) -> None:
    """Also where one's clock is late and the other's early, each by more than a claim's lease.

    All that Python reads of the clock is moved in these processes, the AWS client's included; see
    `skewed_clock`. Seven minutes: S3 allows a signature 15. Where pictures are edits, all are of
    one photo, which each machine uploads at most once.
    """
    photo = keep_photo(any_store, tmp_path, "mug") if mode == "edit" else ""
    requests = [build_request(product_id, photo_sha256=photo) for product_id in PRODUCTS]
    simulator = start_simulator(latency_seconds=0.05)
    buyers = [
        start_buyer(
            any_store,
            simulator.base_url,
            *PRODUCTS,
            run_id=run_id,
            skew_seconds=seconds,
            photos=dict.fromkeys(PRODUCTS, photo),
        )
        for run_id, seconds in (("run-1", -skew_seconds), ("run-2", skew_seconds))
    ]
    for buyer in buyers:
        buyer.begin()
    both = [buyer.outcomes() for buyer in buyers]

    kinds = [Counter(outcome.kind for outcome in told) for told in both]
    for told, counts in zip(both, kinds, strict=True):
        assert {outcome.product_id for outcome in told} == set(PRODUCTS)
        assert counts.keys() <= {"generated", "recovered", "reused", "held"}
        assert counts.total() == len(PRODUCTS)
        assert count_calls(told) == counts["generated"]
    assert sum(counts["generated"] for counts in kinds) == len(PRODUCTS)
    bill = simulator.state.read_bill()
    assert Counter(line.prompt for line in bill) == {request.prompt: 1 for request in requests}
    entries = [read_entry(any_store, request) for request in requests]
    assert {(entry.state, entry.possibly_paid_twice) for entry in entries} == {("stored", 0)}
    assert {entry.uuid for entry in entries} == {line.uuid for line in bill}
    assert len(list(any_store.list("images/"))) == len(PRODUCTS)
    assert len(simulator.state.list_assets()) in ({1, 2} if photo else {0})


# --- One at the vendor, the other beside it ---------------------------------------------------


class VendorQueue:
    """Calls in the order of their coming, each worked on until it is told to be served."""

    def __init__(self, places: int) -> None:
        self._arrived = [threading.Event() for _ in range(places)]
        self._served = [threading.Event() for _ in range(places)]
        self._next = iter(range(places))

    async def wait(self, _seconds: float) -> None:
        place = next(self._next)
        self._arrived[place].set()
        await asyncio.to_thread(self._served[place].wait)

    def wait_for_arrival(self, place: int) -> None:
        assert self._arrived[place].wait(60)

    def serve(self, place: int) -> None:
        self._served[place].set()

    def serve_all(self) -> None:
        for place in self._served:
            place.set()


@pytest.fixture
def queue() -> Iterator[VendorQueue]:
    queue = VendorQueue(2)
    yield queue
    queue.serve_all()


@DIRECTORY_ONLY
def test_a_step_that_is_delivered_twice_leaves_the_claim_to_the_living_and_takes_it_from_the_dead(
    any_store: ObjectStore,
    start_simulator: StartSimulator,
    start_buyer: StartBuyer,
    queue: VendorQueue,
) -> None:
    simulator = start_simulator(sleep=queue.wait)

    def deliver() -> list[Told]:
        buyer = start_buyer(any_store, simulator.base_url, "mug", run_id="run-1", step="generate")
        buyer.begin()
        return buyer.outcomes()

    first = start_buyer(any_store, simulator.base_url, "mug", run_id="run-1", step="generate")
    first.begin()
    queue.wait_for_arrival(0)

    (beside,) = deliver()
    assert (beside.kind, beside.calls) == ("held", 0)
    assert len(simulator.state.read_bill()) == 1

    first.kill()
    queue.serve_all()
    (after,) = deliver()

    assert (after.kind, after.calls, after.possibly_paid_twice) == ("generated", 1, 1)
    assert len(simulator.state.read_bill()) == 2


@DIRECTORY_ONLY
def test_a_live_step_keeps_its_claims_though_its_run_is_over(
    any_store: ObjectStore,
    start_simulator: StartSimulator,
    start_buyer: StartBuyer,
    queue: VendorQueue,
) -> None:
    """As where only the run's own process died: its steps live on, and buy."""
    simulator = start_simulator(sleep=queue.wait)
    step = start_buyer(any_store, simulator.base_url, "mug", run_id="run-1")
    step.begin()
    queue.wait_for_arrival(0)
    make_old(any_store, "mug", seconds=2 * LEASE_SECONDS)

    after = start_buyer(any_store, simulator.base_url, "mug", run_id="run-2", dead_runs=("run-1",))
    after.begin()
    (beside,) = after.outcomes()
    queue.serve_all()
    (first,) = step.outcomes()

    assert (beside.kind, beside.calls) == ("held", 0)
    assert (first.kind, first.calls) == ("generated", 1)
    assert len(simulator.state.read_bill()) == 1


@DIRECTORY_ONLY
@pytest.mark.parametrize(
    "sleep_at", ["after claimed", pytest.param("before call", marks=pytest.mark.slow)]
)
def test_who_slept_past_its_lease_sends_nothing_on_a_claim_that_was_taken_over(
    any_store: ObjectStore, start_simulator: StartSimulator, start_buyer: StartBuyer, sleep_at: str
) -> None:
    simulator = start_simulator()
    sleeper = start_buyer(
        any_store,
        simulator.base_url,
        "mug",
        run_id="run-1",
        host="another",
        sleep_at=sleep_at,
        slept_seconds=LEASE_SECONDS,
    )
    sleeper.begin()
    sleeper.wait_until_stopped()
    make_old(any_store, "mug", seconds=LEASE_SECONDS)
    awake = start_buyer(any_store, simulator.base_url, "mug", run_id="run-2")
    awake.begin()
    (second,) = awake.outcomes()
    sleeper.wake()
    (first,) = sleeper.outcomes()

    assert (second.kind, second.calls, second.possibly_paid_twice) == ("generated", 1, 1)
    assert (first.kind, first.calls) == ("reused", 0)
    assert len(simulator.state.read_bill()) == 1


@DIRECTORY_ONLY
def test_who_slept_and_still_has_its_claim_renews_it_and_buys(
    any_store: ObjectStore, start_simulator: StartSimulator, start_buyer: StartBuyer
) -> None:
    simulator = start_simulator()
    sleeper = start_buyer(
        any_store,
        simulator.base_url,
        "mug",
        sleep_at="after claimed",
        slept_seconds=LEASE_SECONDS,
    )
    sleeper.begin()
    sleeper.wait_until_stopped()
    beside = start_buyer(any_store, simulator.base_url, "mug", run_id="run-2", dead_runs=("run-1",))
    make_old(any_store, "mug", seconds=2 * LEASE_SECONDS)
    beside.begin()
    (second,) = beside.outcomes()
    sleeper.wake()
    (first,) = sleeper.outcomes()

    assert (second.kind, second.calls) == ("held", 0)  # it stands still, and lives
    assert (first.kind, first.calls, first.possibly_paid_twice) == ("generated", 1, 0)
    assert len(simulator.state.read_bill()) == 1


def make_old(store: ObjectStore, product_id: str, *, seconds: float) -> None:
    """Let so much time go by, on the store's clock, since a request's entry was written."""
    path = Path(store.uri) / ledger_key(build_request(product_id).fingerprint)
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


@DIRECTORY_ONLY
@pytest.mark.parametrize("late", [0, 1])
def test_who_lost_the_claim_saves_the_reply_that_it_paid_for(
    any_store: ObjectStore,
    start_simulator: StartSimulator,
    start_buyer: StartBuyer,
    queue: VendorQueue,
    late: int,
) -> None:
    """Whichever of the two calls is answered first: the claimer's, or that of who took over."""
    simulator = start_simulator(sleep=queue.wait)
    buyers = [
        start_buyer(any_store, simulator.base_url, "mug", run_id="run-1", host="another"),
        start_buyer(any_store, simulator.base_url, "mug", run_id="run-2"),
    ]
    for place, buyer in enumerate(buyers):
        buyer.begin()
        queue.wait_for_arrival(place)
        make_old(any_store, "mug", seconds=LEASE_SECONDS)
    queue.serve(1 - late)
    (early_one,) = buyers[1 - late].outcomes()
    queue.serve(late)
    (late_one,) = buyers[late].outcomes()

    assert (early_one.kind, early_one.calls) == ("generated", 1)
    assert (late_one.kind, late_one.calls, late_one.possibly_paid_twice) == ("reused", 1, 1)
    assert known_uuids(any_store) == {line.uuid for line in simulator.state.read_bill()}
    assert len(known_uuids(any_store)) == 2
    assert len(list(any_store.list("images/"))) == 1
    entry = read_entry(any_store, build_request("mug"))
    assert (entry.state, entry.possibly_paid_twice) == ("stored", 1)


def known_uuids(store: ObjectStore) -> set[str]:
    """Every paid call that the ledger knows."""
    bodies = (store.get(info.key) for info in store.list("ledger/"))
    return {
        LedgerEntry.from_bytes(body.data, etag="", modified_at=body.info.modified_at, uri="").uuid
        for body in bodies
    }
