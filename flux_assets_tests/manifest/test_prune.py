"""Which old pictures go, which never do, and what is left of those that went."""

import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import State
from flux_assets.bill.waiting import WaitingFilter, WaitingRequests
from flux_assets.errors import StoreError, StorePermissionError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.audit import verify_store
from flux_assets.manifest.prune import Deletion, PrunePlan, delete_pictures, find_old_pictures
from flux_assets.manifest.stored import MANIFEST_KEY, read_manifest
from flux_assets.manifest.wanted import PruneError, read_wanted_pictures
from flux_assets.planning.against_store import plan_against_store
from flux_assets.prompts.requests_table import REQUESTS_KEY
from flux_assets.storage.object_store import ledger_key
from flux_assets.storage.parquet import write_parquet
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.purchases import (
    build_call,
    build_ledger,
    build_rules,
    overwrite_entry,
    read_entry,
)
from flux_assets_tests.fixtures.records import ask
from flux_assets_tests.fixtures.shops import SHOTS, Shop
from flux_assets_tests.fixtures.stored_pictures import (
    ask_for,
    buy,
    key_of,
    lineage_of,
    open_records,
    show,
)

DAY = 24 * 60 * 60
OLD_TITLE, NEW_TITLE = "Old chair", "New chair"


class CutOff(BaseException):
    """The process is killed."""


class PrunableShop(Shop):
    """Of `001`, an old picture of each shot is stored beside the one that is shown; `002` is new.

    The pictures are 60, 40 and 40 days old.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "001", "002")
        self.hooked = HookedStore(super().store)
        self.set_product("001", title=OLD_TITLE)
        self.old = self.requests()["001", "hero"], self.requests()["001", "wide"]
        self.set_product("001", title=NEW_TITLE)
        self.new = tuple(self.requests().values())
        for days, requests in ((60, self.old), (40, self.new)):
            for request in requests:
                self.store_picture(request, days=days)
        self.refresh()

    @property
    def ledger(self) -> Ledger:
        return build_ledger(self.hooked, "prune")

    def store_picture(self, request: ImageRequest, *, days: float) -> None:
        buy(self.store, request)
        self.make_older(key_of(request), days=days)

    def make_older(self, key: str, *, days: float) -> None:
        then = self.store.now().timestamp() - days * DAY
        os.utime(self.store.uri_for(key), (then, then))

    def refresh(self) -> None:
        """Write what a refresh would write of the catalog as it is, buying nothing."""
        requests = [*self.requests().values()]
        ask_for(self.store, *requests)
        Path(self.store.uri_for(MANIFEST_KEY)).unlink(missing_ok=True)
        show(self.store, *requests)

    def mark_stale(self) -> None:
        manifest = read_manifest(self.store)
        assert manifest is not None
        self.replace_table(MANIFEST_KEY, write_parquet(manifest.assign(stale=True)))

    def replace_table(self, key: str, data: bytes) -> None:
        self.store.put(key, data, content_type="application/octet-stream")

    def write_overrides(self, text: str) -> None:
        self.environ["FLUX_ASSETS_OVERRIDES"] = "overrides.csv"
        (self.folder / "overrides.csv").write_text(text)

    def plan(
        self, *, days: int = 30, orphaned: bool = False, published: Iterable[ImageRequest] = ()
    ) -> PrunePlan:
        wanted = read_wanted_pictures(
            self.settings,
            self.hooked,
            self.ledger,
            judges_owners=orphaned,
            published={request.fingerprint[:32] for request in published},
        )
        return find_old_pictures(
            self.hooked, self.ledger, wanted, min_age=timedelta(days=days), orphaned=orphaned
        )

    def prune(self, *, days: int = 30, orphaned: bool = False) -> list[Deletion]:
        plan = self.plan(days=days, orphaned=orphaned)
        return list(delete_pictures(self.hooked, self.ledger, plan.pictures, find_obstacle=str))

    def pictures(self) -> set[str]:
        return {info.key for info in self.store.list("images/")}

    def status(self, request: ImageRequest) -> str:
        """What a refresh would do that asks for this."""
        plan = plan_against_store(self.settings, self.store, self.ledger, ask(request))
        return plan.rows[0].status


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PrunableShop:
    monkeypatch.chdir(tmp_path)
    return PrunableShop(tmp_path)


def keys(*requests: ImageRequest) -> set[str]:
    return set(map(key_of, requests))


def found(plan: PrunePlan) -> set[str]:
    return {picture.key for picture in plan.pictures}


# --- What goes -------------------------------------------------------------------------------


def test_pictures_with_a_newer_one_beside_them_go_and_their_lineage_stays(
    shop: PrunableShop,
) -> None:
    before = [(request, read_entry(shop.store, request)) for request in shop.old]
    entries = len(list(shop.store.list("ledger/")))

    assert {(it.picture.reason, it.problem) for it in shop.prune()} == {("superseded", "")}

    assert shop.pictures() == keys(*shop.new)
    assert len(list(shop.store.list("ledger/"))) == entries + len(shop.old)
    for request, entry in before:
        kept = shop.store.get(f"{ledger_key(request.fingerprint)[:-5]}.{entry.uuid}.json")
        assert kept.data == entry.to_bytes()
        assert "deleted on purpose" in read_entry(shop.store, request).reason
    assert verify_store(open_records(shop.store), deep=True, repair=True).is_sound
    assert shop.prune() == []


def test_what_is_wanted_again_is_bought_again_and_counts_as_paid_twice(
    shop: PrunableShop,
) -> None:
    shop.prune()
    for request in shop.old:
        assert shop.status(request) == "changed"
        entry = read_entry(shop.store, request)
        for rules in (build_rules(), build_rules(hold_unknown=True)):
            assert shop.ledger.standing_of(entry, rules) == "buy"
        assert shop.ledger.claim(request, entry).possibly_paid_twice == 1


def test_what_was_pruned_does_not_wait_for_a_person(shop: PrunableShop) -> None:
    shop.prune()
    waiting = WaitingRequests(store=shop.store, ledger=shop.ledger, rules=build_rules())
    assert list(waiting.find(WaitingFilter())) == []


def test_two_that_prune_at_once_release_each_picture_once(shop: PrunableShop) -> None:
    plan = shop.plan()
    shop.prune()
    entries = {info.key: info.modified_at for info in shop.store.list("ledger/")}
    again = delete_pictures(shop.hooked, shop.ledger, plan.pictures, find_obstacle=str)
    assert [deletion.problem for deletion in again] == ["", ""]
    assert {info.key: info.modified_at for info in shop.store.list("ledger/")} == entries


def test_pictures_of_what_is_gone_go_only_if_asked_for(shop: PrunableShop) -> None:
    shop.remove_product("002")
    shop.write_shots(SHOTS.partition("  wide:")[0])
    shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "50"
    assert shop.plan(orphaned=True).kept["no_successor"] == 1, "the manifest still shows them"
    shop.refresh()

    assert found(shop.plan()) == keys(shop.old[0])
    assert shop.plan().kept["not_asked"] == 4
    plan = shop.plan(orphaned=True)
    assert plan.to_json()["orphaned"]["hero"]["pictures"] == 1
    assert plan.to_json()["orphaned"]["wide"]["pictures"] == 3

    shop.prune(orphaned=True)

    hero = next(it for it in shop.new if (it.product_id, it.shot) == ("001", "hero"))
    assert shop.pictures() == keys(hero)
    assert verify_store(open_records(shop.store), deep=False, repair=False).is_sound


def test_a_picture_without_a_uuid_keeps_its_lineage_too(shop: PrunableShop) -> None:
    entry = read_entry(shop.store, shop.old[0])
    assert entry.lineage is not None
    nameless = replace(entry, uuid="", lineage=replace(entry.lineage, uuid=""))
    overwrite_entry(shop.store, nameless)
    shop.prune()
    start = ledger_key(shop.old[0].fingerprint)[:-5]
    assert len(list(shop.store.list(start))) == 2


# --- What stays ------------------------------------------------------------------------------


@pytest.mark.parametrize(("days", "gone"), [(59, 2), (61, 0)])
def test_a_picture_younger_than_asked_for_stays_by_the_stores_own_clock(
    shop: PrunableShop, days: int, gone: int
) -> None:
    shop.hooked.skew = timedelta(days=-400)
    assert (len(shop.plan(days=days).pictures), shop.plan(days=days).kept["younger"]) == (
        gone,
        2 - gone,
    )


def test_what_the_manifest_names_stays_even_stale_and_so_does_what_it_would_replace(
    shop: PrunableShop,
) -> None:
    shop.mark_stale()
    plan = shop.plan(days=0)
    assert found(plan) == set()
    assert (plan.kept["wanted"], plan.kept["no_successor"]) == (4, 2)


def test_words_that_were_changed_back_keep_their_picture(shop: PrunableShop) -> None:
    shop.set_product("001", title=OLD_TITLE)
    assert shop.prune(days=0) == []


def test_beside_words_that_are_not_bought_yet_nothing_goes(shop: PrunableShop) -> None:
    shop.set_product("001", title="A third title")
    assert shop.prune(days=0) == []


def test_what_the_last_refresh_asked_for_stays(shop: PrunableShop) -> None:
    ask_for(shop.store, *shop.new, *shop.old)
    assert shop.prune(days=0) == []


def test_a_picture_that_is_not_older_than_the_one_shown_stays(shop: PrunableShop) -> None:
    for request in shop.old:
        shop.make_older(key_of(request), days=39)
    assert shop.prune() == []


def test_a_picture_whose_successor_is_gone_stays(shop: PrunableShop) -> None:
    for request in shop.new:
        Path(shop.store.uri_for(key_of(request))).unlink()
    assert shop.prune(days=0) == []


@pytest.mark.parametrize("product_id", ["001", "gone"])
def test_a_pinned_picture_stays_whoever_pins_it(shop: PrunableShop, product_id: str) -> None:
    hero, wide = shop.old
    shop.write_overrides(f"product_id,shot,pin\n{product_id},hero,{hero.fingerprint[:8]}\n")
    assert found(shop.plan()) == keys(wide)


def test_what_is_shown_elsewhere_stays_even_of_a_product_that_is_gone(shop: PrunableShop) -> None:
    plan = shop.plan(published=shop.old[:1])
    assert found(plan) == keys(shop.old[1])
    assert plan.to_json()["kept"]["published"] == plan.kept["published"] == 1
    shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "50"
    shop.remove_product("001")
    shop.refresh()
    assert found(shop.plan(orphaned=True, published=shop.old)) == keys(*shop.new[:2])


def test_what_would_be_asked_for_without_its_pin_stays(shop: PrunableShop) -> None:
    hero, wide = shop.new[:2]
    shop.set_product("001", title=OLD_TITLE)
    shop.write_overrides(
        f"product_id,shot,pin\n001,hero,{hero.fingerprint}\n001,wide,{wide.fingerprint}\n"
    )
    assert found(shop.plan()) == set()


@pytest.mark.parametrize("state", ["claimed", "accepted", "refused", "failed", "lost", "unknown"])
def test_only_what_the_ledger_says_is_stored_goes(shop: PrunableShop, state: State) -> None:
    hero, wide = shop.old
    entry = read_entry(shop.store, hero)
    overwrite_entry(shop.store, replace(entry, state=state, lineage=None))
    plan = shop.plan()
    assert (found(plan), plan.kept["unsettled"]) == (keys(wide), 1)


def test_a_picture_without_an_entry_or_with_a_damaged_one_stays(shop: PrunableShop) -> None:
    hero, wide = shop.old
    Path(shop.store.uri_for(ledger_key(hero.fingerprint))).unlink()
    shop.replace_table(ledger_key(wide.fingerprint), b"{")
    plan = shop.plan()
    assert (found(plan), plan.kept["unsettled"]) == (set(), 2)


def test_foreign_objects_beside_the_pictures_stay(shop: PrunableShop) -> None:
    picture = key_of(shop.old[0])
    foreign = {
        "images/notes.txt",
        "images/hero/001/readme.png",
        f"images/hero/001/thumbs/{'0' * 32}.png",
        picture.replace(".png", ".png.bak"),
        picture.replace(".png", ".webp"),
        f"images/hero/001/{'0' * 32}.png",
        f"images/hero/another/{'0' * 32}.png",
    }
    for key in foreign:
        shop.replace_table(key, b"not ours")
        shop.make_older(key, days=90)
    for _ in range(2):
        shop.prune(orphaned=True)
        assert shop.pictures() == keys(*shop.new) | foreign


def test_drafts_and_archived_products_are_not_gone(shop: PrunableShop) -> None:
    shop.set_product("002", status="draft")
    shop.environ["FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT"] = "50"
    assert ("002", "hero") not in shop.requests(), "or the column means nothing"
    shop.refresh()
    assert found(shop.plan(orphaned=True)) == keys(*shop.old)


# --- When nothing goes -----------------------------------------------------------------------


def lose_manifest(shop: PrunableShop) -> None:
    Path(shop.store.uri_for(MANIFEST_KEY)).unlink()


def damage_manifest(shop: PrunableShop) -> None:
    shop.replace_table(MANIFEST_KEY, b"PAR1")


def damage_requests(shop: PrunableShop) -> None:
    shop.replace_table(REQUESTS_KEY, b"PAR1")


def take_older_manifest(shop: PrunableShop) -> None:
    manifest = read_manifest(shop.store)
    assert manifest is not None
    shop.replace_table(MANIFEST_KEY, write_parquet(manifest.drop(columns="object_key")))


def lose_catalog(shop: PrunableShop) -> None:
    (shop.folder / "catalog.csv").unlink()


def cut_catalog(shop: PrunableShop) -> None:
    shop.remove_product("002")


def break_shots(shop: PrunableShop) -> None:
    shop.write_shots("shots: {hero: {}}")


def misspell_pin(shop: PrunableShop) -> None:
    shop.write_overrides("product_id,shot,pinn\n001,hero,12345678\n")


def break_row(shop: PrunableShop) -> None:
    path = shop.folder / "catalog.csv"
    path.write_text(path.read_text() + ",a row without an id,red,1,Chairs\n")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lose_manifest, "has no manifest.*`flux-assets refresh` writes it"),
        (damage_manifest, "it is damaged; `flux-assets verify --repair`"),
        (damage_requests, "image_requests.parquet: it is damaged; the next refresh writes"),
        (take_older_manifest, "an older release wrote the manifest; `flux-assets refresh`"),
        (lose_catalog, r"catalog\.csv"),
        (cut_catalog, "1 of the 2 products of the manifest are not in this catalog.*--accept-drop"),
        (break_shots, r"shots\.yaml"),
        (misspell_pin, "line 1 of the overrides may pin a picture.*did you mean pin"),
        (break_row, "1 rows of catalog.csv were rejected.*prune without --orphaned"),
    ],
)
def test_what_cannot_be_read_or_relied_on_lets_nothing_be_deleted(
    shop: PrunableShop, spoil: Callable[[PrunableShop], None], told: str
) -> None:
    spoil(shop)
    with pytest.raises(PruneError, match=f"^nothing was deleted: .*{told}"):
        shop.plan(days=0, orphaned=True)


def test_a_rejected_row_holds_up_no_superseded_picture(shop: PrunableShop) -> None:
    break_row(shop)
    assert found(shop.plan()) == keys(*shop.old)


def test_a_store_that_lets_nothing_be_deleted_is_told_before_anything_changes(
    shop: PrunableShop,
) -> None:
    before = {info.key: info for info in shop.store.list("")}

    def refuse(operation: str, key: str) -> None:
        if operation == "delete":
            raise StorePermissionError(key, "delete", "not allowed")

    shop.hooked.before = refuse
    with pytest.raises(PruneError, match=r"nothing was deleted: .*not allowed"):
        shop.prune()
    assert {info.key: info for info in shop.store.list("")} == before


# --- What goes wrong on the way --------------------------------------------------------------


def test_one_picture_that_cannot_be_deleted_is_told_and_holds_up_no_other(
    shop: PrunableShop,
) -> None:
    stuck, gone = keys(shop.old[0]), keys(shop.old[1])

    def fail(operation: str, key: str) -> None:
        if operation == "delete" and key in stuck:
            raise StoreError(key, "delete", "it broke off")

    shop.hooked.before = fail
    problems = {it.picture.key: it.problem for it in shop.prune()}
    assert problems.keys() == stuck | gone
    assert {key for key, problem in problems.items() if problem} == stuck
    assert "it broke off" in "".join(problems.values())
    assert shop.pictures() == keys(*shop.new) | stuck

    shop.hooked.before = lambda *_: None
    shop.prune()
    assert shop.pictures() == keys(*shop.new)


def test_what_comes_in_its_way_leaves_the_rest_where_it_is(shop: PrunableShop) -> None:
    plan = shop.plan()
    deletions = list(
        delete_pictures(
            shop.hooked, shop.ledger, plan.pictures, find_obstacle=lambda: "a run has begun"
        )
    )
    assert [deletion.problem for deletion in deletions] == ["a run has begun"] * 2
    assert shop.pictures() == keys(*shop.old, *shop.new)


def test_a_picture_whose_call_is_taken_up_meanwhile_stays(shop: PrunableShop) -> None:
    hero, wide = shop.old
    plan = shop.plan()
    entry = read_entry(shop.store, hero)
    accepted = replace(entry, **build_call().as_changes(), lineage=None)
    overwrite_entry(shop.store, accepted)
    deletions = delete_pictures(shop.hooked, shop.ledger, plan.pictures, find_obstacle=str)
    problems = {it.picture.key: it.problem for it in deletions}
    assert problems == {key_of(hero): "its ledger entry has changed meanwhile", key_of(wide): ""}
    assert key_of(hero) in shop.pictures()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(5))
def test_cut_off_anywhere_the_picture_is_there_or_may_be_bought_again_and_the_next_prune_goes_on(
    shop: PrunableShop, when: str, number: int
) -> None:
    plan = shop.plan()
    [picture] = plan.pictures[:1]
    request = next(it for it in shop.old if key_of(it) == picture.key)
    seen: list[str] = []

    def cut(operation: str, _key: str) -> None:
        seen.append(operation)
        if len(seen) == number + 1:
            raise CutOff

    setattr(shop.hooked, when, cut)
    with pytest.raises(CutOff):
        list(delete_pictures(shop.hooked, shop.ledger, [picture], find_obstacle=str))
    setattr(shop.hooked, when, lambda *_: None)

    assert seen == ["delete", "get", "put", "put", "delete"][: number + 1], "first to see if it may"
    is_there = picture.key in shop.pictures()
    assert shop.status(request) == ("stored" if is_there else "changed")
    assert verify_store(open_records(shop.store), deep=True, repair=True).is_sound
    assert (picture.key in shop.pictures()) == is_there

    shop.prune()
    assert shop.pictures() == keys(*shop.new)
    assert shop.status(request) == "changed"


def test_a_picture_that_was_to_be_deleted_and_is_wanted_again_is_taken_without_a_call(
    shop: PrunableShop,
) -> None:
    def cut(operation: str, key: str) -> None:
        if operation == "delete" and key == key_of(shop.old[0]):
            raise CutOff

    before = lineage_of(shop.store, shop.old[0])[shop.old[0].fingerprint]
    shop.hooked.before = cut
    with pytest.raises(CutOff):
        shop.prune()
    shop.hooked.before = lambda *_: None
    shop.set_product("001", title=OLD_TITLE)
    ask_for(shop.store, *shop.requests().values())

    findings = verify_store(open_records(shop.store), deep=True, repair=True)

    assert findings.is_sound
    after = lineage_of(shop.store, shop.old[0])[shop.old[0].fingerprint]
    assert (after.uuid, after.sha256, after.object_key) == (
        before.uuid,
        before.sha256,
        before.object_key,
    )
    assert shop.prune(days=0) == []
