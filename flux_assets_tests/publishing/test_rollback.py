"""A rollback rejects what was shown since, at once and in all channels, and can be taken back."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flux_assets.errors import StoreError
from flux_assets.publishing.decisions import read_decisions, undo_batch
from flux_assets.publishing.edition import FeedForm
from flux_assets.publishing.edition_plan import CurrentProduct
from flux_assets.publishing.editions import edition_key, read_last_edition
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.publish import Publication, publish
from flux_assets.publishing.rollback import (
    NothingToRollBackError,
    RollbackUnfinishedError,
    RolledBack,
    roll_back_before,
    roll_back_product,
    roll_back_to_edition,
)
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.editions import SLOTS, picture, product
from flux_assets_tests.fixtures.hooked_store import HookedStore

GOOGLE = Publication(
    channel="google",
    slots=SLOTS,
    policy="all_but_rejected",
    form=FeedForm(formats=("google_tsv",), public_url="https://pictures.invalid"),
    judge=lambda *_: Judgement(),
    by="ada",
    why="refresh",
)
META = replace(GOOGLE, channel="meta", form=replace(GOOGLE.form, formats=("meta_csv",)))


def products(*takes: int) -> list[CurrentProduct]:
    """Each product with the hero and table pictures of one take."""
    return [
        product(
            f"{number}",
            {
                ("main", "table"): picture(f"{number} table {take}", "table"),
                ("additional", "hero"): picture(f"{number} hero {take}", "hero"),
            },
        )
        for number, take in enumerate(takes)
    ]


def show(store: ObjectStore, *takes: int) -> None:
    for publication in (GOOGLE, META):
        publish(store, publication, products(*takes))


def shown(store: ObjectStore, channel: str = "google") -> list[str]:
    """What each product shows, by the pictures' names."""
    last = read_last_edition(store, channel)
    assert last is not None
    names = {
        picture(f"{number} {shot} {take}").fingerprint: f"{shot} {take}"
        for number in range(3)
        for shot in ("table", "hero")
        for take in range(9)
    }
    return [
        ", ".join(names[it.picture.fingerprint] for it in found.showings)
        for found in last.products.values()
    ]


def all_of(take: int) -> str:
    return f"table {take}, hero {take}"


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    store = HookedStore(DirectoryStore(tmp_path / "store"))
    show(store, 1, 1)
    return store


def to_edition(store: ObjectStore, number: int) -> RolledBack:
    return roll_back_to_edition(
        store, "google", number, reason="too dark", by="grace", clock=StandingClock()
    )


def test_a_product_goes_back_in_all_channels_and_stays_there(store: HookedStore) -> None:
    show(store, 2, 2)
    found = roll_back_product(
        store, "1", shots=(), reason="too dark", by="grace", clock=StandingClock()
    )
    assert len(found.answer.applied) == 2
    for channel in ("google", "meta"):
        assert shown(store, channel) == [all_of(2), all_of(1)]
    show(store, 2, 2)  # the next refresh
    assert shown(store) == [all_of(2), all_of(1)]
    show(store, 2, 3)  # another picture is another decision
    assert shown(store) == [all_of(2), all_of(3)]


def test_only_the_named_shot_goes_back(store: HookedStore) -> None:
    show(store, 2, 2)
    roll_back_product(store, "0", shots=["hero"], reason="x", by="ada", clock=StandingClock())
    assert shown(store) == ["table 2, hero 1", all_of(2)]


def test_who_when_and_why_are_in_decisions_and_edition(store: HookedStore) -> None:
    show(store, 2, 2)
    found = roll_back_product(
        store, "0", shots=["hero"], reason="too dark", by="grace", clock=StandingClock()
    )
    (decision,) = read_decisions(store)
    assert (decision.by, decision.via, decision.reasons) == ("grace", "rollback", ("too dark",))
    last = read_last_edition(store, "google")
    assert last is not None
    assert (last.by, last.why) == ("grace", f"rollback {found.answer.batch}: too dark")


def test_an_edition_is_gone_back_to_past_all_that_came_between(store: HookedStore) -> None:
    for take in (2, 3, 4):
        show(store, take, 1)
    to_edition(store, 1)
    assert shown(store) == shown(store, "meta") == [all_of(1), all_of(1)]


def test_what_a_place_does_not_remember_is_looked_up(store: HookedStore) -> None:
    for take in range(2, 9):
        show(store, take, 1)
    for it in (picture("0 table 1"), picture("0 hero 1", "hero")):
        store.put(it.object_key, b"a file", content_type="image/jpeg")
    to_edition(store, 1)
    assert shown(store) == [all_of(1), all_of(1)]


def test_a_main_picture_of_another_shot_is_gone_back_to(store: HookedStore) -> None:
    first = picture("0 hero 0", "hero")
    store.put(first.object_key, b"a file", content_type="image/jpeg")
    publication = replace(GOOGLE, channel="etsy")
    publish(store, publication, [product("0", {("main", "hero"): first})])
    for take in range(1, 7):
        it = picture(f"0 table {take}", "table")
        publish(store, publication, [product("0", {("main", "table"): it})])
    roll_back_to_edition(store, "etsy", 1, reason="x", by="ada", clock=StandingClock())
    assert shown(store, "etsy") == ["hero 0"]


def test_what_was_deleted_since_does_not_come_back(store: HookedStore) -> None:
    for take in range(2, 9):
        show(store, take, 1)
    it = picture("0 hero 1", "hero")
    store.put(it.object_key, b"a file", content_type="image/jpeg")
    to_edition(store, 1)
    assert shown(store) == ["hero 1", all_of(1)]


def test_a_picture_that_was_shown_then_and_is_again_stays(store: HookedStore) -> None:
    show(store, 2, 2)
    show(store, 1, 3)
    to_edition(store, 1)
    assert shown(store) == [all_of(1), all_of(1)]
    found = to_edition(store, 1)
    assert (found.answer.applied, [it.is_new for it in found.published]) == ((), [False, False])


def test_a_date_goes_back_to_what_was_shown_when_the_day_began(store: HookedStore) -> None:
    store.pass_time(timedelta(days=1))
    day = f"{store.now():%Y-%m-%d}"
    show(store, 2, 2)
    show(store, 3, 2)
    roll_back_before(store, day, reason="x", by="ada", clock=StandingClock())
    assert shown(store) == shown(store, "meta") == [all_of(1), all_of(1)]


def test_undone_it_is_as_it_was_but_for_what_somebody_decided_since(store: HookedStore) -> None:
    show(store, 2, 2)
    found = to_edition(store, 1)
    undo_batch(store, found.answer.batch, by="ada", clock=StandingClock())
    show(store, 2, 2)
    assert shown(store) == [all_of(2), all_of(2)]


def test_what_nothing_can_be_done_about_is_told(store: HookedStore) -> None:
    with pytest.raises(NothingToRollBackError, match=r"no channel shows .* 'unknown'"):
        roll_back_product(store, "unknown", shots=(), reason="x", by="ada")
    with pytest.raises(NothingToRollBackError, match="of beach of product '1'"):
        roll_back_product(store, "1", shots=("beach",), reason="x", by="ada")
    with pytest.raises(NothingToRollBackError, match="channel google has 1 to 1"):
        to_edition(store, 7)
    with pytest.raises(NothingToRollBackError, match="from before 2020"):
        roll_back_before(store, "2020-01-01", reason="x", by="ada")
    assert [*read_decisions(store)] == []


def test_pictures_of_one_request_with_other_bytes_go_back_in_one_batch(
    store: HookedStore,
) -> None:
    again = [replace(it, pictures=dict(it.pictures)) for it in products(1, 1)]
    bought_again = replace(picture("0 table 1", "table"), master_sha256="f" * 64, rendition_id="2")
    other = replace(picture("0 table 1", "table"), master_sha256="e" * 64, rendition_id="3")
    for it in (bought_again, other):
        again[0] = replace(again[0], pictures={**again[0].pictures, ("main", "table"): it})
        publish(store, GOOGLE, again)
    found = to_edition(store, 1)
    assert len(found.answer.applied) == 2
    assert shown(store)[0] == all_of(1)
    last = read_last_edition(store, "google")
    assert last is not None
    assert last.products["0"].showings[0].picture == picture("0 table 1", "table")
    undo_batch(store, found.answer.batch, by="ada", clock=StandingClock())
    decisions = read_decisions(store)
    for sha256 in ("e" * 64, "f" * 64):
        assert decisions.verdict_of(other.fingerprint, sha256) == "undecided"


def test_a_channel_whose_feed_cannot_be_written_holds_up_no_other_and_the_batch_is_named(
    store: HookedStore,
) -> None:
    show(store, 2, 2)

    def refuse(operation: str, key: str) -> None:
        if operation == "put" and key.startswith("publishing/feeds/google"):
            raise StoreError(key, "write", "AccessDenied")

    store.before = refuse
    with pytest.raises(RollbackUnfinishedError) as caught:
        to_edition(store, 1)
    done = caught.value.done
    for told in ("channel google: ", "AccessDenied", "4 pictures", f"--undo {done.answer.batch}"):
        assert told in str(caught.value)
    assert [*done.failed] == ["google"]
    assert shown(store, "meta") == [all_of(1), all_of(1)]
    store.before = lambda *_: None
    undo_batch(store, done.answer.batch, by="ada", clock=StandingClock())
    assert {it.verdict for it in read_decisions(store)} == {"undecided"}


def test_a_damaged_edition_of_another_channel_is_told_before_anything_is_decided(
    store: HookedStore,
) -> None:
    show(store, 2, 2)
    store.put(edition_key("meta", 2), b"x", content_type="x/y")
    with pytest.raises(DamagedObjectError, match=r"meta/editions/000002"):
        to_edition(store, 1)
    assert [*read_decisions(store)] == []
