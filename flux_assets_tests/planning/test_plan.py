from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.send_rules import Standing
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.manifest.product_names import NAMED
from flux_assets.planning.plan import build_plan, estimate
from flux_assets.planning.plan_table import STATUSES, PlanRow
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.frames import build_frame
from flux_assets.storage.object_store import picture_key, picture_prefix
from flux_assets.storage.stored_pictures import StoredPictures, list_pictures
from flux_assets_tests.fixtures.records import LIMITS, ask, identify, make_entry, make_request

NOTHING = StoredPictures.of(())
CHAIR = identify(make_request("00123", "hero"))


def _stored(*identities: RequestIdentity) -> StoredPictures:
    return StoredPictures.of(map(_key_of, identities))


def _key_of(identity: RequestIdentity) -> str:
    return picture_key(
        shot=identity.shot,
        product_id=identity.product_id,
        fingerprint=identity.fingerprint,
        extension="png",
    )


def _plan_one(
    standing: Standing, *, pictures: StoredPictures = NOTHING, reason: str = ""
) -> PlanRow:
    """The plan of one chair without a picture, whose ledger entry stands as given."""
    plan = build_plan(
        ask(CHAIR),
        pictures=pictures,
        read_entries=lambda _: {CHAIR.fingerprint: make_entry(CHAIR.fingerprint, reason)},
        limits=LIMITS,
        standing_of=lambda _: standing,
    )
    assert plan.counts == {status: status == plan.rows[0].status for status in STATUSES}
    return plan.rows[0]


def _read_none(_: Collection[str]) -> Mapping[str, LedgerEntry]:
    return {}


def _never(entry: LedgerEntry) -> Standing:
    pytest.fail(f"the ledger says nothing of {entry.fingerprint}")


def test_what_has_neither_picture_nor_entry_is_new() -> None:
    plan = build_plan(
        ask(CHAIR), pictures=NOTHING, read_entries=_read_none, limits=LIMITS, standing_of=_never
    )
    assert plan.rows == (PlanRow(*CHAIR, "new"),)
    assert plan.to_buy == 1


def test_what_has_a_picture_is_stored_whatever_the_ledger_says() -> None:
    plan = build_plan(
        ask(CHAIR),
        pictures=_stored(CHAIR),
        read_entries=lambda _: {CHAIR.fingerprint: make_entry(CHAIR.fingerprint)},
        limits=LIMITS,
        standing_of=_never,
    )
    assert plan.rows == (PlanRow(*CHAIR, "stored", _key_of(CHAIR)),)
    assert (plan.to_buy, plan.orphaned) == (0, 0)


def test_a_product_with_a_picture_of_another_request_is_changed() -> None:
    earlier = identify(make_request("00123", "hero", "An older chair"))
    plan = build_plan(
        ask(CHAIR),
        pictures=_stored(earlier),
        read_entries=_read_none,
        limits=LIMITS,
        standing_of=_never,
    )
    assert plan.rows == (PlanRow(*CHAIR, "changed"),)
    assert (plan.to_buy, plan.orphaned) == (1, 0)


@pytest.mark.parametrize(
    "other",
    [make_request("00123", "lifestyle"), make_request("00124", "hero")],
    ids=["another shot", "another product"],
)
def test_pictures_of_another_shot_or_product_leave_it_new(other: ImageRequest) -> None:
    pictures = _stored(identify(other))
    plan = build_plan(
        ask(CHAIR), pictures=pictures, read_entries=_read_none, limits=LIMITS, standing_of=_never
    )
    assert [item.status for item in plan.rows] == ["new"]


@pytest.mark.parametrize("standing", ["accepted", "refused", "failed", "held", "lost"])
def test_the_ledgers_standing_is_the_plans(standing: Standing) -> None:
    planned = _plan_one(standing, reason="because")
    assert planned == PlanRow(*CHAIR, standing, reason="because")  # type: ignore[arg-type] # a status each


def test_an_entry_that_allows_another_send_is_to_be_bought() -> None:
    assert _plan_one("buy").status == "new"
    earlier = identify(make_request("00123", "hero", "An older chair"))
    assert _plan_one("buy", pictures=_stored(earlier)).status == "changed"


def test_an_entry_that_says_stored_without_a_picture_is_missing_and_not_bought() -> None:
    assert _plan_one("stored").status == "missing"


def test_only_new_and_changed_requests_are_to_be_bought() -> None:
    requests = [identify(make_request(str(number))) for number in range(7)]
    standings: list[Standing] = ["accepted", "stored", "refused", "failed", "held", "lost"]
    by_fingerprint = dict(zip((item.fingerprint for item in requests[1:]), standings, strict=True))
    plan = build_plan(
        ask(*requests),
        pictures=NOTHING,
        read_entries=lambda _: {name: make_entry(name) for name in by_fingerprint},
        limits=LIMITS,
        standing_of=lambda entry: by_fingerprint[entry.fingerprint],
    )
    assert [item.status for item in plan.rows] == [
        *("new", "accepted", "missing", "refused", "failed", "held", "lost"),
    ]
    assert plan.to_buy == 1


def test_pictures_of_products_and_shots_that_are_gone_are_orphaned() -> None:
    pictures = _stored(
        CHAIR,
        identify(make_request("00123", "gone_shot")),
        identify(make_request("gone", "hero")),
        identify(make_request("gone", "hero", "An older picture of it")),
    )
    plan = build_plan(
        ask(CHAIR), pictures=pictures, read_entries=_read_none, limits=LIMITS, standing_of=_never
    )
    assert plan.orphaned == 2


@pytest.mark.parametrize(
    ("count", "limits", "minutes", "binding"),
    [
        (0, {}, 0.0, "requests_per_minute (180)"),
        (1, {}, 0.5, "requests_per_minute (180)"),  # no run is shorter than one call
        (360, {}, 2.0, "requests_per_minute (180)"),
        (360, {"requests_per_picture": 2.5}, 5.0, "requests_per_minute (180)"),
        (360, {"max_in_flight": 45}, 4.0, "max_in_flight (45)"),
        (360, {"max_in_flight": 90}, 2.0, "requests_per_minute (180)"),
        (360, {"max_images_per_run": 360, "daily_image_limit": 360}, 2.0, "requests_per_minute"),
        (360, {"max_images_per_run": 359}, 2.0, "max_images_per_run (359)"),
        (360, {"daily_image_limit": 359}, 2.0, "daily_image_limit (359)"),
        (360, {"max_images_per_run": 5, "daily_image_limit": 5}, 2.0, "max_images_per_run (5)"),
    ],
)
def test_cost_time_and_the_limit_that_binds_are_estimated(
    count: int, limits: Mapping[str, float], minutes: float, binding: str
) -> None:
    takes = estimate(count, replace(LIMITS, **limits))  # type: ignore[arg-type] # its own fields
    assert takes.cost_usd == pytest.approx(count * 0.07)
    assert takes.minutes == minutes
    assert takes.binding_limit.startswith(binding)


def test_a_plan_tells_the_category_of_each_product() -> None:
    lamp = identify(make_request("00124"))
    plan = build_plan(
        ask(CHAIR, lamp),
        pictures=NOTHING,
        read_entries=_read_none,
        limits=LIMITS,
        standing_of=_never,
        products=build_frame([("00123", "A chair", "Chairs")], NAMED, numbers=()),
    )
    assert [(row.category, row.title) for row in plan.rows] == [("Chairs", "A chair"), ("", "")]


def _put_picture(store: DirectoryStore, identity: RequestIdentity, extension: str) -> str:
    key = picture_key(
        shot=identity.shot,
        product_id=identity.product_id,
        fingerprint=identity.fingerprint,
        extension=extension,
    )
    store.put(key, b"picture", content_type="image/png")
    return key


def test_the_stores_listing_shows_which_requests_have_a_picture(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    awkward = identify(make_request("JWL.7/01", "wide"))
    keys = [_put_picture(store, CHAIR, "png"), _put_picture(store, awkward, "jpg")]
    plan = build_plan(
        ask(CHAIR, awkward, make_request("JWL.7/01", "wide", "Changed")),
        pictures=list_pictures(store),
        read_entries=_read_none,
        limits=LIMITS,
        standing_of=_never,
    )
    assert [item.status for item in plan.rows] == ["stored", "stored", "changed"]
    assert [item.object_key for item in plan.rows] == [*keys, ""]
    assert plan.orphaned == 0


def test_a_listing_of_some_prefixes_sees_no_other_pictures(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path)
    lamp = identify(make_request("00123-lamp", "hero"))  # begins as the chair's does
    key = _put_picture(store, CHAIR, "png")
    _put_picture(store, lamp, "png")
    pictures = list_pictures(store, [picture_prefix("hero", "00123")])
    assert pictures.keys.to_pylist() == [key]


class _Bucket(DirectoryStore):
    """Lists empty objects that stand for folders, as S3's console makes them."""

    def list_keys(self, prefix: str) -> Iterator[str]:
        yield from super().list_keys(prefix)
        for key in ("images/", "images/hero/", "images/hero/00123/", "images/readme.txt"):
            if key.startswith(prefix):
                yield key


def test_what_is_no_picture_of_ours_is_passed_over(tmp_path: Path) -> None:
    store = _Bucket(tmp_path)
    key = _put_picture(store, CHAIR, "png")
    pictures = list_pictures(store)
    assert pictures.keys.to_pylist() == [key]
    prefixes = pa.array(["images/hero/00123/", "images/hero/"], pictures.keys.type)
    assert pictures.has_any(prefixes).to_pylist() == [True, False]
