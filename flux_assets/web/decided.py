"""What the page decides: one batch by the rules of all decisions, answered item by item."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import Answer, decide
from flux_assets.publishing.picture_index import NO_ROW
from flux_assets.publishing.sheet import Sheet
from flux_assets.storage.object_store import ObjectStore
from flux_assets.web.bodies import DecisionItem
from flux_assets.web.details import tell_decision
from flux_assets.web.files import PictureFiles

VIA = "review"


def decide_items(
    store: ObjectStore,
    sheet: Sheet,
    files: PictureFiles,
    items: Sequence[DecisionItem],
    *,
    by: str,
) -> list[dict[str, Any]]:
    """Decide what nobody forestalled; whatever is answered as applied is in the store.

    Raises:
        DecisionError: one of them cannot be kept; nothing was decided.
        StoreError: nothing could be noted, so nothing was decided.
    """
    wishes = [
        Wish(
            fingerprint=it.fingerprint,
            sha256=it.sha256,
            verdict=it.verdict,
            seen_revision=it.revision,
            reasons=tuple(it.reasons),
            note=it.note or "",
            shows_person=it.shows_person,
        )
        for it in items
        if _is_known(sheet, files, it)
    ]
    answered = dict(_tell(decide(store, wishes, by=by, via=VIA), by))
    unknown: Mapping[str, Any] = {"status": "unknown"}
    return [
        {"fingerprint": it.fingerprint, **answered.get(it.fingerprint, unknown)} for it in items
    ]


def _is_known(sheet: Sheet, files: PictureFiles, item: DecisionItem) -> bool:
    """Whether there is such a picture, of just these bytes."""
    row = sheet.pictures.find(item.fingerprint)
    if row != NO_ROW:
        return sheet.pictures.sha256_of(row) == item.sha256
    record = files.find_earlier(item.fingerprint)
    return record is not None and record.sha256 == item.sha256


def _tell(answer: Answer, by: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for made in answer.applied:
        yield made.fingerprint, {"status": "applied", "revision": made.revision}
    for wish, theirs in answer.conflicts:
        if theirs and theirs.says(wish, by):  # sent again, since the answer was lost
            told: dict[str, Any] = {"status": "applied", "revision": theirs.revision}
        else:
            other = tell_decision(theirs) if theirs else None
            revision = theirs.revision if theirs else 0
            told = {"status": "conflict", "other": other, "revision": revision}
        yield wish.fingerprint, told
    for fingerprint, problem in answer.failed.items():
        yield fingerprint, {"status": "failed", "error": problem}
