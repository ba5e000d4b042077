"""What becomes of paid pictures that a decoder has trouble with: stored, or kept aside."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from flux_assets.bill.waiting import WaitingFilter, WaitingRequests
from flux_assets.buying.outcome import Outcome
from flux_assets.manifest.audit import verify_store
from flux_assets.pictures import inspect
from flux_assets.storage.object_store import picture_prefix
from flux_assets_tests.fixtures.image_requests import build_request
from flux_assets_tests.fixtures.picture_forms import FORMS, UNDECODABLE
from flux_assets_tests.fixtures.purchases import (
    Bench,
    build_bench,
    build_rules,
    fetching_by,
    leave_accepted,
    read_entry,
)
from flux_assets_tests.fixtures.scripted_servers import (
    Serve,
    Server,
    http,
    make_client,
    open_servers,
)
from flux_assets_tests.fixtures.simulators import StartSimulator

REQUEST = build_request()
KEPT = "undecoded/"
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what is broken


@pytest.fixture
def serve() -> Iterable[Serve]:
    with open_servers() as serve:
        yield serve


@pytest.fixture
def bench(tmp_path: Path, start_simulator: StartSimulator) -> Bench:
    bench = build_bench(tmp_path, start_simulator)
    leave_accepted(bench.open("run-1"), REQUEST)
    return bench


def land(bench: Bench, server: Server, run_id: str = "run-2") -> Outcome:
    """What becomes of the accepted picture in whose place a server gives its replies."""
    purchase = bench.open(run_id).purchase
    return fetching_by(purchase, make_client(server.url)).obtain(REQUEST)


def keys(bench: Bench, prefix: str) -> list[str]:
    return list(bench.store.list_keys(prefix))


def always(serve: Serve, body: bytes) -> Server:
    return serve(*[http("200 OK", body, Content_Type="image/png")] * 20)


@pytest.mark.parametrize(
    "form",
    [
        *("profile of 1.5 MiB", "text of 2 MiB", "16 bits, colour", "cmyk", "mpo", "gain map"),
        *("avif", "webp with all extras", "broken EXIF", "bytes behind a png", "apng"),
    ],
)
def test_a_whole_picture_is_stored_as_it_came_after_one_download(
    bench: Bench, serve: Serve, form: str
) -> None:
    extension, build = FORMS[form]
    body = build()
    server = always(serve, body)

    outcome = land(bench, server)

    assert (outcome.kind, outcome.calls, len(server.received)) == ("recovered", 0, 1)
    [key] = keys(bench, picture_prefix())
    assert key.endswith(f".{extension}")
    assert bench.store.get(key).data == body


@pytest.mark.parametrize("form", UNDECODABLE)
def test_what_cannot_be_decoded_is_kept_aside_and_listed_and_asked_for_no_more(
    bench: Bench, serve: Serve, form: str
) -> None:
    body = UNDECODABLE[form]()
    server = always(serve, body)

    first, second = land(bench, server), land(bench, server, "run-3")

    assert (first.kind, first.calls, second.kind, second.calls) == ("failed", 0, "failed", 0)
    assert (first.is_known, second.is_known) == (False, True)
    assert first.reason.startswith("paid, and kept aside until a release")
    assert len(server.received) == 2  # twice the same, so nothing changed it on its way
    [key] = keys(bench, KEPT)
    assert bench.store.get(key).data == body
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.kept_aside) == ("accepted", key)
    assert entry.uuid
    assert entry.temporary_url  # nothing is erased
    assert keys(bench, picture_prefix()) == []

    run = bench.open("run-4")
    waiting = WaitingRequests(store=bench.store, ledger=run.ledger, rules=build_rules())
    [listed] = waiting.find(WaitingFilter(states=("undecoded",)))
    assert listed.may_be_paid
    assert key in listed.reason
    found = verify_store(run.purchase.records, deep=True, repair=False)
    assert (found.is_sound, found.counts["undecoded"], found.first[0].key) == (True, 1, key)


def test_a_later_release_takes_it_up_without_a_call(
    bench: Bench, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = UNDECODABLE["gif"]()
    server = always(serve, body)
    land(bench, server)
    monkeypatch.setitem(inspect._TYPES, "GIF", ("gif", "image/gif"))

    outcome = land(bench, server, "run-3")

    assert (outcome.kind, outcome.calls, len(server.received)) == ("recovered", 0, 2)
    [key] = keys(bench, picture_prefix())
    assert bench.store.get(key).data == body
    entry = read_entry(bench.store, REQUEST)
    assert (entry.state, entry.kept_aside) == ("stored", "")
    assert bench.paid == 1


@pytest.mark.parametrize(
    ("second", "kind"),
    [(FORMS["plain png"][1], "recovered"), (UNDECODABLE["jpeg xl"], "failed")],
    ids=["whole", "changed again"],
)
def test_bytes_that_were_changed_on_their_way_are_not_kept(
    bench: Bench, serve: Serve, second: Callable[[], bytes], kind: str
) -> None:
    bodies = (UNDECODABLE["data that no decoder takes"](), second())
    server = serve(*(http("200 OK", body, Content_Type="image/png") for body in bodies))

    assert land(bench, server).kind == kind
    assert keys(bench, KEPT) == []
    assert read_entry(bench.store, REQUEST).kept_aside == ""


def test_what_was_kept_aside_and_is_gone_is_fetched_again(bench: Bench, serve: Serve) -> None:
    land(bench, always(serve, UNDECODABLE["gif"]()))
    [key] = keys(bench, KEPT)
    (Path(bench.store.uri) / key).unlink()

    assert land(bench, always(serve, FORMS["plain png"][1]())).kind == "recovered"


def test_once_released_it_may_be_bought_again(bench: Bench, serve: Serve) -> None:
    land(bench, always(serve, UNDECODABLE["gif"]()))
    run = bench.open("run-3")
    waiting = WaitingRequests(store=bench.store, ledger=run.ledger, rules=build_rules())
    [item] = waiting.find(WaitingFilter())
    waiting.release(item)

    assert read_entry(bench.store, REQUEST).kept_aside == ""
    assert bench.open("run-4").obtain(REQUEST).kind == "generated"
    assert len(keys(bench, KEPT)) == 1
