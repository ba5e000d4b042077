"""A process that is killed at any step of a purchase loses no paid picture and pays for no two.

Real processes and SIGKILL: nothing of ours runs any more, no `finally` and no buffered write. The
vendor outlives them, and so does what they wrote.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import requests

from flux_assets.image_request import ImageRequest
from flux_assets.outcome import WITH_PICTURE
from flux_assets.simulator.server import RunningSimulator
from flux_assets.store.directory import DirectoryStore
from flux_assets.store.object_store import budget_key
from flux_assets_tests.fixtures.buyer_child import Told
from flux_assets_tests.fixtures.buyers import KILLED, Buyer, StartBuyer
from flux_assets_tests.fixtures.purchases import build_request, read_entry
from flux_assets_tests.fixtures.simulators import StartSimulator, get_result

NOT_SENT = ("before reserved", "after reserved", "before claimed")
NOT_SENT_THOUGH_CLAIMED = ("after claimed", "before call")
REPLY_NOT_NOTED = ("after call", "reply read", "before accepted")
NOTED = ("after accepted", "before download", "after download", "before picture")
STORED = ("after picture", "before stored", "after stored")


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


def fetch_made(simulator: RunningSimulator, uuid: str) -> bytes:
    """The picture that the vendor made in one call, as it gives it to anyone who asks again."""
    record = get_result(simulator, uuid).json()["aiRecord"]
    return requests.get(record["temporaryUrl"], timeout=10).content


def check_stored(store: DirectoryStore, simulator: RunningSimulator, request: ImageRequest) -> int:
    """The store holds the vendor's own bytes; gives how often they may have been paid twice."""
    entry = read_entry(store, request)
    assert entry.lineage is not None
    stored = store.get(entry.lineage.object_key)
    assert stored.data == fetch_made(simulator, entry.uuid)
    pictures = store.list(f"images/{request.shot}/{request.product_id}/")
    assert [info.key for info in pictures] == [entry.lineage.object_key]
    return entry.possibly_paid_twice


def count_sends(store: DirectoryStore) -> int:
    """What the day's counter says was reserved by all processes."""
    counter = store.get(budget_key(store.now().strftime("%Y-%m-%d")))
    return sum(json.loads(counter.data)["reservations"].values())


@pytest.mark.parametrize(
    ("kill_at", "kind", "paid", "counted"),
    [
        *((point, "generated", 1, 0) for point in NOT_SENT),
        *((point, "generated", 1, 1) for point in NOT_SENT_THOUGH_CLAIMED),
        *((point, "generated", 2, 1) for point in REPLY_NOT_NOTED),
        *((point, "recovered", 1, 0) for point in NOTED),
        *((point, "reused", 1, 0) for point in STORED),
    ],
)
def test_after_a_kill_anywhere_the_next_process_ends_with_the_picture(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    *,
    kill_at: str,
    kind: str,
    paid: int,
    counted: int,
) -> None:
    request = build_request("mug")
    killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator)

    assert (told.kind, told.possibly_paid_twice) == (kind, counted)
    assert told.calls == (kind == "generated")
    assert len(simulator.state.read_bill()) == paid
    assert check_stored(store, simulator, request) == counted
    assert count_sends(store) >= paid


@pytest.mark.parametrize(
    ("kill_at", "kind", "paid"),
    [
        ("reply read", "generated", 2),
        ("before accepted", "generated", 2),
        ("after accepted", "recovered", 1),
        ("before download", "recovered", 1),
        ("before picture", "recovered", 1),
    ],
)
def test_an_asynchronous_call_is_paid_once_as_soon_as_its_uuid_is_noted(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    *,
    kill_at: str,
    kind: str,
    paid: int,
) -> None:
    environ = {"FLUX_ASSETS_DELIVERY": "async"}
    killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at, environ=environ)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, environ=environ)

    assert (told.kind, told.possibly_paid_twice) == (kind, paid - 1)
    assert len(simulator.state.read_bill()) == paid
    assert check_stored(store, simulator, build_request("mug")) == paid - 1


def test_after_a_kill_while_the_vendor_works_the_send_is_repeated_and_counted(
    store: DirectoryStore, start_simulator: StartSimulator, start_buyer: StartBuyer
) -> None:
    working: list[Buyer] = []

    async def kill_who_waits(_seconds: float) -> None:
        if working:
            await asyncio.to_thread(working.pop().kill)

    simulator = start_simulator(sleep=kill_who_waits)
    killed = start_buyer(store, simulator.base_url, "mug")
    working.append(killed)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator)

    assert (told.kind, told.calls, told.possibly_paid_twice) == ("generated", 1, 1)
    assert len(simulator.state.read_bill()) == 2
    assert check_stored(store, simulator, build_request("mug")) == 1


@pytest.mark.slow
def test_after_a_kill_before_any_change_of_a_file_the_next_process_ends_with_the_picture(
    store: DirectoryStore, simulator: RunningSimulator, start_buyer: StartBuyer
) -> None:
    """Also in the middle of what a directory store does for one put."""
    products: list[str] = []
    exit_code = KILLED
    while exit_code == KILLED:
        number = len(products) + 1
        products.append(f"mug-{number}")
        killed = start_buyer(
            store,
            simulator.base_url,
            products[-1],
            run_id=f"run-{number}",
            kill_at=f"file change {number}",
        )
        killed.begin()
        exit_code = killed.end()
    assert (exit_code, len(products) > 20) == (0, True)

    last = start_buyer(store, simulator.base_url, *products, run_id="run-last")
    last.begin()
    told = {outcome.product_id: outcome for outcome in last.outcomes()}

    paid = Counter(line.prompt for line in simulator.state.read_bill())
    resent = 0
    for product_id in products:
        request = build_request(product_id)
        assert told[product_id].kind in WITH_PICTURE
        twice = check_stored(store, simulator, request)
        assert twice == told[product_id].possibly_paid_twice
        assert paid[request.prompt] <= 1 + twice
        resent += twice
    assert 0 < resent < len(products) / 2  # only between the claim and the note of its reply
    assert paid.total() <= len(products) + resent


def test_kills_one_after_the_other_leave_one_paid_picture(
    store: DirectoryStore, simulator: RunningSimulator, start_buyer: StartBuyer
) -> None:
    for kill_at in ("after accepted", "after download", "before picture", "after picture"):
        killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at)
        killed.begin()
        assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator)

    assert (told.kind, told.calls) == ("reused", 0)
    assert len(simulator.state.read_bill()) == 1
    assert check_stored(store, simulator, build_request("mug")) == 0


def test_kills_while_the_outcome_is_unknown_pay_no_more_than_the_attempts_allowed(
    store: DirectoryStore, simulator: RunningSimulator, start_buyer: StartBuyer
) -> None:
    for _ in range(2):
        killed = start_buyer(store, simulator.base_url, "mug", kill_at="reply read")
        killed.begin()
        assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator)

    assert (told.kind, told.calls) == ("held", 0)
    assert len(simulator.state.read_bill()) == 2


def buy(
    start_buyer: StartBuyer,
    store: DirectoryStore,
    simulator: RunningSimulator,
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Told:
    """The picture's outcome in a fresh process, of a run that knows of no other's death."""
    buyer = start_buyer(store, simulator.base_url, "mug", run_id="run-2", environ=environ)
    buyer.begin()
    (told,) = buyer.outcomes()
    return told
