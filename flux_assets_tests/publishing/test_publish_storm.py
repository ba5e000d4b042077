"""Refreshes, decisions, days, rollbacks, prunes and crashes in any order, on a real store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.errors import StoreError
from flux_assets.publishing.decision import DecisionVerdict, Wish
from flux_assets.publishing.decision_log import read_batches
from flux_assets.publishing.decisions import (
    decide,
    find_interrupted,
    finish_interrupted,
    read_decisions,
    undo_batch,
)
from flux_assets.publishing.edition import FeedForm, Picture
from flux_assets.publishing.edition_plan import CurrentProduct
from flux_assets.publishing.editions import list_numbers, read_edition
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.kept import read_kept
from flux_assets.publishing.old_renditions import delete_renditions, find_old_renditions
from flux_assets.publishing.publish import Publication, publish
from flux_assets.publishing.rendition_files import RENEWED_AFTER
from flux_assets.publishing.rendition_table import RENDITIONS_KEY, build_frame
from flux_assets.publishing.rollback import NothingToRollBackError, roll_back_to_edition
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import RENDITIONS_PREFIX
from flux_assets.storage.parquet import write_parquet
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.editions import SLOTS, picture, product
from flux_assets_tests.fixtures.hooked_store import HookedStore

ROLLBACK_DAYS = 20
_FAST = "/dev/shm"  # noqa: S108 - where writing is quick, if there is such a place
PUBLICATION = Publication(
    channel="google",
    slots=SLOTS,
    policy="all_but_rejected",
    form=FeedForm(formats=("google_tsv",), public_url="https://pictures.invalid"),
    judge=lambda *_: Judgement(),
    by="ada",
    why="storm",
    percent_per_day=30.0,
    accept_drop=True,
)


@dataclass
class Shop:
    store: HookedStore
    takes: dict[int, int] = field(default_factory=dict)
    batches: list[str] = field(default_factory=list)
    crashes_at: int = 0

    def picture_of(self, number: int) -> Picture:
        return picture(f"{number} take {self.takes[number]}", "table")

    def products(self) -> list[CurrentProduct]:
        return [
            product(f"{number}", {("main", "table"): self.picture_of(number)})
            for number in self.takes
        ]

    @contextmanager
    def crashing(self) -> Iterator[None]:
        """Let the store refuse from some write on, as it does for who is dead."""
        count = 0

        def crash(operation: str, key: str) -> None:
            nonlocal count
            count += operation == "put"
            if operation == "put" and count >= self.crashes_at:
                raise StoreError(key, "write", "the process is dead")

        if self.crashes_at:
            self.store.before = crash
        try:
            yield
        except StoreError:
            assert self.crashes_at
        finally:
            self.store.before = lambda *_: None
            self.crashes_at = 0

    def render(self) -> None:
        """Put each current picture's file, as a run does that finds none, or an old one."""
        young = self.store.now() - RENEWED_AFTER
        files = {it.key: it.modified_at for it in self.store.list(RENDITIONS_PREFIX)}
        for number in self.takes:
            key = self.picture_of(number).object_key
            if key not in files or files[key] < young:
                self.store.put(key, b"a file", content_type="image/jpeg")

    def prune(self) -> None:
        """Delete what no edition that counts names, and tell that it is so."""
        kept = read_kept(self.store, ROLLBACK_DAYS)
        plan = find_old_renditions(self.store, kept, min_age=timedelta())
        done = [*delete_renditions(self.store, plan, find_obstacle=str)]
        assert [problem for _, problem in done if problem] == []
        assert not {info.key for info, _ in done} & kept.keys
        files = set(self.store.list_keys(RENDITIONS_PREFIX))
        for number in list_numbers(self.store, "google")[-1:]:
            last = read_edition(self.store, "google", number)
            assert {it.object_key for it in last.list_named()} <= files

    def publish(self) -> None:
        self.render()
        with self.crashing():
            self.hold(publish(self.store, PUBLICATION, self.products()).is_new)

    def hold(self, is_new: bool) -> None:  # noqa: FBT001 - one fact
        numbers = list_numbers(self.store, "google")
        assert numbers == [*range(1, len(numbers) + 1)]
        decisions = read_decisions(self.store)
        assert [*find_interrupted(read_batches(self.store), decisions)] == []
        if not numbers:
            return
        last = read_edition(self.store, "google", numbers[-1])
        for found in last.products.values():
            for it in found.showings:
                verdict = decisions.verdict_of(it.picture.fingerprint, it.picture.master_sha256)
                assert verdict != "rejected"
        text = self.store.get("publishing/feeds/google.tsv").data.decode()
        assert [line.split("\t")[0] for line in text.splitlines()[1:]] == [*last.products]
        if is_new and len(numbers) > 1:
            before = read_edition(self.store, "google", numbers[-2])
            assert not last.says_as(before)

    def decide(self, number: int, verdict: DecisionVerdict) -> None:
        it = self.picture_of(number)
        known = read_decisions(self.store).find(it.fingerprint)
        wish = Wish(
            fingerprint=it.fingerprint,
            sha256=it.master_sha256,
            verdict=verdict,
            seen_revision=known.revision if known else 0,
        )
        with self.crashing():
            answer = decide(self.store, [wish], by="ada", via="storm", clock=StandingClock())
            self.batches.append(answer.batch)

    def roll_back(self, number: int) -> None:
        numbers = list_numbers(self.store, "google")
        try:
            with self.crashing():
                roll_back_to_edition(
                    self.store,
                    "google",
                    numbers[number % len(numbers)] if numbers else 1,
                    reason="storm",
                    by="ada",
                    clock=StandingClock(),
                )
        except NothingToRollBackError:
            assert numbers == []

    def undo(self, number: int) -> None:
        if self.batches:
            with self.crashing():
                batch = self.batches[number % len(self.batches)]
                undo_batch(self.store, batch, by="ada", clock=StandingClock())


STEPS = st.tuples(
    st.sampled_from(
        [
            *("new", "new", "gone", "approved", "rejected", "rejected", "day", "undo"),
            *("publish", "publish", "back", "crash", "month", "prune"),
        ]
    ),
    st.integers(0, 3),
)


DAYS = {"day": 1, "month": 31}


def step(shop: Shop, what: str, number: int) -> None:
    if what == "new":
        shop.takes[number] = shop.takes.get(number, 0) + 1
    elif what == "gone":
        shop.takes.pop(number, None)
    elif what in DAYS:
        finish_interrupted(shop.store, clock=StandingClock())  # as any run of the day does
        shop.store.pass_time(timedelta(days=DAYS[what]))
    elif what == "prune":
        shop.prune()
    elif what == "publish":
        shop.publish()
    elif what == "back":
        shop.roll_back(number)
    elif what == "undo":
        shop.undo(number)
    elif what == "crash":
        shop.crashes_at = number + 1
    elif number in shop.takes:
        shop.decide(number, what)  # type: ignore[arg-type]  # it is a verdict


@given(st.lists(STEPS, max_size=25))
@settings(max_examples=10, deadline=None)
def test_whatever_crashes_nothing_rejected_is_shown_and_the_rest_comes_to_rest(
    steps: list[tuple[str, int]],
) -> None:
    check_all(steps)


@pytest.mark.slow
@given(st.lists(STEPS, max_size=25))
@settings(max_examples=60, deadline=None)
def test_whatever_else_crashes_the_same_holds(steps: list[tuple[str, int]]) -> None:
    check_all(steps)


def check_all(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory(dir=_FAST if Path(_FAST).is_dir() else None) as folder:
        shop = Shop(HookedStore(DirectoryStore(Path(folder))))
        shop.store.put(RENDITIONS_KEY, write_parquet(build_frame([])), content_type="x")
        for what, number in steps:
            step(shop, what, number)
        shop.crashes_at = 0
        shop.publish()
        assert not publish(shop.store, PUBLICATION, shop.products()).is_new
        for _ in range(6):
            shop.store.pass_time(timedelta(days=1))
            shop.publish()
        shop.prune()
        found = publish(shop.store, PUBLICATION, shop.products())
        assert (found.is_new, found.plan.waiting, [*found.written]) == (False, (), [])
