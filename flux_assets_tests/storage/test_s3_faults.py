"""Purchases on an S3 that refuses, breaks off and does not answer, over real connections."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from flux_assets.buying.outcome import Outcome
from flux_assets.errors import SourceError, StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.storage.object_store import ObjectInfo
from flux_assets.storage.s3 import S3Store
from flux_assets.storage.sources import read_bytes
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.image_requests import build_request, build_requests
from flux_assets_tests.fixtures.purchases import Bench, read_entry
from flux_assets_tests.fixtures.s3_proxy import ALWAYS, FaultKind, FaultyS3
from flux_assets_tests.fixtures.simulators import StartSimulator, is_picture
from flux_assets_tests.fixtures.stores import new_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REQUEST = build_request()
LEDGER = "/ledger/"
IMAGES = "/images/"


@pytest.fixture
def faulty_store(faulty_client: "S3Client", ministack_client: "S3Client") -> S3Store:
    """A new store behind the proxy."""
    return S3Store(faulty_client, bucket=new_bucket(ministack_client), prefix="pictures")


@pytest.fixture
def bench(faulty_store: S3Store, start_simulator: StartSimulator) -> Bench:
    """Runs that buy into it."""
    return Bench(store=HookedStore(faulty_store), simulator=start_simulator())


def check_stored(bench: Bench, request: ImageRequest, outcome: Outcome) -> None:
    """The picture lies in the store whole, is noted in the ledger, and was paid for once."""
    assert outcome.lineage is not None, outcome.reason
    entry = read_entry(bench.store, request)
    assert (entry.state, entry.lineage) == ("stored", outcome.lineage)
    assert bench.paid_uuids(request) == [outcome.lineage.uuid]
    assert outcome.possibly_paid_twice == 0
    assert is_picture(bench.store.get(outcome.lineage.object_key).data)


@pytest.mark.parametrize("kind", ["slow_down", "reset_upload", "drop_reply", "silence"])
@pytest.mark.parametrize(
    ("path", "skip"),
    [(LEDGER, 0), (LEDGER, 1), (IMAGES, 0), (LEDGER, 2), ("/budget/", 0)],
    ids=["claim", "reply", "picture", "lineage", "budget"],
)
def test_a_put_that_goes_wrong_once_is_made_good_in_the_same_run(
    bench: Bench, faulty_s3: FaultyS3, kind: FaultKind, path: str, skip: int
) -> None:
    faulty_s3.strike(kind, "PUT", path, skip=skip)

    (outcome,) = bench.open().generate([REQUEST])

    assert [struck for struck, _ in faulty_s3.struck] == [kind]
    assert (outcome.kind, outcome.calls) == ("generated", 1)
    check_stored(bench, REQUEST, outcome)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("slow_down", "(SlowDown)"),
        ("access_denied", "Check the credentials and their policy: s3:GetObject, s3:PutObject"),
        ("reset_upload", "Connection was closed"),
    ],
)
def test_a_paid_picture_that_the_bucket_does_not_take_is_stored_by_the_next_run(
    bench: Bench, faulty_s3: FaultyS3, kind: FaultKind, said: str
) -> None:
    faulty_s3.strike(kind, "PUT", IMAGES, times=ALWAYS)

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls) == ("failed", 1)
    assert first.reason.startswith(
        "paid and not stored yet; the next run fetches it without a call: could not write s3://"
    )
    assert said in first.reason
    assert len(first.reason.splitlines()) == 1
    assert read_entry(bench.store, REQUEST).state == "accepted"
    faulty_s3.calm()
    second = bench.open("run-2").obtain(REQUEST)
    assert (second.kind, second.calls) == ("recovered", 0)
    check_stored(bench, REQUEST, second)


@pytest.mark.parametrize("kind", ["drop_reply", "silence"])
def test_a_picture_that_was_stored_although_every_answer_was_lost_is_found_by_the_next_run(
    bench: Bench, faulty_s3: FaultyS3, kind: FaultKind
) -> None:
    faulty_s3.strike(kind, "PUT", IMAGES, times=ALWAYS)

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls) == ("failed", 1)
    assert "paid and not stored yet" in first.reason
    assert read_entry(bench.store, REQUEST).state == "accepted"
    faulty_s3.calm()
    second = bench.open("run-2").obtain(REQUEST)
    assert (second.kind, second.calls) == ("reused", 0)
    check_stored(bench, REQUEST, second)


@pytest.mark.parametrize("kind", ["slow_down", "reset_reply", "drop_reply", "silence"])
def test_a_read_that_goes_wrong_once_is_made_good_in_the_same_run(
    bench: Bench, faulty_s3: FaultyS3, kind: FaultKind
) -> None:
    bench.open("run-1").obtain(REQUEST)
    faulty_s3.strike(kind, "GET", LEDGER)
    faulty_s3.strike(kind, "GET", IMAGES)

    outcome = bench.open("run-2").obtain(REQUEST)

    assert [struck for struck, _ in faulty_s3.struck] == [kind, kind]
    assert (outcome.kind, outcome.calls) == ("reused", 0)
    check_stored(bench, REQUEST, outcome)


@pytest.mark.parametrize("kind", ["slow_down", "access_denied", "reset_reply", "drop_reply"])
def test_nothing_is_sent_while_the_ledger_cannot_be_read(
    bench: Bench, faulty_s3: FaultyS3, kind: FaultKind
) -> None:
    faulty_s3.strike(kind, "GET", LEDGER, times=ALWAYS)

    with pytest.raises(StoreError, match=r"could not read s3://[^\n]*$"):
        bench.open().obtain(REQUEST)

    assert bench.paid == 0


def test_a_permission_that_is_lost_half_way_loses_no_picture(
    bench: Bench, faulty_s3: FaultyS3
) -> None:
    requests = build_requests(8)
    faulty_s3.strike("access_denied", "PUT", IMAGES, skip=3, times=ALWAYS)

    first = bench.open("run-1").generate(requests)

    assert sorted(outcome.kind for outcome in first) == ["failed"] * 5 + ["generated"] * 3
    faulty_s3.calm()
    second = bench.open("run-2").generate(requests)
    assert sorted(outcome.kind for outcome in second) == ["recovered"] * 5 + ["reused"] * 3
    assert sum(outcome.calls for outcome in second) == 0
    for outcome in second:
        check_stored(bench, outcome.request, outcome)


def test_a_permission_that_is_lost_between_claim_and_reply_is_a_picture_in_the_store(
    bench: Bench, faulty_s3: FaultyS3
) -> None:
    faulty_s3.strike("access_denied", "PUT", LEDGER, skip=1, times=ALWAYS)

    first = bench.open("run-1").obtain(REQUEST)

    assert (first.kind, first.calls) == ("failed", 1)
    assert "is paid" in first.reason
    faulty_s3.calm()
    second = bench.open("run-2", dead_runs={"run-1"}).obtain(REQUEST)
    assert (second.kind, second.calls) == ("reused", 0)
    check_stored(bench, REQUEST, second)


def list_all(store: S3Store) -> list[ObjectInfo]:
    return list(store.list(""))


@pytest.mark.parametrize(
    ("method", "attempt"),
    [
        ("GET", lambda store: store.get("absent")),
        ("GET", list_all),
        ("PUT", lambda store: store.put("a", b"other", content_type="text/plain", if_absent=True)),
    ],
    ids=["get", "list", "put"],
)
def test_an_answer_that_breaks_off_half_way_is_a_store_error(
    faulty_s3: FaultyS3,
    faulty_store: S3Store,
    method: str,
    attempt: Callable[[S3Store], object],
) -> None:
    faulty_store.put("a", b"some", content_type="text/plain")
    faulty_s3.strike("reset_reply", method, "pictures", times=ALWAYS)

    with pytest.raises(
        StoreError, match=r"could not \w+ s3://[^\n]*Connection (broken|was closed)[^\n]*$"
    ):
        attempt(faulty_store)


def test_a_catalog_whose_answer_breaks_off_half_way_is_a_source_error(
    faulty_s3: FaultyS3, faulty_client: "S3Client", faulty_store: S3Store
) -> None:
    uri = faulty_store.uri_for("catalog.csv")
    faulty_s3.strike("reset_reply", "GET", "catalog", times=ALWAYS)

    with pytest.raises(SourceError, match=r"Connection (broken|was closed)"):
        read_bytes(uri, max_bytes=1_000, s3_client=lambda: faulty_client)
