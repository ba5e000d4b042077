"""A number is claimed once, files follow their edition, and a repeated run does nothing."""

import json
import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.publishing.decision import DecisionVerdict, Wish
from flux_assets.publishing.decisions import decide, read_decisions
from flux_assets.publishing.edition import FeedForm, Offer
from flux_assets.publishing.edition_file import EditionFile, write_edition
from flux_assets.publishing.edition_plan import CurrentProduct
from flux_assets.publishing.editions import (
    claim_edition,
    edition_key,
    list_numbers,
    read_edition,
    read_last_edition,
)
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.publish import Publication, Published, publish, withdraw_rejected
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets_tests.fixtures.editions import MAIN, edition, picture, product
from flux_assets_tests.fixtures.hooked_store import HookedStore

PUBLICATION = Publication(
    channel="google",
    slots=[MAIN],
    policy="all_but_rejected",
    form=FeedForm(formats=("google_tsv", "jsonl"), public_url="https://pictures.invalid"),
    judge=lambda *_: Judgement(),
    by="ada",
    why="refresh run-1",
)


def products(count: int, take: int = 1) -> list[CurrentProduct]:
    return [
        product(f"{number:03}", {("main", "table"): picture(f"{number} take {take}")})
        for number in range(count)
    ]


def reject(store: ObjectStore, *names: str, verdict: DecisionVerdict = "rejected") -> None:
    known = read_decisions(store)
    wishes = []
    for name in names:
        it = picture(name)
        found = known.find(it.fingerprint)
        seen = found.revision if found else 0
        wishes.append(
            Wish(
                fingerprint=it.fingerprint,
                sha256=it.master_sha256,
                verdict=verdict,
                seen_revision=seen,
            )
        )
    assert len(decide(store, wishes, by="grace", via="test").applied) == len(names)


def lines_of(store: ObjectStore) -> list[str]:
    return store.get("publishing/feeds/google.tsv").data.decode().splitlines()[1:]


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def test_an_edition_is_made_with_its_files_and_a_repeat_writes_nothing(
    any_store: ObjectStore,
) -> None:
    hooked = HookedStore(any_store)
    made = publish(hooked, PUBLICATION, products(3))
    assert made.is_new
    assert made.edition is not None
    assert (made.edition.number, made.edition.by, made.edition.why) == (1, "ada", "refresh run-1")
    assert len(lines_of(hooked)) == 3
    written: list[str] = []
    hooked.before = lambda operation, key: written.append(key) if operation == "put" else None
    again = publish(hooked, PUBLICATION, products(3))
    assert (again.is_new, again.edition, again.written, written) == (False, made.edition, [], [])
    assert read_last_edition(hooked, "google") == made.edition


def test_nothing_to_show_makes_no_edition(store: HookedStore) -> None:
    made = publish(store, PUBLICATION, [])
    assert (made.edition, made.is_new, [*store.list("")]) == (None, False, [])


def test_eight_runs_at_once_make_one_edition_and_switch_one_days_share(
    any_store: ObjectStore,
) -> None:
    publication = replace(PUBLICATION, percent_per_day=10.0)
    publish(any_store, publication, products(100))
    barrier = Barrier(8)

    def run(_: int) -> Published:
        barrier.wait()
        return publish(any_store, publication, products(100, take=2))

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(run, range(8)))
    assert [it.is_new for it in found].count(True) == 1
    assert {it.edition.number for it in found if it.edition} == {2}
    assert list_numbers(any_store, "google") == [1, 2]
    first, second = (read_edition(any_store, "google", number) for number in (1, 2))
    changed = [it for it in first.products if first.products[it] != second.products[it]]
    assert (len(changed), second.switched) == (10, 10)
    rows = [json.loads(it) for it in _jsonl(any_store)]
    assert [row["edition"] for row in rows].count(2) == 10


def _jsonl(store: ObjectStore) -> list[str]:
    return store.get("publishing/feeds/google.jsonl").data.decode().splitlines()


def test_a_days_share_is_taken_once_however_often_it_is_run(store: HookedStore) -> None:
    publication = replace(PUBLICATION, percent_per_day=10.0)
    publish(store, publication, products(25))
    store.pass_time(timedelta(days=1))
    switched = []
    for day in range(10):
        for take in (2, 3):  # what is wanted changes within the day, too
            found = publish(store, publication, products(25, take if day < 1 else 3))
            switched.append(len(found.plan.switched))
        store.pass_time(timedelta(days=1))
    assert all(
        one + two <= math.ceil(2.5) for one, two in zip(switched[::2], switched[1::2], strict=True)
    )
    assert sum(switched) >= 25
    assert publish(store, publication, products(25, 3)).plan.waiting == ()


def test_a_clock_that_goes_back_gives_no_further_share(store: HookedStore) -> None:
    publication = replace(PUBLICATION, percent_per_day=10.0)
    publish(store, publication, products(10))
    publish(store, publication, products(10, take=2))
    store.skew = timedelta(days=-1)
    found = publish(store, publication, products(10, take=2))
    assert (len(found.plan.switched), len(found.plan.waiting)) == (0, 9)


def test_an_edition_that_a_wrong_clock_dated_years_ahead_stops_no_switching(
    store: HookedStore, caplog: pytest.LogCaptureFixture
) -> None:
    publication = replace(PUBLICATION, percent_per_day=10.0)
    store.skew = timedelta(days=2000)
    publish(store, publication, products(10))
    store.skew = timedelta()
    for day in range(3):
        found = publish(store, publication, products(10, take=2))
        again = publish(store, publication, products(10, take=2))
        assert (len(found.plan.switched), len(again.plan.switched)) == (1, 0), day
        store.pass_time(timedelta(days=1))
    assert ["by a wrong clock" in it.getMessage() for it in caplog.records].count(True) == 1


def test_a_rejected_picture_leaves_in_the_next_edition_and_no_refresh_brings_it_back(
    store: HookedStore,
) -> None:
    publication = replace(PUBLICATION, percent_per_day=1.0)
    publish(store, publication, products(3))
    publish(store, replace(publication, percent_per_day=None), products(3, take=2))
    reject(store, "1 take 2")
    found = publish(store, publication, products(3, take=2))
    assert [it.product_id for it in found.plan.withdrawn] == ["001"]
    assert picture("1 take 1").object_key in lines_of(store)[1]
    assert not publish(store, publication, products(3, take=2)).is_new
    publish(store, publication, products(3, take=3))
    assert picture("1 take 2").object_key not in "".join(lines_of(store))


def test_a_decision_that_a_crash_left_in_the_log_holds_for_the_next_edition(
    store: HookedStore,
) -> None:
    publish(store, PUBLICATION, products(2))

    def fail(operation: str, key: str) -> None:
        if operation == "put" and "/log/" not in key:
            raise StoreError(key, "write", "no connection")

    store.before = fail
    it = picture("1 take 1")
    wish = Wish(fingerprint=it.fingerprint, sha256=it.master_sha256, verdict="rejected")
    assert decide(store, [wish], by="grace", via="test").failed
    with pytest.raises(StoreError, match=r"1 decisions.* noted and not applied .*no connection"):
        publish(store, PUBLICATION, products(3))
    assert list_numbers(store, "google") == [1]
    store.before = lambda *_: None
    publish(store, PUBLICATION, products(2))
    assert [line[:3] for line in lines_of(store)] == ["000"]


@pytest.mark.parametrize("at", ["google.tsv", "google.jsonl", "google.schema.json"])
def test_a_run_cut_off_between_edition_and_files_is_made_good_by_the_next(
    store: HookedStore, at: str
) -> None:
    publish(store, PUBLICATION, products(2))

    def fail(operation: str, key: str) -> None:
        if operation == "put" and key.endswith(at):
            raise StoreError(key, "write", "no connection")

    store.before = fail
    with pytest.raises(StoreError, match="no connection"):
        publish(store, PUBLICATION, products(3))
    store.before = lambda *_: None
    found = publish(store, PUBLICATION, products(3))
    assert (found.is_new, f"publishing/feeds/{at}" in found.written) == (False, True)
    assert len(lines_of(store)) == len(_jsonl(store)) == 3


def test_a_slow_run_writes_no_older_file_over_a_newer_one(store: HookedStore) -> None:
    publish(store, PUBLICATION, products(2))
    inner = store._inner

    def forestall(operation: str, key: str) -> None:
        if operation == "put" and key.endswith("google.tsv"):
            store.before = lambda *_: None
            publish(inner, PUBLICATION, products(4))

    store.before = forestall
    publish(store, PUBLICATION, products(3))
    assert len(lines_of(store)) == 4


@pytest.mark.parametrize("lost", [[3], [2, 3], [1, 2, 3]])
def test_files_of_editions_that_were_lost_are_written_over_by_what_is_claimed_anew(
    store: HookedStore, tmp_path: Path, lost: list[int]
) -> None:
    for count in (2, 3, 4):
        publish(store, PUBLICATION, products(count))
    for number in lost:
        (tmp_path / "store" / edition_key("google", number)).unlink()
    reject(store, "1 take 1")
    publish(store, PUBLICATION, products(4))
    assert [line[:3] for line in lines_of(store)] == ["000", "002", "003"]
    assert len(_jsonl(store)) == 3
    assert publish(store, PUBLICATION, products(4)).written == []


def test_a_claim_whose_reply_was_lost_is_known_as_ours(any_store: ObjectStore) -> None:
    made = edition({}, claim="ours")
    assert claim_edition(any_store, made)
    assert claim_edition(any_store, made)  # as a client repeats a write without a reply
    assert not claim_edition(any_store, replace(made, claim="another run's"))


def test_a_claim_that_another_unfinished_write_refuses_is_planned_anew(store: HookedStore) -> None:
    refused: list[str] = []

    def refuse(operation: str, key: str) -> None:  # as S3 does, with 409
        if operation == "put" and key == edition_key("google", 1) and len(refused) < 2:
            refused.append(key)
            raise ConditionFailedError(key, "write", "another write is under way")

    store.before = refuse
    found = publish(store, PUBLICATION, products(2))
    assert (found.is_new, len(refused), len(lines_of(store))) == (True, 2, 2)


@pytest.mark.parametrize("left", [3, 0])
def test_what_rules_warned_of_is_told_still_where_only_rejections_leave(
    store: HookedStore, left: int
) -> None:
    warning = replace(PUBLICATION, judge=lambda *_: Judgement(warnings=("small",)))
    publish(store, warning, products(3))
    reject(store, "1 take 1")
    if left:
        withdraw_rejected(store, "google", by="ada", why="test")
    else:
        assert publish(store, warning, products(left)).problem
    last = read_last_edition(store, "google")
    assert last is not None
    assert last.number == 2
    shown = [it for found in last.products.values() for it in found.showings]
    assert [it.warnings for it in shown] == [("small",)] * 2


def test_a_file_of_a_format_that_is_no_more_shows_nothing_rejected(
    any_store: ObjectStore,
) -> None:
    formats: Sequence[tuple[str, ...]] = (("google_tsv", "meta_csv"), ("google_xml",))
    for it in formats:
        form = replace(PUBLICATION.form, formats=it)
        publish(any_store, replace(PUBLICATION, form=form), products(2))
    reject(any_store, "1 take 1")
    publish(any_store, replace(PUBLICATION, form=form), products(2))
    assert [line[:3] for line in lines_of(any_store)] == ["000"]
    csv = any_store.get("publishing/feeds/google.csv").data.decode().splitlines()
    assert [line[:3] for line in csv] == ["id,", "000"]
    any_store.put("publishing/feeds/google.txt", b"a person's", content_type="text/plain")
    publish(any_store, replace(PUBLICATION, form=form), products(3))
    assert any_store.get("publishing/feeds/google.txt").data == b"a person's"


def test_another_public_address_is_another_edition_past_the_quota(store: HookedStore) -> None:
    publication = replace(PUBLICATION, percent_per_day=0.1)
    publish(store, publication, products(3))
    form = replace(PUBLICATION.form, public_url="https://cdn.invalid/p")
    found = publish(store, replace(publication, form=form), products(3))
    assert (found.is_new, found.plan.switched) == (True, ())
    assert all("https://cdn.invalid/p/" in line for line in lines_of(store))


@pytest.mark.parametrize("left", [0, 5])
def test_a_truncated_export_leaves_the_feed_but_not_what_was_rejected(
    store: HookedStore, left: int
) -> None:
    publish(store, PUBLICATION, products(10))
    found = publish(store, PUBLICATION, products(left))
    assert (found.is_new, len(lines_of(store))) == (False, 10)
    assert f"{10 - left} of the 10 products" in str(found.problem)
    reject(store, "9 take 1")
    found = publish(store, PUBLICATION, products(left))
    assert found.problem is not None
    assert [line[:3] for line in lines_of(store)] == [f"{number:03}" for number in range(9)]
    publish(store, replace(PUBLICATION, accept_drop=True), products(left))
    assert len(lines_of(store)) == left


def test_an_export_that_lost_most_offers_leaves_the_feed_though_each_product_has_one_yet(
    store: HookedStore,
) -> None:
    whole = [replace(it, offers=offers_of(it.product_id, 5)) for it in products(4)]
    publish(store, PUBLICATION, whole)
    cut = [replace(it, offers=offers_of(it.product_id, 1)) for it in products(4)]
    found = publish(store, PUBLICATION, cut)
    assert "16 of the 20 offers that are shown would show nothing (80 %)" in str(found.problem)
    assert (found.is_new, len(lines_of(store))) == (False, 20)
    reject(store, "0 take 1")
    assert publish(store, PUBLICATION, whole).problem is None
    assert len(lines_of(store)) == 15
    publish(store, replace(PUBLICATION, accept_drop=True), cut)
    assert len(lines_of(store)) == 3


def offers_of(product_id: str, count: int) -> tuple[Offer, ...]:
    return tuple(Offer(offer_id=f"{product_id}-{number}") for number in range(count))


def test_a_rule_that_blocks_nearly_all_is_a_drop_and_people_rejecting_all_is_none(
    store: HookedStore,
) -> None:
    publish(store, PUBLICATION, products(5))
    strict = replace(PUBLICATION, judge=lambda *_: Judgement(is_blocked=True))
    assert publish(store, strict, products(5)).problem is not None
    reject(store, *(f"{number} take 1" for number in range(5)))
    found = publish(store, PUBLICATION, products(5))
    assert (found.problem, lines_of(store)) == (None, [])


def test_an_edition_is_read_back_as_it_was_written(store: HookedStore) -> None:
    form = FeedForm(formats=("jsonl",), public_url="https://x.invalid", alt_text_suffix=" (ä)")
    takes: Sequence[int] = (1, 2)
    for take in takes:
        publish(store, replace(PUBLICATION, form=form), products(3, take))
    last = read_last_edition(store, "google")
    assert last is not None
    again = EditionFile(write_edition(last), "x").read()
    assert (again, [*again.products]) == (last, ["000", "001", "002"])
    assert [len(it.showings[0].before) for it in again.products.values()] == [1, 1, 1]
    assert [it.showings[0].since for it in again.products.values()] == [2, 2, 2]


@pytest.mark.parametrize("damage", [b"", b"PAR1", b"x" * 100])
def test_a_damaged_edition_is_an_error_and_none_is_made_anew(
    store: HookedStore, damage: bytes
) -> None:
    publish(store, PUBLICATION, products(2))
    store.put("publishing/feeds/google/editions/000001.parquet", damage, content_type="x/y")
    with pytest.raises(DamagedObjectError, match="never made anew"):
        publish(store, PUBLICATION, products(3))
    assert list_numbers(store, "google") == [1]
