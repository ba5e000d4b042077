from pathlib import Path

import pandas as pd
import pytest

from flux_assets.buying.outcome import OutcomeKind
from flux_assets.buying.summary import Shortfall
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.shortfalls import find_shortfalls, read_shortfalls, record_shortfalls
from flux_assets.storage.directory import DirectoryStore
from flux_assets_tests.fixtures.records import ask, make_request

CHAIR, LAMP, STOOL = make_request("00123"), make_request("1e5"), make_request("3")


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return DirectoryStore(tmp_path)


def _shortfall(request: ImageRequest, kind: OutcomeKind, reason: str) -> Shortfall:
    return Shortfall(
        product_id=request.product_id,
        shot=request.shot,
        fingerprint=request.fingerprint,
        kind=kind,
        reason=reason,
    )


def _find(manifest: list[tuple[ImageRequest, bool]], *reasons: Shortfall) -> list[Shortfall]:
    """The shortfalls of all three requests, given the manifest's pictures and their staleness."""
    rows = [(request.fingerprint, stale) for request, stale in manifest]
    return find_shortfalls(
        ask(CHAIR, LAMP, STOOL),
        pd.DataFrame(rows, columns=["request_fingerprint", "stale"]),
        {item.fingerprint: item for item in reasons},
    )


def test_what_has_no_current_picture_is_missing_for_the_reason_that_the_run_gives() -> None:
    refused = _shortfall(CHAIR, "refused", "moderated")
    older = make_request("00123", prompt="An older chair")
    assert _find([(older, True), (LAMP, False)], refused) == [
        refused,
        _shortfall(STOOL, "not_attempted", "not among what the run was to buy"),
    ]


def test_a_stale_picture_is_not_current() -> None:
    [missing] = _find([(CHAIR, True), (LAMP, False), (STOOL, False)])
    assert missing.product_id == CHAIR.product_id


def test_a_picture_that_is_gone_from_the_store_is_missing_although_it_has_a_row() -> None:
    gone = _shortfall(CHAIR, "lost", "it was stored and is gone")
    held = _shortfall(LAMP, "held", "in the hands of another run")
    assert _find([(CHAIR, False), (LAMP, False), (STOOL, False)], gone, held) == [gone]


def test_what_was_missing_the_last_time_is_no_news(store: DirectoryStore) -> None:
    chair = _shortfall(CHAIR, "refused", "moderated")
    lamp = _shortfall(LAMP, "failed", "time-out")
    assert read_shortfalls(store) == []
    assert record_shortfalls(store, [chair]) == [chair]
    assert read_shortfalls(store) == [["00123", "hero", "refused", "moderated"]]
    assert record_shortfalls(store, [chair, lamp]) == [lamp]
    assert record_shortfalls(store, []) == []
    assert record_shortfalls(store, [lamp]) == [lamp]


def test_what_is_missing_in_another_way_is_news(store: DirectoryStore) -> None:
    record_shortfalls(store, [_shortfall(LAMP, "failed", "time-out")])
    refused = _shortfall(LAMP, "refused", "moderated")
    assert record_shortfalls(store, [refused]) == [refused]
    assert record_shortfalls(store, [_shortfall(LAMP, "refused", "in other words")]) == []
