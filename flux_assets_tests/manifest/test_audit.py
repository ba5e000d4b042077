"""What an audit finds in a store of each kind, and what it mends."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.bill.ledger_entry import AcceptedCall, State
from flux_assets.errors import StoreError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.audit import verify_store
from flux_assets.manifest.findings import StoreFindings
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.stored import MANIFEST_CSV_KEY, MANIFEST_KEY, open_manifest, read_manifest
from flux_assets.prompts.requests_table import REQUESTS_KEY
from flux_assets.storage import table_parts
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore, ledger_key
from flux_assets.storage.parquet import write_parquet
from flux_assets_tests.fixtures.hooked_store import HookedStore
from flux_assets_tests.fixtures.purchases import build_ledger, overwrite_entry
from flux_assets_tests.fixtures.records import ask, make_request
from flux_assets_tests.fixtures.stored_pictures import (
    ask_for,
    buy,
    draw,
    key_of,
    lineage_of,
    open_records,
    show,
)

CHAIR, LAMP, STOOL = make_request("00123"), make_request("1e5"), make_request("st/ool")
OLD_CHAIR = make_request("00123", prompt="An older chair")
GONE = make_request("gone")
WRONG = ("missing", "damaged", "unreadable", "without_lineage", "manifest")


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return DirectoryStore(tmp_path / "store")


def fill(store: ObjectStore) -> None:
    """A sound store of three products, one of which has an older picture."""
    buy(store, OLD_CHAIR, at="2026-01-01")
    for request in (CHAIR, LAMP, STOOL):
        buy(store, request)
    ask_for(store, CHAIR, LAMP, STOOL)
    show(store, CHAIR, LAMP, STOOL)


def verify(store: ObjectStore, *, deep: bool = False, repair: bool = False) -> StoreFindings:
    return verify_store(open_records(store), deep=deep, repair=repair)


def wrong(findings: StoreFindings) -> dict[str, int]:
    """How much is wrong of which kind, and not repaired."""
    left = {kind: findings.counts[kind] - findings.repaired[kind] for kind in WRONG}  # type: ignore[index]
    return {kind: count for kind, count in left.items() if count}


def rows(store: ObjectStore) -> dict[str, tuple[str, bool]]:
    """Each product's fingerprint in the manifest, and whether it is stale."""
    manifest = read_manifest(store)
    assert manifest is not None
    names = ["product_id", "request_fingerprint", "stale"]
    return {
        product_id: (fingerprint, stale)
        for product_id, fingerprint, stale in manifest[names].itertuples(index=False)
    }


def shown(
    *current: ImageRequest, stale: Iterable[ImageRequest] = ()
) -> dict[str, tuple[str, bool]]:
    return {item.product_id: (item.fingerprint, False) for item in current} | {
        item.product_id: (item.fingerprint, True) for item in stale
    }


def damage(store: ObjectStore, key: str, data: bytes) -> None:
    store.put(key, data, content_type="application/octet-stream")


def remove(store: ObjectStore, key: str) -> None:
    Path(store.uri_for(key)).unlink()


# --- A sound store ---------------------------------------------------------------------------


def test_in_a_sound_store_nothing_is_wrong_and_nothing_is_written(any_store: ObjectStore) -> None:
    fill(any_store)
    before = {info.key: info.modified_at for info in any_store.list("")}
    findings = verify(any_store, deep=True, repair=True)
    assert (findings.is_sound, wrong(findings)) == (True, {})
    assert (findings.entries, findings.pictures, findings.rows) == (4, 4, 3)
    assert dict(findings.counts) == {"superseded": 1}
    assert {info.key: info.modified_at for info in any_store.list("")} == before


def test_an_empty_store_is_sound(store: ObjectStore) -> None:
    assert verify(store, deep=True, repair=True).is_sound
    assert list(store.list("")) == []


def test_pictures_of_what_is_gone_and_further_paid_replies_are_told(store: ObjectStore) -> None:
    fill(store)
    buy(store, GONE)
    ledger = build_ledger(store, "run-2")
    entry = ledger.read(LAMP.fingerprint)
    assert entry is not None
    ledger.keep_extra_reply(replace(entry, uuid="second-call"))
    findings = verify(store)
    assert findings.is_sound
    assert (findings.counts["orphaned"], findings.counts["extra_reply"]) == (1, 1)
    [extra] = [item for item in findings.first if item.kind == "extra_reply"]
    assert extra.key.endswith(f"{LAMP.fingerprint}.second-call.json")
    assert extra.detail == "product '1e5', shot hero, call second-call"


@pytest.mark.parametrize("state", ["accepted", "lost"])
def test_what_is_paid_and_cannot_be_had_is_told(store: ObjectStore, state: State) -> None:
    fill(store)
    ledger = build_ledger(store)
    call = AcceptedCall(
        uuid="call-9", result_keys=(), temporary_url="", accepted_at="", latency_seconds=0
    )
    entry = ledger.record_reply(ledger.claim(make_request("new"), None), call)
    overwrite_entry(store, replace(entry, state=state, asks=2, reason="its URL: HTTP 403"))

    findings = verify(store)

    [told] = [item for item in findings.first if item.kind == "unfetched"]
    assert "call call-9: paid, and" in told.detail
    assert told.detail.endswith("its URL: HTTP 403")
    assert findings.is_sound


def test_an_older_picture_that_was_deleted_is_no_loss(store: ObjectStore) -> None:
    fill(store)
    remove(store, key_of(OLD_CHAIR))
    findings = verify(store)
    assert (findings.is_sound, findings.counts["deleted"]) == (True, 1)


def test_what_a_backfill_bought_and_no_manifest_shows_yet_is_current(store: ObjectStore) -> None:
    fill(store)
    new_lamp = make_request("1e5", prompt="A better lamp")
    buy(store, new_lamp)
    ask_for(store, CHAIR, new_lamp, STOOL)
    findings = verify(store)
    assert dict(findings.counts) == {"superseded": 1}, "only the older chair"


def test_objects_that_are_not_ours_are_left_out(store: ObjectStore) -> None:
    fill(store)
    for key in ("images/notes.txt", "ledger/readme.txt", "images/hero/1e5/thumbs/a.png"):
        damage(store, key, b"not ours")
    assert verify(store, deep=True).is_sound


# --- Pictures --------------------------------------------------------------------------------


def test_a_picture_that_is_gone_is_missing_and_no_repair_brings_it_back(store: ObjectStore) -> None:
    fill(store)
    remove(store, key_of(LAMP))
    findings = verify(store, repair=True)
    assert wrong(findings) == {"missing": 1}
    assert not findings.is_sound
    [item] = [item for item in findings.first if item.kind == "missing"]
    assert item.key == key_of(LAMP)
    assert "product '1e5', shot hero" in item.detail
    assert rows(store) == shown(CHAIR, LAMP, STOOL)


def test_a_picture_of_another_size_is_damaged(any_store: ObjectStore) -> None:
    fill(any_store)
    damage(any_store, key_of(LAMP), draw("navy")[:-9])
    assert wrong(verify(any_store)) == {"damaged": 1}
    assert wrong(verify(any_store, deep=True)) == {"damaged": 1}


def test_other_bytes_of_the_same_size_are_found_where_they_are_read(any_store: ObjectStore) -> None:
    fill(any_store)
    data = bytearray(draw("navy"))
    data[-20] ^= 1
    damage(any_store, key_of(LAMP), bytes(data))
    assert verify(any_store).is_sound
    findings = verify(any_store, deep=True, repair=True)
    assert wrong(findings) == {"damaged": 1}
    assert "another sha256" in findings.first[-1].detail


# --- Lineage ---------------------------------------------------------------------------------


def test_a_picture_whose_last_write_is_missing_gets_its_entry(any_store: ObjectStore) -> None:
    buy(any_store, LAMP, noted=False)
    findings = verify(any_store)
    assert wrong(findings) == {"without_lineage": 1}
    assert findings.first[0].detail == "its ledger entry says accepted"

    assert verify(any_store, repair=True).is_sound
    lineage = lineage_of(any_store, LAMP)[LAMP.fingerprint]
    assert (lineage.uuid, lineage.generated_at) == (f"call-{LAMP.fingerprint[:4]}", "2026-03-01")
    assert verify(any_store, deep=True).counts == {}


def test_an_entry_that_is_gone_is_written_from_what_the_last_refresh_asked_for(
    store: ObjectStore,
) -> None:
    fill(store)
    remove(store, ledger_key(LAMP.fingerprint))
    remove(store, ledger_key(OLD_CHAIR.fingerprint))
    assert wrong(verify(store)) == {"without_lineage": 2, "manifest": 1}
    findings = verify(store, repair=True)
    assert wrong(findings) == {"without_lineage": 1}, "nobody knows what the older one was asked by"
    assert lineage_of(store, LAMP)[LAMP.fingerprint].uuid == f"call-{LAMP.fingerprint[:4]}"
    again = verify(store)
    assert wrong(again) == {"without_lineage": 1}, "and the manifest's row is the new entry's"
    assert again.first[-1].key == key_of(OLD_CHAIR)
    assert "did not ask for it" in again.first[-1].detail


def test_a_damaged_picture_without_an_entry_stays_and_hides_no_other(store: ObjectStore) -> None:
    for request in (LAMP, CHAIR):
        buy(store, request, noted=False)
    damage(store, key_of(LAMP), b"no picture")
    findings = verify(store, repair=True)
    assert wrong(findings) == {"damaged": 1}
    assert findings.repaired["without_lineage"] == 1
    assert store.get(key_of(LAMP)).data == b"no picture"


def test_an_entry_that_cannot_be_read_is_named_and_left(store: ObjectStore) -> None:
    fill(store)
    damage(store, ledger_key(LAMP.fingerprint), b"{")
    for repair in (False, True):
        findings = verify(store, repair=repair)
        assert wrong(findings) == {"unreadable": 1}
        assert findings.first[-1].key == ledger_key(LAMP.fingerprint)
        assert "restore it from a backup" in findings.first[-1].detail
    assert rows(store) == shown(CHAIR, LAMP, STOOL)

    remove(store, ledger_key(LAMP.fingerprint))
    assert verify(store, repair=True).is_sound


# --- The manifest ----------------------------------------------------------------------------


def test_a_damaged_manifest_stops_a_refresh_with_what_to_do(any_store: ObjectStore) -> None:
    fill(any_store)
    whole = any_store.get(MANIFEST_KEY).data
    for data in (b"", b"PAR1", whole[: len(whole) // 2], write_parquet(pd.DataFrame({"a": [1]}))):
        damage(any_store, MANIFEST_KEY, data)
        with pytest.raises(StoreError) as error:
            refresh_manifest(any_store, ask(), lambda _: {})
        told = str(error.value)
        assert any_store.uri_for(MANIFEST_KEY) in told
        assert "`flux-assets verify --repair`" in told


def test_a_damaged_manifest_is_built_again_with_its_stale_rows(any_store: ObjectStore) -> None:
    fill(any_store)
    new_lamp = make_request("1e5", prompt="A lamp that is not bought yet")
    ask_for(any_store, CHAIR, new_lamp, STOOL)
    damage(any_store, MANIFEST_KEY, b"PAR1")
    assert wrong(verify(any_store)) == {"unreadable": 1}
    findings = verify(any_store, repair=True)
    assert (findings.is_sound, findings.repaired["unreadable"]) == (True, 1)
    assert rows(any_store) == shown(CHAIR, STOOL, stale=[LAMP])
    assert any_store.get(MANIFEST_CSV_KEY).data.count(b"\n") == 4
    assert verify(any_store, deep=True).counts == {"superseded": 1}


@pytest.mark.parametrize("is_missing", [False, True], ids=["other bytes", "missing"])
def test_a_manifest_of_which_a_part_is_damaged_is_built_again_in_parts(
    store: ObjectStore, tmp_path: Path, *, is_missing: bool
) -> None:
    fill(store)
    asked = ask(CHAIR, LAMP, STOOL)
    before = refresh_manifest(store, asked, lambda _: {}, in_parts=True)
    assert verify(store, deep=True).is_sound
    part = before.read_parts()[1]
    if is_missing:
        remove(store, part.key)
    else:
        damage(store, part.key, store.get(part.key).data[:-1] + b"X")
    store = DirectoryStore(tmp_path / "store")  # of a process that has not read it before
    assert wrong(verify(store)) == {"unreadable": 1}
    findings = verify(store, repair=True)
    assert (findings.is_sound, findings.repaired["unreadable"]) == (True, 1)
    after = open_manifest(store)
    assert after is not None
    assert after.read_parts() == before.read_parts()
    assert rows(store) == shown(*sorted((CHAIR, LAMP, STOOL), key=_bucket))
    assert verify(store, deep=True).is_sound


def _bucket(request: ImageRequest) -> str:
    return bucket_of(request.product_id)


def test_a_part_that_cannot_be_fetched_now_is_not_taken_for_damage(store: ObjectStore) -> None:
    fill(store)
    manifest = refresh_manifest(store, ask(CHAIR, LAMP, STOOL), lambda _: {}, in_parts=True)
    hooked = HookedStore(store)

    def fail(operation: str, key: str) -> None:
        if key == manifest.read_parts()[0].key:
            raise StoreError(key, operation, "it does not answer")

    hooked.before = fail
    with pytest.raises(StoreError, match="it does not answer"):
        verify(hooked, repair=True)
    assert store.get(MANIFEST_KEY).data == manifest.table.data


def test_an_index_of_a_newer_release_is_neither_read_nor_repaired(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store)
    asked = ask(CHAIR, LAMP, STOOL)
    with monkeypatch.context() as newer:
        newer.setattr(table_parts, "_FORMAT", 2)
        manifest = refresh_manifest(store, asked, lambda _: {}, in_parts=True)
    for touch in (
        lambda: verify(store, repair=True),
        lambda: refresh_manifest(store, asked, lambda _: {}, in_parts=True),
        lambda: refresh_manifest(store, asked, lambda _: {}),
    ):
        with pytest.raises(StoreError, match="a newer release of flux_assets wrote it; upgrade"):
            touch()
    assert store.get(MANIFEST_KEY).data == manifest.table.data


def test_without_the_last_requests_the_picture_made_last_counts_as_current(
    store: ObjectStore,
) -> None:
    fill(store)
    remove(store, REQUESTS_KEY)
    damage(store, MANIFEST_KEY, b"PAR1")
    assert verify(store, repair=True).is_sound
    assert rows(store) == shown(CHAIR, LAMP, STOOL), "not the older chair"


def test_requests_that_cannot_be_read_are_told_and_the_stale_mark_is_kept(
    store: ObjectStore,
) -> None:
    fill(store)
    manifest = read_manifest(store)
    assert manifest is not None
    manifest["stale"] = manifest["product_id"] == STOOL.product_id
    manifest.loc[manifest["product_id"] == LAMP.product_id, "sha256"] = "0" * 64
    damage(store, MANIFEST_KEY, write_parquet(manifest))
    damage(store, REQUESTS_KEY, b"PAR1")
    findings = verify(store, repair=True)
    assert wrong(findings) == {"unreadable": 1}, "the next refresh writes the requests"
    assert rows(store) == shown(CHAIR, LAMP, stale=[STOOL])
    assert wrong(verify(store)) == {"unreadable": 1}


def test_rows_that_disagree_with_the_ledger_are_mended_and_the_others_kept(
    any_store: ObjectStore,
) -> None:
    fill(any_store)
    manifest = read_manifest(any_store)
    assert manifest is not None
    manifest.loc[manifest["product_id"] == LAMP.product_id, "uuid"] = "another"
    stranger = manifest["product_id"] == STOOL.product_id
    manifest.loc[stranger, "request_fingerprint"] = "0" * 64
    damage(any_store, MANIFEST_KEY, write_parquet(manifest))
    found = verify(any_store)
    assert wrong(found) == {"manifest": 2}
    assert "product '1e5', shot hero: its row says something else" in found.first[-2].detail
    assert "product 'st/ool', shot hero: the ledger knows no stored" in found.first[-1].detail

    assert verify(any_store, repair=True).is_sound
    assert rows(any_store) == shown(CHAIR, LAMP, STOOL)
    assert verify(any_store).counts == {"superseded": 1}


def test_a_manifest_that_another_writer_changes_meanwhile_is_left_to_it(
    store: ObjectStore,
) -> None:
    fill(store)
    damage(store, MANIFEST_KEY, b"PAR1")
    hooked = HookedStore(store)

    def overtake(operation: str, key: str) -> None:
        if operation == "put" and key == MANIFEST_KEY:
            damage(store, MANIFEST_KEY, b"PAR2")

    hooked.before = overtake
    assert wrong(verify(hooked, repair=True)) == {"unreadable": 1}
    assert store.get(MANIFEST_KEY).data == b"PAR2"
