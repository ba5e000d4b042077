"""A process that is killed at any step of a purchase loses no paid picture and pays for no two.

Real processes and SIGKILL: nothing of ours runs any more, no `finally` and no buffered write. The
vendor outlives them, and so does what they wrote. Each test buys pictures made from words alone,
and then such as edit the products' own photos.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import pytest
import requests

from flux_assets.buying.outcome import WITH_PICTURE
from flux_assets.image_api.request import ImageRequest
from flux_assets.image_api.simulator.server import RunningSimulator
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import budget_key
from flux_assets_tests.fixtures.buyer_child import Told
from flux_assets_tests.fixtures.buyers import KILLED, Buyer, StartBuyer
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.purchases import keep_photo, read_entry
from flux_assets_tests.fixtures.simulators import StartSimulator, get_result

Mode = Literal["generate", "edit"]
PhotosOf = Callable[..., dict[str, str]]

NOT_SENT = ("before reserved", "after reserved", "before claimed")
NOT_UPLOADED_OR_NOTED = ("before upload", "after asset key")
UPLOADED_NOT_NOTED = ("after upload", "before asset key")
NOT_SENT_THOUGH_CLAIMED = ("after claimed", "before call")
REPLY_NOT_NOTED = ("after call", "reply read", "before accepted")
NOTED = ("after accepted", "before download", "after download", "before picture")
STORED = ("after picture", "before stored", "after stored")
ENDS = (
    *((point, "generated", 1, 0) for point in NOT_SENT),
    *((point, "generated", 1, 1) for point in NOT_SENT_THOUGH_CLAIMED),
    *((point, "generated", 2, 1) for point in REPLY_NOT_NOTED),
    *((point, "recovered", 1, 0) for point in NOTED),
    *((point, "reused", 1, 0) for point in STORED),
)
ASYNC_ENDS = (
    ("reply read", "generated", 2),
    ("before accepted", "generated", 2),
    ("after accepted", "recovered", 1),
    ("before download", "recovered", 1),
    ("before picture", "recovered", 1),
)
EDITS_ARE_SLOW = pytest.mark.parametrize(
    "mode", ["generate", pytest.param("edit", marks=pytest.mark.slow)]
)


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path / "store")


@pytest.fixture(params=["generate", "edit"])
def mode(request: pytest.FixtureRequest) -> Mode:
    mode: Mode = request.param
    return mode


@pytest.fixture
def photos_of(mode: Mode, store: DirectoryStore, tmp_path: Path) -> PhotosOf:
    """Gives each product's photo in the store, or an empty one where none is edited."""

    def keep(*product_ids: str) -> dict[str, str]:
        return {
            product_id: keep_photo(store, tmp_path, product_id) if mode == "edit" else ""
            for product_id in product_ids
        }

    return keep


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
    ("mode", "kill_at", "kind", "paid", "counted", "uploaded"),
    [
        *(("generate", *end, 0) for end in ENDS),
        *(pytest.param("edit", *end, 1, marks=pytest.mark.slow) for end in ENDS),
        *(("edit", point, "generated", 1, 0, 1) for point in NOT_UPLOADED_OR_NOTED),
        *(("edit", point, "generated", 1, 0, 2) for point in UPLOADED_NOT_NOTED),
    ],
)
def test_after_a_kill_anywhere_the_next_process_ends_with_the_picture(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
    *,
    kill_at: str,
    kind: str,
    paid: int,
    counted: int,
    uploaded: int,
) -> None:
    photos = photos_of("mug")
    request = build_request("mug", photo_sha256=photos["mug"])
    killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at, photos=photos)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos)

    assert (told.kind, told.possibly_paid_twice) == (kind, counted)
    assert told.calls == (kind == "generated")
    assert len(simulator.state.read_bill()) == paid
    assert len(simulator.state.list_assets()) == uploaded
    assert check_stored(store, simulator, request) == counted
    assert count_sends(store) >= paid


@pytest.mark.parametrize(
    ("mode", "kill_at", "kind", "paid"),
    [
        *(("generate", *end) for end in ASYNC_ENDS),
        *(pytest.param("edit", *end, marks=pytest.mark.slow) for end in ASYNC_ENDS),
    ],
)
def test_an_asynchronous_call_is_paid_once_as_soon_as_its_uuid_is_noted(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
    *,
    kill_at: str,
    kind: str,
    paid: int,
) -> None:
    environ, photos = {"FLUX_ASSETS_DELIVERY": "async"}, photos_of("mug")
    killed = start_buyer(
        store, simulator.base_url, "mug", kill_at=kill_at, photos=photos, environ=environ
    )
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos, environ=environ)

    assert (told.kind, told.possibly_paid_twice) == (kind, paid - 1)
    assert len(simulator.state.read_bill()) == paid
    request = build_request("mug", photo_sha256=photos["mug"])
    assert check_stored(store, simulator, request) == paid - 1


@EDITS_ARE_SLOW
def test_after_a_kill_while_the_vendor_works_the_send_is_repeated_and_counted(
    store: DirectoryStore,
    start_simulator: StartSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
) -> None:
    photos = photos_of("mug")
    working: list[Buyer] = []

    async def kill_who_waits(_seconds: float) -> None:
        if working:
            await asyncio.to_thread(working.pop().kill)

    simulator = start_simulator(sleep=kill_who_waits)
    killed = start_buyer(store, simulator.base_url, "mug", photos=photos)
    working.append(killed)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos)

    assert (told.kind, told.calls, told.possibly_paid_twice) == ("generated", 1, 1)
    assert len(simulator.state.read_bill()) == 2
    request = build_request("mug", photo_sha256=photos["mug"])
    assert check_stored(store, simulator, request) == 1


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["edit"])
@pytest.mark.parametrize(
    ("kill_at", "uploaded"),
    [
        *((point, 1) for point in NOT_UPLOADED_OR_NOTED),
        *((point, 2) for point in UPLOADED_NOT_NOTED),
    ],
)
def test_after_a_kill_while_a_forgotten_photo_is_uploaded_again_the_picture_is_paid_once(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
    tmp_path: Path,
    *,
    kill_at: str,
    uploaded: int,
) -> None:
    """The claim is kept meanwhile, so who comes next counts a send whose outcome is unknown."""
    photos = dict.fromkeys(("jug", "mug"), photos_of("mug")["mug"])
    start_buyer(store, simulator.base_url, "jug", photos=photos).outcomes()
    (forgotten,) = (tmp_path / "simulator/assets").iterdir()
    forgotten.unlink()
    killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at, photos=photos)
    killed.begin()
    assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos)

    assert (told.kind, told.calls, told.possibly_paid_twice) == ("generated", 1, 1)
    request = build_request("mug", photo_sha256=photos["mug"])
    paid = [line for line in simulator.state.read_bill() if line.prompt == request.prompt]
    assert len(paid) == 1
    assert len(simulator.state.list_assets()) == uploaded
    assert check_stored(store, simulator, request) == 1


@pytest.mark.slow
def test_after_a_kill_before_any_change_of_a_file_the_next_process_ends_with_the_picture(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
) -> None:
    """Also in the middle of what a directory store does for one put."""
    photos: dict[str, str] = {}
    exit_code = KILLED
    while exit_code == KILLED:
        number = len(photos) + 1
        photos |= photos_of(f"mug-{number}")
        killed = start_buyer(
            store,
            simulator.base_url,
            f"mug-{number}",
            run_id=f"run-{number}",
            kill_at=f"file change {number}",
            photos=photos,
        )
        killed.begin()
        exit_code = killed.end()
    assert (exit_code, len(photos) > 20) == (0, True)
    not_noted = len(simulator.state.list_assets()) - len(list(store.list("uploads/")))

    last = start_buyer(store, simulator.base_url, *photos, run_id="run-last", photos=photos)
    last.begin()
    told = {outcome.product_id: outcome for outcome in last.outcomes()}

    paid = Counter(line.prompt for line in simulator.state.read_bill())
    resent = 0
    for product_id, photo_sha256 in photos.items():
        request = build_request(product_id, photo_sha256=photo_sha256)
        assert told[product_id].kind in WITH_PICTURE
        twice = check_stored(store, simulator, request)
        assert twice == told[product_id].possibly_paid_twice
        assert paid[request.prompt] <= 1 + twice
        resent += twice
    assert 0 < resent < len(photos) / 2  # only between the claim and the note of its reply
    assert paid.total() <= len(photos) + resent
    check_uploads(simulator, photos, not_noted)


def check_uploads(simulator: RunningSimulator, photos: Mapping[str, str], not_noted: int) -> None:
    """Each photo was uploaded once, and once more where a crash kept its key from being noted."""
    edited = [photo for photo in photos.values() if photo]
    vendor = simulator.state
    uploads = Counter(sha256(vendor.read_asset(key)).digest() for key in vendor.list_assets())
    assert (len(uploads), uploads.total()) == (len(edited), len(edited) + not_noted)
    assert max(uploads.values(), default=0) <= 2
    assert bool(not_noted) == bool(edited)


@EDITS_ARE_SLOW
def test_kills_one_after_the_other_leave_one_paid_picture(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
) -> None:
    photos = photos_of("mug")
    for kill_at in ("after accepted", "after download", "before picture", "after picture"):
        killed = start_buyer(store, simulator.base_url, "mug", kill_at=kill_at, photos=photos)
        killed.begin()
        assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos)

    assert (told.kind, told.calls) == ("reused", 0)
    assert len(simulator.state.read_bill()) == 1
    request = build_request("mug", photo_sha256=photos["mug"])
    assert check_stored(store, simulator, request) == 0


@EDITS_ARE_SLOW
def test_kills_while_the_outcome_is_unknown_pay_no_more_than_the_attempts_allowed(
    store: DirectoryStore,
    simulator: RunningSimulator,
    start_buyer: StartBuyer,
    photos_of: PhotosOf,
) -> None:
    photos = photos_of("mug")
    for _ in range(2):
        killed = start_buyer(store, simulator.base_url, "mug", kill_at="reply read", photos=photos)
        killed.begin()
        assert killed.end() == KILLED

    told = buy(start_buyer, store, simulator, photos)

    assert (told.kind, told.calls) == ("held", 0)
    assert len(simulator.state.read_bill()) == 2


def buy(
    start_buyer: StartBuyer,
    store: DirectoryStore,
    simulator: RunningSimulator,
    photos: Mapping[str, str],
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
) -> Told:
    """The picture's outcome in a fresh process, of a run that knows of no other's death."""
    buyer = start_buyer(
        store, simulator.base_url, "mug", run_id="run-2", photos=photos, environ=environ
    )
    buyer.begin()
    (told,) = buyer.outcomes()
    return told
