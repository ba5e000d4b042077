"""The manifest's columns, and what a release before this one wrote.

In the samples are a manifest and its ledger entries as that release wrote them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.repair import ManifestAudit
from flux_assets.manifest.rows import COLUMNS, MANIFEST_COLUMNS, build_manifest_rows
from flux_assets.manifest.stored import MANIFEST_KEY, read_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.records import ask

SAMPLES = Path(__file__).parents[1] / "samples" / "manifest"
_ADDED_SINCE = ("appearance", "pixels_digest", "title", "category")
BODIES = [path.read_bytes() for path in sorted(SAMPLES.glob("*.json"))]


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    """With the manifest of the release before."""
    store = DirectoryStore(tmp_path, public_url="https://cdn.example")
    manifest = (SAMPLES / "image_manifest.parquet").read_bytes()
    store.put(MANIFEST_KEY, manifest, content_type="application/vnd.apache.parquet")
    return store


def read_entry(body: bytes) -> LedgerEntry:
    return LedgerEntry.from_bytes(body, etag="", modified_at=datetime.now(UTC), uri="ledger/")


def read_lineage() -> Mapping[str, LineageRecord]:
    entries = [read_entry(body) for body in BODIES]
    return {entry.fingerprint: entry.lineage for entry in entries if entry.lineage}


@pytest.mark.parametrize("body", BODIES, ids=len)
def test_a_ledger_entry_of_the_release_before_is_written_again_byte_by_byte(body: bytes) -> None:
    assert read_entry(body).to_bytes() == body


def test_the_ledger_of_the_release_before_gives_an_equal_manifest(store: DirectoryStore) -> None:
    before = read_manifest(store)
    assert before is not None
    rows = build_manifest_rows(read_lineage().values(), store)

    rows = rows.set_index("request_fingerprint", drop=False).loc[before["request_fingerprint"]]
    is_here = {"object_uri": before["object_uri"]}  # which this store has elsewhere
    rows = rows.reset_index(drop=True).assign(**is_here)
    pd.testing.assert_frame_equal(rows[list(before.columns)], before)
    assert not rows[list(_ADDED_SINCE)].to_numpy().any()


def test_the_manifest_of_the_release_before_is_taken_over_unread(store: DirectoryStore) -> None:
    before = read_manifest(store)
    found = read_lineage().values()
    requests = ask(
        *(RequestIdentity(it.product_id, it.shot, it.request_fingerprint) for it in found)
    )
    asked: list[RequestIdentity] = []

    def read(wanted: list[RequestIdentity]) -> Mapping[str, LineageRecord]:
        asked.extend(wanted)
        return {}

    after = refresh_manifest(store, requests, read).read()

    assert asked == []
    assert before is not None
    assert not after[list(_ADDED_SINCE)].to_numpy().any()
    is_here = {"object_uri": [store.uri_for(key) for key in before["object_key"]]}
    before = before.assign(**is_here)  # which was elsewhere
    after = after[list(before.columns)]
    pd.testing.assert_frame_equal(after, before.sort_values("product_id", ignore_index=True))


def test_no_row_of_the_release_before_differs_from_its_ledger_entry(store: DirectoryStore) -> None:
    audit = ManifestAudit(store)
    for lineage in read_lineage().values():
        audit.compare(lineage, has_picture=True)
    assert (audit.row_count, audit.differing(ignored=())) == (3, {})


def test_the_columns_are_those_of_the_release_before_in_their_order(store: DirectoryStore) -> None:
    before = read_manifest(store)
    assert before is not None
    assert tuple(COLUMNS) == (*before.columns, *_ADDED_SINCE)
    known = {name: kind for name, kind in COLUMNS.items() if name not in _ADDED_SINCE}
    assert {name: str(kind) for name, kind in before.dtypes.items()} == known


def test_every_column_says_in_one_sentence_what_it_means() -> None:
    for column in MANIFEST_COLUMNS:
        assert column.meaning.endswith("."), column.name
        assert ". " not in column.meaning, column.name
