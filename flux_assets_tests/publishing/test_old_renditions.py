"""Which files that were made of pictures go, and which never do."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from flux_assets.errors import StoreError
from flux_assets.manifest.wanted import PruneError
from flux_assets.publishing.channels import read_channels
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import decide, read_decisions, undo_batch
from flux_assets.publishing.edition import FeedForm, Picture
from flux_assets.publishing.editions import (
    edition_key,
    list_newest,
    list_numbers,
    read_last_edition,
)
from flux_assets.publishing.judges import Judgement
from flux_assets.publishing.kept import KeptForChannels, read_kept
from flux_assets.publishing.old_renditions import (
    RenditionPlan,
    delete_renditions,
    find_old_renditions,
)
from flux_assets.publishing.publish import Publication, publish
from flux_assets.publishing.rendition_table import RENDITIONS_KEY, build_frame, open_renditions
from flux_assets.publishing.renditions import refresh_renditions
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import write_parquet
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.editions import MAIN, picture, product
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.masters import CHANNELS, draw_product, store_masters

PUBLICATION = Publication(
    channel="google",
    slots=[MAIN],
    policy="all_but_rejected",
    form=FeedForm(formats=("jsonl",), public_url="https://pictures.invalid"),
    judge=lambda *_: Judgement(),
    by="ada",
    why="test",
)
TAKES = [picture(f"take {number}") for number in range(9)]
MONTH = 30


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    store = HookedStore(DirectoryStore(tmp_path / "store"))
    store.put(RENDITIONS_KEY, write_parquet(build_frame([])), content_type="x")
    return store


def put(store: ObjectStore, *pictures: Picture) -> None:
    for it in pictures:
        store.put(it.object_key, b"a file", content_type="image/jpeg")


def show(store: ObjectStore, *takes: int, channel: str = "google") -> None:
    """One edition after the other, each with one picture of the one product."""
    for take in takes:
        put(store, TAKES[take])
        current = [product("mug", {("main", "table"): TAKES[take]})]
        publish(store, replace(PUBLICATION, channel=channel), current)


def plan(store: ObjectStore, *, days: float = MONTH, rollback_days: int = MONTH) -> RenditionPlan:
    kept = read_kept(store, rollback_days)
    return find_old_renditions(store, kept, min_age=timedelta(days=days))


def prune(store: ObjectStore, find_obstacle: Callable[[], str] = str, **options: int) -> list[str]:
    found = delete_renditions(store, plan(store, **options), find_obstacle=find_obstacle)
    return [problem for _, problem in found]


def stored(store: ObjectStore) -> set[int]:
    """Which takes have their file still."""
    keys = set(store.list_keys("publishing/renditions/"))
    return {take for take, it in enumerate(TAKES) if it.object_key in keys}


def kept_takes(kept: KeptForChannels) -> set[int]:
    return {take for take, it in enumerate(TAKES) if it.fingerprint[:32] in kept.fingerprints}


def decide_on(store: ObjectStore, take: int, verdict: str = "rejected") -> str:
    it = TAKES[take]
    known = read_decisions(store).find(it.fingerprint)
    wish = Wish(
        fingerprint=it.fingerprint,
        sha256=it.master_sha256,
        verdict=verdict,  # type: ignore[arg-type]  # a test's own
        seen_revision=known.revision if known else 0,
    )
    return decide(store, [wish], by="ada", via="test", clock=StandingClock()).batch


# --- What counts -----------------------------------------------------------------------------


def test_what_the_newest_edition_shows_and_remembers_counts_however_old_it_is(
    store: HookedStore,
) -> None:
    show(store, 0, 1, 2, 3, 4)
    store.pass_time(timedelta(days=400))
    kept = read_kept(store, MONTH)
    assert kept_takes(kept) == {4, 3, 2, 1}
    assert kept.keys == {TAKES[take].object_key for take in (4, 3, 2, 1)}
    assert kept.newest == list_newest(store) == {"google": 5}


def test_an_edition_counts_as_long_as_it_was_shown_within_the_days(store: HookedStore) -> None:
    show(store, 0)
    store.pass_time(timedelta(days=100))
    show(store, 1, 2, 3, 4, 5)
    store.pass_time(timedelta(days=MONTH - 1))
    assert kept_takes(read_kept(store, MONTH)) == {0, 1, 2, 3, 4, 5}, "0 was shown 29 days ago"
    store.pass_time(timedelta(days=2))
    assert kept_takes(read_kept(store, MONTH)) == {2, 3, 4, 5}
    assert kept_takes(read_kept(store, 500)) == {0, 1, 2, 3, 4, 5}
    assert kept_takes(read_kept(store, 0)) == {2, 3, 4, 5}


@pytest.mark.parametrize("wrong_days", [-20_000, -MONTH - 1, 20_000])
def test_an_edition_under_a_wrong_clock_hides_none_that_was_shown_of_late(
    store: HookedStore, wrong_days: int
) -> None:
    show(store, 0)
    store.pass_time(timedelta(days=100))
    show(store, 1)
    store.pass_time(timedelta(days=MONTH - 2))
    store.pass_time(timedelta(days=wrong_days))
    show(store, 2, 3, 4, 5, 6, 7)
    store.pass_time(timedelta(days=-wrong_days))
    assert kept_takes(read_kept(store, MONTH)) >= {0, 1, 2, 3, 4, 5, 6, 7}
    show(store, 8)
    assert kept_takes(read_kept(store, MONTH)) >= {0, 1, 2, 3, 4, 5, 6, 7, 8}


def test_every_channel_counts_also_one_that_publishes_no_more(store: HookedStore) -> None:
    show(store, 0, channel="etsy")
    store.pass_time(timedelta(days=400))
    show(store, 1)
    kept = read_kept(store, MONTH)
    assert (kept_takes(kept), kept.newest) == ({0, 1}, {"etsy": 1, "google": 1})


def test_what_was_rejected_stays_as_long_as_that_can_be_taken_back(store: HookedStore) -> None:
    """Nothing remembers the only picture of a product but the editions that showed it."""
    show(store, 0)
    batch = decide_on(store, 0)
    publish(store, PUBLICATION, [product("mug", {("main", "table"): TAKES[0]})])
    last = read_last_edition(store, "google")
    assert last is not None
    assert last.products == {}
    store.pass_time(timedelta(days=MONTH - 1))
    assert (prune(store, days=0), stored(store)) == ([], {0})
    undo_batch(store, batch, by="ada", clock=StandingClock())
    publish(store, PUBLICATION, [product("mug", {("main", "table"): TAKES[0]})])
    store.pass_time(timedelta(days=400))
    assert (prune(store, days=0), stored(store)) == ([], {0})


def test_an_edition_that_cannot_be_read_is_named(store: HookedStore) -> None:
    show(store, 0, 1)
    store.put(edition_key("google", 2), b"PAR1", content_type="x")
    with pytest.raises(StoreError, match="it is no edition"):
        read_kept(store, MONTH)


def test_what_lies_beside_editions_is_none(store: HookedStore) -> None:
    show(store, 0)
    store.put("publishing/feeds/google/editions/7.parquet", b"", content_type="x")
    store.put("publishing/feeds/other/editions/note.txt", b"", content_type="x")
    assert read_kept(store, MONTH).newest == {"google": 1}


# --- What goes -------------------------------------------------------------------------------


def test_files_that_nothing_names_go_and_nothing_else_does(any_store: ObjectStore) -> None:
    store = HookedStore(any_store)
    show(store, *range(7))
    store.pass_time(timedelta(days=MONTH + 1))
    show(store, 7)
    others = [
        "publishing/renditions/notes.txt",
        f"publishing/renditions/mug/table/{'f' * 31}.jpg",
        f"publishing/renditions/mug/table/{'f' * 32}.txt",
        f"publishing/renditions/mug/table/more/{'f' * 32}.jpg",
        "publishing/gallery/index.html",
    ]
    for key in others:
        store.put(key, b"", content_type="x")
    with pytest.raises(PruneError, match="flux-assets publish"):
        plan(store)
    store.put(RENDITIONS_KEY, write_parquet(build_frame([])), content_type="x")
    store.pass_time(timedelta(days=1))
    before = set(store.list_keys(""))
    found = plan(store)
    assert [it.key for it in found.files] == sorted(TAKES[it].object_key for it in (0, 1, 2))
    assert found.to_json() == {
        "files": 3,
        "size_bytes": 18,
        "first": [it.key for it in found.files],
        "kept": {"named": 5, "younger": 0},
    }
    assert prune(store) == ["", "", ""]
    assert before - set(store.list_keys("")) == {TAKES[it].object_key for it in (0, 1, 2)}
    assert prune(store) == []
    assert list_numbers(store, "google") == [*range(1, 9)]


def test_what_the_table_names_stays_though_no_edition_shows_it(tmp_path: Path) -> None:
    store = HookedStore(DirectoryStore(tmp_path / "store"))
    channels = read_channels(CHANNELS.encode(), "channels.yaml")
    store_masters(store, {("1", "wide"): draw_product()})
    refresh_renditions(store, channels)
    store.pass_time(timedelta(days=400))
    assert (plan(store, days=0).files, plan(store).kept["named"]) == ((), 2)
    store_masters(store, {("1", "wide"): draw_product("red")}, take=1)
    refresh_renditions(store, channels)
    assert len(prune(store)) == 2
    table = open_renditions(store)
    assert table is not None
    assert set(table.read_texts("object_key")) == set(store.list_keys("publishing/"))


def test_nothing_goes_where_the_table_cannot_be_read(store: HookedStore) -> None:
    put(store, TAKES[0])
    store.pass_time(timedelta(days=400))
    store.put(RENDITIONS_KEY, b"PAR1", content_type="x")
    with pytest.raises(StoreError, match="verify --repair"):
        plan(store)


def test_where_nothing_was_made_nothing_is_asked_for(tmp_path: Path) -> None:
    assert plan(DirectoryStore(tmp_path / "store")).files == ()


# --- What a run is about to note -------------------------------------------------------------


@pytest.mark.parametrize("days", [0, 1, 6])
def test_what_was_put_within_a_week_stays_whatever_is_asked_for(
    store: HookedStore, days: int
) -> None:
    put(store, TAKES[0])
    store.pass_time(timedelta(days=6.9))
    assert (plan(store, days=days).kept["younger"], prune(store, days=days)) == (1, [])
    store.pass_time(timedelta(days=0.2))
    assert prune(store, days=days) == [""]


def test_an_old_file_that_a_run_finds_is_put_again_as_it_is_and_so_stays(tmp_path: Path) -> None:
    """The run may end hours later; till then nothing but the file's age tells of it."""
    store = HookedStore(DirectoryStore(tmp_path / "store"))
    channels = read_channels(CHANNELS.encode(), "channels.yaml")
    first, second = {("1", "wide"): draw_product()}, {("1", "wide"): draw_product("red")}
    store_masters(store, first)
    refresh_renditions(store, channels)
    files = {key: store.get(key).data for key in store.list_keys("publishing/")}
    theirs = min(files)
    store.put(theirs, files[max(files)], content_type="image/webp")  # of another encoder
    files[theirs] = files[max(files)]
    store_masters(store, second, take=1)
    refresh_renditions(store, channels)
    store.pass_time(timedelta(days=100))

    store_masters(store, first, take=2)
    table = store.get(RENDITIONS_KEY).data
    report, _ = refresh_renditions(store, channels)
    store.put(RENDITIONS_KEY, table, content_type="x")  # it has not noted them yet
    assert report.stored == 0
    assert prune(store, days=0) == []
    assert {key: store.get(key).data for key in files} == files
    for key, data in files.items():
        assert hashlib.sha256(store.get(key).data).digest() == hashlib.sha256(data).digest()


def test_what_is_put_again_before_its_turn_stays_and_is_told(store: HookedStore) -> None:
    put(store, TAKES[0], TAKES[1])
    store.pass_time(timedelta(days=100))
    found = plan(store)
    put(store, TAKES[0])
    told = dict(delete_renditions(store, found, find_obstacle=str))
    assert stored(store) == {0}
    assert {info.key: problem[:20] for info, problem in told.items()} == {
        TAKES[0].object_key: "it was put again mea",
        TAKES[1].object_key: "",
    }


def test_what_comes_in_its_way_leaves_the_files_where_they_are(store: HookedStore) -> None:
    put(store, TAKES[0])
    store.pass_time(timedelta(days=100))
    assert prune(store, lambda: "a refresh is under way") == ["a refresh is under way"]
    assert stored(store) == {0}


def test_a_store_that_lets_nothing_be_deleted_is_told_before_anything_is(
    store: HookedStore,
) -> None:
    put(store, TAKES[0])
    store.pass_time(timedelta(days=100))

    def refuse(operation: str, key: str) -> None:
        if operation == "delete":
            raise StoreError(key, "delete", "not allowed")

    store.before = refuse
    with pytest.raises(PruneError, match="not allowed"):
        prune(store)
    assert stored(store) == {0}
    store.before = lambda operation, key: (
        refuse(operation, key) if key == TAKES[0].object_key else None
    )
    assert "not allowed" in prune(store)[0]
