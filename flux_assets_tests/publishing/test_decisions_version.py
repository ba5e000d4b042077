"""Each change of a decision is seen without reading one, also where an object is put back."""

from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import DECISIONS_PREFIX, decide, undo_batch
from flux_assets.publishing.decisions_version import read_decisions_version
from flux_assets.storage.object_store import ObjectStore
from flux_assets_tests.fixtures.editions import digest


def wish(name: str, revision: int = 0) -> Wish:
    return Wish(
        fingerprint=digest(name), sha256="0" * 64, verdict="rejected", seen_revision=revision
    )


def test_it_is_another_after_each_decision_and_its_undoing(any_store: ObjectStore) -> None:
    assert read_decisions_version(any_store) == ""
    seen = []
    batches = []
    for name in ("a", "b"):
        batches.append(decide(any_store, [wish(name)], by="ada", via="test").batch)
        seen.append(read_decisions_version(any_store))
        assert read_decisions_version(any_store) == seen[-1]
    undo_batch(any_store, batches[0], by="ada")
    seen.append(read_decisions_version(any_store))
    assert len({*seen, ""}) == 4


def test_a_batch_that_conflicts_changes_nothing(any_store: ObjectStore) -> None:
    decide(any_store, [wish("a")], by="ada", via="test")
    before = read_decisions_version(any_store)
    assert decide(any_store, [wish("a")], by="grace", via="test").conflicts
    assert read_decisions_version(any_store) == before


def test_the_log_and_other_objects_are_not_looked_at(any_store: ObjectStore) -> None:
    decide(any_store, [wish("a")], by="ada", via="test")
    before = read_decisions_version(any_store)
    for key in ("log/2026-11-27/note.json", "readme.txt"):
        any_store.put(f"{DECISIONS_PREFIX}{key}", b"{}", content_type="application/json")
    assert read_decisions_version(any_store) == before
