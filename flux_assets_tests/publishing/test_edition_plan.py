"""What leaves does so at once, what changes waits for its share, and a repeat does nothing."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.publishing.channels_schema import Policy
from flux_assets.publishing.daily_share import count_quota
from flux_assets.publishing.decision import DecisionVerdict
from flux_assets.publishing.edition import Edition, Picture, ShownProduct
from flux_assets.publishing.edition_plan import (
    NOT_MADE,
    CurrentProduct,
    EditionPlan,
    freeze,
    plan_edition,
)
from flux_assets.publishing.judges import Judgement, Judges
from flux_assets_tests.fixtures.editions import SLOTS, edition, judges, picture, product

Pictures = dict[tuple[str, str], Picture | None]


def pictures_of(**names: str) -> Pictures:
    """The manifest's pictures by shot, each in every slot that takes it."""
    return {
        (slot.name, shot): picture(name, shot)
        for slot in SLOTS
        for shot, name in names.items()
        if shot in slot.shots
    }


def plan(
    last: Edition | None,
    *products: CurrentProduct,
    by: Judges | None = None,
    quota: int | None = None,
) -> EditionPlan:
    return plan_edition(last, products, slots=SLOTS, judges=by or judges(), quota=quota)


def mug(**names: str) -> CurrentProduct:
    return product("mug", pictures_of(**names))


def after(*steps: CurrentProduct) -> Edition:
    """The last of editions that each showed one step, all at once."""
    last = None
    for step in steps:
        last = edition(plan(last, step).products)
    assert last is not None
    return last


def shown(found: EditionPlan, product_id: str = "mug") -> dict[str, list[str]]:
    """What each slot shows, by the pictures' fingerprints' own names."""
    names = {picture(name).fingerprint: name for name in "abcdefghij"}
    if product_id not in found.products:
        return {}
    slots: dict[str, list[str]] = {}
    for it in found.products[product_id].showings:
        slots.setdefault(it.slot, []).append(names[it.picture.fingerprint])
    return slots


def test_a_product_that_shows_nothing_yet_gets_its_pictures_whatever_the_quota() -> None:
    found = plan(None, mug(table="a", hero="b", banner="c"), quota=0)
    assert shown(found) == {"main": ["a"], "additional": ["b", "c"]}
    assert (found.added, found.switched) == (("mug",), ())


def test_a_slot_shows_the_first_shot_that_may_be_shown() -> None:
    found = plan(None, mug(table="a", hero="b"), by=judges({"a": "rejected"}))
    assert shown(found) == {"main": ["b"], "additional": ["b"]}


def test_a_change_waits_for_its_share_and_all_slots_switch_together() -> None:
    last = after(mug(table="a", hero="b", banner="c"))
    new = mug(table="d", hero="e", banner="c")
    waiting = plan(last, new, quota=0)
    assert shown(waiting) == {"main": ["a"], "additional": ["b", "c"]}
    assert waiting.waiting == ("mug",)
    switched = plan(last, new, quota=1)
    assert shown(switched) == {"main": ["d"], "additional": ["e", "c"]}
    assert (switched.switched, switched.waiting) == (("mug",), ())


def test_a_rejected_picture_gives_way_to_the_newest_earlier_one_past_the_quota() -> None:
    last = after(mug(table="a"), mug(table="b"), mug(table="c"))
    found = plan(last, mug(table="c"), by=judges({"c": "rejected"}), quota=0)
    assert shown(found) == {"main": ["b"]}
    found = plan(last, mug(table="c"), by=judges({"c": "rejected", "b": "rejected"}), quota=0)
    assert shown(found) == {"main": ["a"]}
    assert [it.why for it in found.withdrawn] == ["rejected"]


def test_a_rejected_picture_without_an_earlier_one_leaves_its_place_empty() -> None:
    last = after(mug(table="a", hero="b"))
    found = plan(last, mug(table="a", hero="b"), by=judges({"b": "rejected"}), quota=0)
    assert shown(found) == {"main": ["a"]}
    found = plan(last, mug(table="a"), by=judges({"a": "rejected", "b": "rejected"}), quota=0)
    assert (shown(found), found.gone, found.lost) == ({}, ("mug",), ())


def test_a_product_of_which_all_was_rejected_gets_what_there_is_at_once() -> None:
    found = plan(after(mug(table="a")), mug(table="b"), by=judges({"a": "rejected"}), quota=0)
    assert shown(found) == {"main": ["b"]}


def test_a_rejected_successor_leaves_what_is_shown() -> None:
    last = after(mug(table="a"))
    found = plan(last, mug(table="b"), by=judges({"b": "rejected"}))
    assert (shown(found), found.switched, found.waiting) == ({"main": ["a"]}, (), ())


def test_a_picture_that_was_gone_back_to_stays_until_the_decision_changes() -> None:
    last = after(mug(table="a"), mug(table="b"))
    back = edition(plan(last, mug(table="b"), by=judges({"b": "rejected"})).products)
    again = plan(back, mug(table="b"), by=judges({"b": "rejected"}))
    assert again.products == back.products
    assert shown(plan(back, mug(table="b"))) == {"main": ["b"]}
    assert shown(plan(back, mug(table="c"), by=judges({"b": "rejected"}))) == {"main": ["c"]}


def test_a_blocked_picture_leaves_that_slot_only() -> None:
    last = after(mug(table="a", hero="b"))
    by = judges(blocked=[("additional", "b")])
    found = plan(last, mug(table="a", hero="b"), by=by, quota=0)
    assert shown(found) == {"main": ["a"]}
    assert [(it.slot, it.why) for it in found.withdrawn] == [("additional", "blocked")]


def test_only_what_is_approved_is_shown_newly_where_the_policy_says_so() -> None:
    def by(**decided: DecisionVerdict) -> Judges:
        return judges(decided, policy="approved_only")

    assert shown(plan(None, mug(table="a", hero="b"), by=by(b="approved"))) == {
        "main": ["b"],
        "additional": ["b"],
    }
    last = after(mug(table="a"))
    assert shown(plan(last, mug(table="a"), by=by())) == {"main": ["a"]}
    assert shown(plan(last, mug(table="c"), by=by())) == {"main": ["a"]}
    assert shown(plan(last, mug(table="c"), by=by(c="approved"))) == {"main": ["c"]}
    assert shown(plan(last, mug(table="a"), by=by(a="rejected"))) == {}


def test_a_picture_not_rendered_yet_leaves_what_is_shown() -> None:
    last = after(mug(table="a"))
    found = plan(last, product("mug", {("main", "table"): NOT_MADE}))
    assert (shown(found), found.waiting) == ({"main": ["a"]}, ())
    assert plan(None, product("mug", {("main", "table"): NOT_MADE})).products == {}


def test_a_shot_that_is_wanted_no_more_leaves_as_a_change() -> None:
    last = after(mug(table="a", banner="c"))
    assert shown(plan(last, mug(table="a"), quota=0)) == {"main": ["a"], "additional": ["c"]}
    assert shown(plan(last, mug(table="a"), quota=1)) == {"main": ["a"]}


def test_a_changed_profile_is_a_change_and_a_new_offer_is_none() -> None:
    last = after(mug(table="a"))
    other = product("mug", {("main", "table"): picture("a", profile="q")})
    assert plan(last, other, quota=0).waiting == ("mug",)
    offers = product("mug", pictures_of(table="a"), offers=["mug-1", "mug-2"])
    found = plan(last, offers, quota=0)
    assert [it.offer_id for it in found.products["mug"].offers] == ["mug-1", "mug-2"]


def test_a_product_that_is_gone_or_has_no_offer_leaves_at_once() -> None:
    last = after(mug(table="a"))
    assert plan(last, quota=0).lost == ("mug",)
    assert plan(last, product("mug", pictures_of(table="a"), offers=[]), quota=0).lost == ("mug",)


def test_where_the_catalog_is_not_to_be_trusted_only_rejected_pictures_leave() -> None:
    last = after(mug(table="a", hero="b"))
    found = plan(last, *freeze(last), by=judges({"b": "rejected"}), quota=0)
    assert shown(found) == {"main": ["a"]}
    assert plan(last, *freeze(last), quota=0).products == last.products


def test_what_is_as_before_is_the_same_object() -> None:
    last = after(mug(table="a", hero="b"), mug(table="c", hero="b"))
    assert plan(last, mug(table="c", hero="b")).products["mug"] is last.products["mug"]
    changed = plan(last, mug(table="d", hero="b")).products["mug"]
    assert changed.showings[1] is last.products["mug"].showings[1]


def measured(measures: str) -> CurrentProduct:
    return product("mug", {("main", "table"): replace(picture("a"), measures=measures)})


def test_a_picture_that_was_measured_anew_is_told_as_it_is_now() -> None:
    found = plan(after(measured("{}")), measured('{"sharpness": 2}'))
    assert found.products["mug"].showings[0].picture.measures == '{"sharpness": 2}'
    again = plan(edition(found.products), measured("{}"), quota=0)
    assert again.products["mug"].showings[0].picture.measures == "{}"


@pytest.mark.parametrize("quota", [0, None])
def test_decisions_warnings_and_titles_are_told_as_they_are_now(quota: int | None) -> None:
    current = measured("{}")
    last = after(current)
    warned = replace(judges(), judge=lambda *_: Judgement(warnings=("too dark",)))
    approved = judges({"a": "approved"})
    assert [
        plan(last, current, by=warned, quota=quota).products["mug"].showings[0].warnings,
        plan(last, current, by=approved, quota=quota).products["mug"].showings[0].decision,
        plan(last, replace(current, title="Mug"), quota=quota).products["mug"].title,
    ] == [("too dark",), "approved", "Mug"]


def test_a_place_remembers_three_pictures() -> None:
    last = after(*(mug(table=name) for name in "abcdef"))
    (showing,) = last.products["mug"].showings
    assert [it.fingerprint for it in showing.before] == [picture(it).fingerprint for it in "edc"]


@pytest.mark.parametrize(
    ("percent", "base", "expected"),
    [(10, 100, 10), (7, 100, 7), (1, 5, 1), (0.7, 1000, 7), (0, 9, 0)],
)
def test_a_days_share_is_rounded_up_of_what_was_shown_when_it_began(
    percent: float, base: int, expected: int
) -> None:
    some = {
        str(number): ShownProduct(product_id="", offers=(), showings=()) for number in range(base)
    }
    last = edition(some, day="2026-11-25", base=999, switched=999)
    assert count_quota(last, "2026-11-26", percent) == expected
    today = edition({}, day="2026-11-26", base=base, switched=1)
    assert count_quota(today, "2026-11-26", percent) == expected - 1
    assert count_quota(last, "2026-11-26", None) is None
    assert count_quota(None, "2026-11-26", percent) is None


# --- Storms ---------------------------------------------------------------------------------------


@dataclass
class Shop:
    """Refreshes, decisions and days at random, and the editions that come of them."""

    policy: Policy
    percent: float | None
    manifest: dict[str, dict[str, int]] = field(default_factory=dict)
    decided: dict[str, DecisionVerdict] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    day: int = 1
    last: Edition | None = None
    switched: dict[int, int] = field(default_factory=dict)
    began: dict[int, int] = field(default_factory=dict)

    def name_of(self, product_id: str, shot: str) -> str:
        return f"{product_id}/{shot}/{self.manifest[product_id][shot]}"

    def products(self) -> list[CurrentProduct]:
        return [
            product(
                product_id,
                {
                    (slot.name, shot): picture(self.name_of(product_id, shot), shot)
                    for slot in SLOTS
                    for shot in shots
                    if shot in slot.shots
                },
            )
            for product_id, shots in self.manifest.items()
        ]

    def judges(self) -> Judges:
        return judges(self.decided, policy=self.policy, blocked=self.blocked)

    def publish(self) -> bool:
        """Make an edition if there is something to say, and hold what it must never do."""
        day = f"2026-01-{self.day:02}"
        quota = count_quota(self.last, day, self.percent)
        found = plan_edition(
            self.last, self.products(), slots=SLOTS, judges=self.judges(), quota=quota
        )
        self.check(found, quota)
        base = switched = 0
        if self.last is None:
            base = len(found.products)
        elif self.last.day == day:
            base, switched = self.last.base, self.last.switched
        else:
            base = len(self.last.products)
        made = edition(found.products, day=day, base=base, switched=switched + len(found.switched))
        if self.last is not None and self.last.says_as(made):
            return False
        self.began.setdefault(self.day, len((self.last or made).products))
        self.switched[self.day] = self.switched.get(self.day, 0) + len(found.switched)
        if self.percent is not None:
            share = math.ceil(self.percent * self.began[self.day] / 100)
            assert self.switched[self.day] <= share
        self.last = made
        return True

    def check(self, found: EditionPlan, quota: int | None) -> None:
        by = self.judges()
        before = self.last.products if self.last else {}
        for product_id, it in found.products.items():
            assert product_id in self.manifest
            assert it.showings
            known = before[product_id].showings if product_id in before else ()
            shown = {one.picture.fingerprint for one in known}
            for showing in it.showings:
                assert not by.why_not(showing.slot, showing.picture)
                assert len(showing.before) <= 3
                if self.policy == "approved_only" and showing.picture.fingerprint not in shown:
                    assert by.decision_of(showing.picture) == "approved"
            slots = [one.slot for one in it.showings]
            assert slots.count("main") <= 1
            assert slots.count("additional") <= 2
        assert quota is None or len(found.switched) <= max(quota, 0)
        self.check_switches(found, before)

    def check_switches(self, found: EditionPlan, before: Mapping[str, ShownProduct]) -> None:
        """Only those whose turn it was show what they did not show before."""
        for product_id, was in before.items():
            if product_id in found.switched or product_id not in found.products:
                continue
            known = {it.identity for one in was.showings for it in (one.picture, *one.before)}
            now = {one.picture.identity for one in found.products[product_id].showings}
            all_left = all(self.judges().why_not(one.slot, one.picture) for one in was.showings)
            assert now <= known or all_left


STEPS = st.one_of(
    st.tuples(st.just("new"), st.integers(0, 4), st.sampled_from(["table", "hero", "banner"])),
    st.tuples(st.just("gone"), st.integers(0, 4), st.just("")),
    st.tuples(
        st.sampled_from(["approved", "rejected", "undecided"]),
        st.integers(0, 4),
        st.sampled_from(["table", "hero", "banner", "shown"]),
    ),
    st.tuples(st.just("block"), st.integers(0, 4), st.sampled_from(["main", "additional"])),
    st.tuples(st.just("day"), st.just(0), st.just("")),
    st.tuples(st.just("publish"), st.just(0), st.just("")),
)


def step(shop: Shop, what: str, number: int, shot: str) -> None:
    product_id = f"product-{number}"
    shots = shop.manifest.get(product_id, {})
    if what == "new":
        shop.manifest.setdefault(product_id, {})[shot] = shots.get(shot, 0) + 1
    elif what == "gone":
        shop.manifest.pop(product_id, None)
    elif what == "day":
        shop.day += shop.day < 28
    elif what == "publish":
        shop.publish()
    elif what == "block" and shots:
        shop.blocked ^= {(shot, shop.name_of(product_id, next(iter(shots))))}
    elif shot in shots:
        shop.decided[shop.name_of(product_id, shot)] = what  # type: ignore[assignment]
    elif shot == "shown" and shots:
        first = next(iter(shots))
        for take in range(1, shots[first] + 1):  # all that the shot ever was
            shop.decided[f"{product_id}/{first}/{take}"] = what  # type: ignore[assignment]


@given(
    st.lists(STEPS, max_size=40),
    st.sampled_from(["all_but_rejected", "approved_only"]),
    st.sampled_from([None, 10.0, 50.0]),
)
@settings(max_examples=150, deadline=None)
def test_whatever_comes_nothing_rejected_is_shown_and_a_repeat_does_nothing(
    steps: list[tuple[str, int, str]], policy: Policy, percent: float | None
) -> None:
    shop = Shop(policy=policy, percent=percent)
    for what, number, shot in steps:
        step(shop, what, number, shot)
    shop.publish()
    assert not shop.publish()
    for _ in range(30):  # undisturbed, it comes to rest at what is wanted
        shop.day += 1
        shop.publish()
    assert shop.last is not None
    rest = plan_edition(shop.last, shop.products(), slots=SLOTS, judges=shop.judges(), quota=None)
    assert (rest.switched, rest.added, rest.gone, rest.withdrawn) == ((), (), (), ())
