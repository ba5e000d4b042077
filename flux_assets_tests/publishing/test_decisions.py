"""Decisions are never lost, and never overwritten unseen."""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from flux_assets.errors import ConditionFailedError, StoreError
from flux_assets.publishing.decision import Decision, DecisionError, DecisionVerdict, Wish
from flux_assets.publishing.decision_log import read_batch, read_batches
from flux_assets.publishing.decisions import (
    Answer,
    apply_batch,
    decide,
    find_interrupted,
    finish_interrupted,
    read_decisions,
    undo_batch,
)
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.stores import store_environ


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def wish(
    name: str,
    verdict: DecisionVerdict = "rejected",
    *,
    seen: int = 0,
    picture: str = "",
    reasons: tuple[str, ...] = (),
    note: str = "",
) -> Wish:
    return Wish(
        fingerprint=digest(name),
        sha256=digest(picture or f"{name}'s bytes"),
        verdict=verdict,
        seen_revision=seen,
        reasons=reasons,
        note=note,
    )


def say(store: ObjectStore, *wishes: Wish, by: str = "ada") -> Answer:
    return decide(store, wishes, by=by, via="test", clock=StandingClock())


def find(store: ObjectStore, name: str) -> Decision:
    found = read_decisions(store).find(digest(name))
    assert found is not None
    return found


@pytest.fixture
def store(tmp_path: Path) -> HookedStore:
    return HookedStore(DirectoryStore(tmp_path / "store"))


def test_a_decision_is_kept_with_who_when_and_why(any_store: ObjectStore) -> None:
    answer = say(
        any_store,
        wish("mug", reasons=("artefact",), note="two handles"),
        wish("cup", "approved"),
    )
    assert (answer.conflicts, answer.failed) == ((), {})
    decisions = read_decisions(any_store)
    mug = decisions.find(digest("mug"))
    assert mug is not None
    assert (mug.verdict, mug.reasons, mug.note) == ("rejected", ("artefact",), "two handles")
    assert (mug.by, mug.via, mug.batch, mug.revision) == ("ada", "test", answer.batch, 1)
    assert mug.at == read_batch(any_store, answer.batch).at
    assert decisions.verdict_of(digest("cup"), digest("cup's bytes")) == "approved"
    assert decisions.verdict_of(digest("pot"), digest("pot's bytes")) == "undecided"
    assert {it.fingerprint for it in decisions} == {digest("mug"), digest("cup")}


def test_the_decisions_of_some_requests_are_read_without_the_others(any_store: ObjectStore) -> None:
    say(any_store, wish("mug"), wish("cup", "approved"))
    decisions = read_decisions(any_store, of=[digest("cup"), digest("pot")])
    assert decisions.find(digest("cup")) == read_decisions(any_store).find(digest("cup"))
    assert {it.fingerprint for it in decisions} == {digest("cup")}


def test_a_decision_over_one_that_was_not_seen_is_a_conflict_and_changes_nothing(
    any_store: ObjectStore,
) -> None:
    say(any_store, wish("mug"), by="ada")
    answer = say(any_store, wish("mug", "approved"), wish("cup", "approved"), by="grace")
    (refused, theirs) = answer.conflicts[0]
    assert theirs is not None
    assert (refused.fingerprint, theirs.by, theirs.verdict) == (digest("mug"), "ada", "rejected")
    assert [it.fingerprint for it in answer.applied] == [digest("cup")]
    assert find(any_store, "mug").verdict == "rejected"


def test_what_is_replaced_stays_in_the_history_oldest_first(store: HookedStore) -> None:
    say(store, wish("mug"))
    say(store, wish("mug", "approved", seen=1), by="grace")
    say(store, wish("mug", "undecided", seen=2))
    mug = find(store, "mug")
    assert mug.revision == 3
    assert [(it.verdict, it.by, it.revision) for it in (*mug.history, mug)] == [
        ("rejected", "ada", 1),
        ("approved", "grace", 2),
        ("undecided", "ada", 3),
    ]


def test_a_decision_for_a_revision_that_never_was_is_a_conflict(store: HookedStore) -> None:
    answer = say(store, wish("mug", seen=3))
    assert answer.conflicts[0][1] is None
    assert read_decisions(store).find(digest("mug")) is None


def test_a_picture_bought_again_is_undecided_and_the_old_bytes_stay_rejected(
    store: HookedStore,
) -> None:
    say(store, wish("mug", picture="old"))
    decisions = read_decisions(store)
    assert decisions.verdict_of(digest("mug"), digest("new")) == "undecided"
    say(store, wish("mug", "approved", seen=1, picture="new"))
    decisions = read_decisions(store)
    assert decisions.verdict_of(digest("mug"), digest("new")) == "approved"
    assert decisions.verdict_of(digest("mug"), digest("old")) == "rejected"


def test_only_objects_that_changed_are_read_again(
    any_store: ObjectStore, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["any_store"] == "directory":
        pytest.skip("a directory's listing has no etags")
    hooked = HookedStore(any_store)
    say(hooked, *(wish(str(number)) for number in range(5)))
    known = read_decisions(hooked)
    say(hooked, wish("3", "approved", seen=1))
    read: list[str] = []
    hooked.before = lambda operation, key: read.append(key) if operation == "get" else None
    decisions = read_decisions(hooked, known)
    assert len(read) == 1
    assert len([*decisions]) == 5
    assert decisions.verdict_of(digest("3"), digest("3's bytes")) == "approved"


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_is_anonymous(store: HookedStore, by: str) -> None:
    with pytest.raises(DecisionError, match="nobody is named"):
        say(store, wish("mug"), by=by)


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        (Wish(fingerprint="../x", sha256=digest("a"), verdict="approved"), "fingerprint is"),
        (Wish(fingerprint=digest("a"), sha256="A" * 64, verdict="approved"), "sha256 is"),
        (Wish(fingerprint=digest("a"), sha256=digest("a"), verdict="maybe"), "the verdict"),  # type: ignore[arg-type]
        (wish("a", note="x" * 2_001), "longer than"),
        (wish("a", reasons=("x",) * 21), "more than 20 reasons"),
    ],
)
def test_what_is_no_decision_is_refused_with_its_whole_batch(
    store: HookedStore, bad: Wish, problem: str
) -> None:
    with pytest.raises(DecisionError, match=problem):
        say(store, wish("mug"), bad)
    assert [*store.list("")] == []


def test_a_batch_decides_each_picture_once(store: HookedStore) -> None:
    with pytest.raises(DecisionError, match="once"):
        say(store, wish("mug"), wish("mug", "approved"))


# --- Crashes ------------------------------------------------------------------------------------


def fail_puts(store: HookedStore, *, beyond: int, kept: bool) -> None:
    """Let a store's writes fail after so many, before they are done or although they were."""
    count = 0

    def fail(operation: str, key: str) -> None:
        nonlocal count
        count += operation == "put"
        if operation == "put" and count > beyond:
            raise StoreError(key, "write", "no connection")

    store.before, store.after = (lambda *_: None, fail) if kept else (fail, lambda *_: None)


def heal(store: HookedStore) -> None:
    store.before = store.after = lambda *_: None


@pytest.mark.parametrize("kept", [True, False])
def test_what_the_store_did_not_take_is_named_and_finished_by_the_next_that_looks(
    store: HookedStore, *, kept: bool
) -> None:
    fail_puts(store, beyond=2, kept=kept)
    wishes = [wish(str(number)) for number in range(6)]
    answer = say(store, *wishes)
    assert len(answer.applied) + len(answer.failed) == 6
    assert "no connection" in next(iter(answer.failed.values()))
    heal(store)
    finish_interrupted(store, clock=StandingClock())
    decisions = read_decisions(store)
    assert {it.fingerprint for it in decisions} == {it.fingerprint for it in wishes}
    assert {(it.revision, it.batch) for it in decisions} == {(1, answer.batch)}
    assert finish_interrupted(store, clock=StandingClock()) == []


def test_a_batch_that_cannot_be_noted_is_not_applied(store: HookedStore) -> None:
    fail_puts(store, beyond=0, kept=False)
    with pytest.raises(StoreError, match="no connection"):
        say(store, wish("mug"))
    heal(store)
    assert [*read_decisions(store)] == []


def test_an_interrupted_wish_that_somebody_forestalled_stays_undone(store: HookedStore) -> None:
    fail_puts(store, beyond=1, kept=False)
    say(store, wish("mug"))
    heal(store)
    say(store, wish("mug", "approved"), by="grace")
    assert [*find_interrupted(read_batches(store), read_decisions(store))] == []
    finish_interrupted(store, clock=StandingClock())
    assert (find(store, "mug").by, find(store, "mug").revision) == ("grace", 1)


def twice(*, seen: int = 0) -> tuple[Wish, Wish]:
    """One request's picture and the one that was bought anew, as a rollback rejects them."""
    return wish("mug", seen=seen, picture="first"), wish("mug", seen=seen + 1, picture="second")


@pytest.mark.parametrize("decided", [0, 1])
def test_two_wishes_for_one_request_are_finished_together(store: HookedStore, decided: int) -> None:
    if decided:
        say(store, wish("mug", "approved", picture="first"))
    fail_puts(store, beyond=1, kept=False)
    answer = say(store, *twice(seen=decided), wish("cup"))
    heal(store)
    (batch,) = find_interrupted(read_batches(store), read_decisions(store))
    assert len(batch.wishes) == 3
    finish_interrupted(store, clock=StandingClock())
    decisions = read_decisions(store)
    for name in ("first", "second"):
        assert decisions.verdict_of(digest("mug"), digest(name)) == "rejected"
    assert (find(store, "mug").revision, find(store, "mug").batch) == (decided + 2, answer.batch)
    assert [*find_interrupted(read_batches(store), decisions)] == []


@pytest.mark.parametrize("is_finished", [True, False])
def test_what_builds_on_a_forestalled_wish_is_forestalled_too(
    store: HookedStore, *, is_finished: bool
) -> None:
    if is_finished:
        fail_puts(store, beyond=1, kept=False)
        say(store, *twice())
        heal(store)
    say(store, wish("mug", "approved", picture="second"), by="grace")
    if is_finished:
        assert finish_interrupted(store, clock=StandingClock()) == []
    else:
        assert len(say(store, *twice()).conflicts) == 2
    assert (find(store, "mug").by, find(store, "mug").revision) == ("grace", 1)


def lose_reply(store: HookedStore) -> None:
    """Let the client repeat a write that was done, so that its own object is in its way."""

    def repeat(operation: str, key: str) -> None:
        if operation == "put" and "/log/" in key:
            raise ConditionFailedError(key, "write", "it exists already")

    store.after = repeat


def test_a_batch_whose_reply_was_lost_is_noted_and_applied(store: HookedStore) -> None:
    lose_reply(store)
    answer = say(store, wish("mug", reasons=("artefact",)), wish("cup"))
    assert len(answer.applied) == 2
    assert read_batch(store, answer.batch).by == "ada"


def test_another_batch_of_the_name_is_not_taken_for_ours(
    store: HookedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: UUID(int=0))
    say(store, wish("mug"))
    with pytest.raises(ConditionFailedError):
        say(store, wish("cup"))


def test_old_interrupted_batches_are_found_but_not_applied(store: HookedStore) -> None:
    fail_puts(store, beyond=1, kept=False)
    answer = say(store, wish("mug"))
    heal(store)
    store.pass_time(timedelta(days=9))
    assert finish_interrupted(store, clock=StandingClock()) == []
    (batch,) = find_interrupted(read_batches(store), read_decisions(store))
    assert (batch.batch, len(batch.wishes)) == (answer.batch, 1)
    apply_batch(store, batch, clock=StandingClock())
    assert find(store, "mug").batch == answer.batch


def test_applying_a_batch_again_changes_nothing_even_after_later_decisions(
    store: HookedStore,
) -> None:
    answer = say(store, wish("mug"))
    say(store, wish("mug", "approved", seen=1), by="grace")
    apply_batch(store, read_batch(store, answer.batch), clock=StandingClock())
    assert (find(store, "mug").verdict, find(store, "mug").revision) == ("approved", 2)


def test_a_damaged_object_is_an_error_that_names_it_and_never_written_over(
    store: HookedStore,
) -> None:
    say(store, wish("mug"))
    (key,) = [it.key for it in store.list("publishing/decisions/") if "/log/" not in it.key]
    store.put(key, b'{"format": 1', content_type="application/json")
    with pytest.raises(DamagedObjectError, match="restore an earlier version"):
        read_decisions(store)
    assert "no object of decisions" in say(store, wish("mug")).failed[digest("mug")]
    assert store.get(key).data == b'{"format": 1'


# --- Undo ---------------------------------------------------------------------------------------


def test_undo_gives_back_what_each_picture_had_before(store: HookedStore) -> None:
    say(store, wish("approved", "approved", note="fine"))
    say(store, wish("again", "approved", picture="first"))
    answer = say(
        store, wish("approved", seen=1), wish("fresh"), wish("again", seen=1, picture="second")
    )
    undone = undo_batch(store, answer.batch, by="grace", clock=StandingClock())
    assert (undone.conflicts, undone.failed) == ((), {})
    decisions = read_decisions(store)
    assert decisions.verdict_of(digest("approved"), digest("approved's bytes")) == "approved"
    assert find(store, "approved").note == "fine"
    assert decisions.verdict_of(digest("fresh"), digest("fresh's bytes")) == "undecided"
    assert decisions.verdict_of(digest("again"), digest("second")) == "undecided"
    assert decisions.verdict_of(digest("again"), digest("first")) == "approved"
    assert (find(store, "fresh").via, find(store, "fresh").by) == ("undo", "grace")
    assert read_batch(store, undone.batch).undoes == answer.batch


@pytest.mark.parametrize("beyond", [1, 2])
def test_undo_of_a_batch_that_was_cut_off_leaves_nothing_to_finish(
    store: HookedStore, beyond: int
) -> None:
    fail_puts(store, beyond=beyond, kept=False)
    answer = say(store, wish("mug"), wish("cup"))
    assert answer.failed
    with pytest.raises(StoreError, match=f"nothing was undone, for not all of {answer.batch}"):
        undo_batch(store, answer.batch, by="ada", clock=StandingClock())
    heal(store)
    undo_batch(store, answer.batch, by="ada", clock=StandingClock())
    assert finish_interrupted(store, clock=StandingClock()) == []
    assert {it.verdict for it in read_decisions(store)} == {"undecided"}


def test_undo_leaves_what_somebody_decided_since(store: HookedStore) -> None:
    answer = say(store, wish("mug"), wish("cup"))
    say(store, wish("mug", "rejected", seen=1, note="really"), by="grace")
    undone = undo_batch(store, answer.batch, by="ada", clock=StandingClock())
    assert [it[0].fingerprint for it in undone.conflicts] == [digest("mug")]
    assert (find(store, "mug").by, find(store, "cup").verdict) == ("grace", "undecided")


def test_undo_can_be_undone_and_twice_changes_nothing(store: HookedStore) -> None:
    answer = say(store, wish("mug"))
    undone = undo_batch(store, answer.batch, by="ada", clock=StandingClock())
    again = undo_batch(store, answer.batch, by="ada", clock=StandingClock())
    assert again.applied == ()
    undo_batch(store, undone.batch, by="ada", clock=StandingClock())
    assert find(store, "mug").verdict == "rejected"


@pytest.mark.parametrize("name", ["2026-01-01-0123456789ab", "../../ledger", "mug"])
def test_a_batch_that_is_not_there_is_named(store: HookedStore, name: str) -> None:
    with pytest.raises(DecisionError, match=name):
        undo_batch(store, name, by="ada")


# --- Several at once ----------------------------------------------------------------------------


def start_child(
    store: ObjectStore,
    environ: Mapping[str, str],
    by: str,
    *,
    kill_at: int = 0,
    after: bool = False,
) -> "subprocess.Popen[str]":
    """A process that decides on pictures of its own and on those that all decide on."""
    of_all, own = range(12), [f"{by}'s {number}" for number in range(12)]
    order = {
        "store": store.uri,
        "by": by,
        "fingerprints": [digest(str(name)) for name in (*of_all, *own)],
        "rounds": 2,
        "kill_at_write": kill_at,
        "kill_after_write": after,
    }
    return subprocess.Popen(  # noqa: S603 # our own interpreter
        [sys.executable, "-m", "flux_assets_tests.fixtures.deciding_child", json.dumps(order)],
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_several_processes_at_once_one_of_them_killed_lose_no_decision(
    any_store: ObjectStore, request: pytest.FixtureRequest, *, after: bool
) -> None:
    environ = os.environ | store_environ(any_store, request)
    children = [
        start_child(any_store, environ, "ada"),
        start_child(any_store, environ, "grace"),
        start_child(any_store, environ, "joan", kill_at=15, after=after),
    ]
    for child in children:
        assert child.stdout
        assert child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin
        child.stdin.write("go\n")
        child.stdin.flush()
    told = [child.communicate(timeout=300)[0] for child in children]
    assert [child.returncode for child in children] == [0, 0, -signal.SIGKILL]

    finish_interrupted(any_store)
    decisions = read_decisions(any_store)
    chains = {it.fingerprint: [*it.history, it] for it in decisions}
    assert len(chains) == 4 * 12
    for chain in chains.values():
        assert [it.revision for it in chain] == [*range(1, len(chain) + 1)]
    made = {(it.batch, name) for name, chain in chains.items() for it in chain}
    answers = [json.loads(line) for text in told for line in text.splitlines()]
    assert [answer["failed"] for answer in answers if answer["failed"]] == []
    assert {(answer["batch"], name) for answer in answers for name in answer["applied"]} <= made
    batches = [*read_batches(any_store)]
    assert made <= {(batch.batch, it.fingerprint) for batch in batches for it in batch.wishes}
    assert [*find_interrupted(batches, decisions)] == []
