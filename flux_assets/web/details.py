"""All that is known of one picture: lineage, verdicts, decisions, and its other takes."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.errors import StorePermissionError
from flux_assets.pictures.lineage import FACTS, build_plain_metadata
from flux_assets.planning.one_picture import read_stored_pictures
from flux_assets.publishing.channels import Channel
from flux_assets.publishing.channels_schema import SlotName
from flux_assets.publishing.decision import Decision
from flux_assets.publishing.picture_index import NO_ROW
from flux_assets.publishing.rendition_table import COLUMNS, RenditionRow
from flux_assets.publishing.rules import judge
from flux_assets.publishing.sheet import Sheet
from flux_assets.publishing.sheet_state import SheetState
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.stored_json import DamagedObjectError
from flux_assets.web.errors import NoSuchThingError
from flux_assets.web.files import LiveAddresses, PictureFiles

_ADDRESSES = LiveAddresses()
_SHORT_DIGITS = 16


def describe_picture(
    store: ObjectStore, state: SheetState, files: PictureFiles, fingerprint: str
) -> dict[str, Any]:
    """What the page shows beside a picture, of now or an earlier one.

    Raises:
        NoSuchThingError: there is no such picture.
        StoreError: the store cannot be read.
    """
    sheet = state.sheet
    row = sheet.pictures.find(fingerprint)
    facts = _read_facts(sheet, files, row, fingerprint)
    product_id, shot, sha256 = facts["product_id"], facts["shot"], facts["sha256"]
    source = facts["source_sha256"]
    named = f"{shlex.quote(product_id)} --shots {shlex.quote(shot)}"
    if product_id.startswith("-"):
        named = f"--shots {shlex.quote(shot)} -- {shlex.quote(product_id)}"
    return {
        "product_id": product_id,
        "shot": shot,
        "title": facts.get("title", ""),
        "fingerprint": fingerprint,
        "sha256": sha256,
        "lineage": {fact.name: _plain(facts.get(fact.name)) for fact in FACTS},
        "prompt": facts["prompt"],
        "verdicts": [*_list_verdicts(sheet, row, shot)] if row != NO_ROW else [],
        "history": [*_list_history(state.decisions.find(fingerprint), sha256)],
        "takes": [*_list_takes(store, state, product_id, shot)],
        "shots": [*_list_shots(sheet, row)],
        "photo": _ADDRESSES.photo(source) if source else None,
        "commands": {
            "reroll": f"flux-assets reroll {named}",
            "pin": f"flux-assets pin {named} {fingerprint[:_SHORT_DIGITS]}",
        },
    }


def _read_facts(sheet: Sheet, files: PictureFiles, row: int, fingerprint: str) -> Mapping[str, Any]:
    if row != NO_ROW:
        return sheet.read_row(row)
    record = files.find_earlier(fingerprint)
    if record is None:
        raise NoSuchThingError
    return build_plain_metadata(record)


def _list_verdicts(sheet: Sheet, row: int, shot: str) -> Iterator[dict[str, Any]]:
    """What each channel's rules say of it in each slot that takes its shot."""
    fingerprint = sheet.pictures.fingerprint_of(row)
    made: dict[str, RenditionRow] = {}
    if sheet.renditions:
        names = tuple(COLUMNS)
        found = sheet.renditions.read(names, where=("request_fingerprint", {fingerprint}))
        rows = map(RenditionRow._make, read_rows(found, names))
        made = {it.profile: it for it in rows}
    for channel in sheet.channels.enabled if sheet.channels else ():
        for slot in channel.slots.values():
            if shot in slot.shots:
                rendition = made.get(slot.profile)
                for verdict in _judge(sheet, channel, slot.name, row, rendition):
                    yield {"channel": channel.name, "slot": slot.name, **verdict}


def _judge(
    sheet: Sheet,
    channel: Channel,
    slot: SlotName,
    row: int,
    rendition: RenditionRow | None,
) -> Iterator[dict[str, Any]]:
    nothing = {"reason": "", "source": "", "on": None, "certainty": ""}
    if rendition is None or rendition.master_sha256 != sheet.pictures.sha256_of(row):
        yield {"verdict": "none", **nothing}
        return
    measures = rendition.measures(
        made_from="photo" if sheet.facts.is_of_photo[row] else "words",
        repeated=bool(sheet.facts.is_repeated[row]),
    )
    findings = judge(asdict(measures), channel.rules_of(slot))
    if not findings:
        yield {"verdict": "pass", **nothing}
    for found in findings:
        yield {
            "verdict": found.verdict,
            "reason": f"{found.rule.name}: {found.told}",
            "source": found.rule.source,
            "on": found.rule.on.isoformat(),
            "certainty": found.rule.certainty,
        }


def _list_history(known: Decision | None, sha256: str) -> Iterator[dict[str, Any]]:
    """The decisions of these very bytes, the newest first."""
    for it in (known, *reversed(known.history)) if known else ():
        if it.sha256 == sha256:
            yield tell_decision(it)


def tell_decision(made: Decision) -> dict[str, Any]:
    """Who decided what, when and why."""
    return {
        "verdict": made.verdict,
        "by": made.by,
        "at": made.at,
        "reasons": list(made.reasons),
        "note": made.note,
        "shows_person": made.shows_person,
        "via": made.via,
    }


def _list_takes(
    store: ObjectStore, state: SheetState, product_id: str, shot: str
) -> Iterator[dict[str, Any]]:
    """All that is stored of the product's shot, the newest first; none without the ledger."""
    try:
        stored = read_stored_pictures(store, LedgerObjects(store), shot, [product_id])
    except (StorePermissionError, DamagedObjectError):  # whoever only decides may not read it
        return
    for it in reversed(stored):
        fingerprint, sha256 = it.request_fingerprint, it.sha256
        yield {
            "fingerprint": fingerprint,
            "thumb": _ADDRESSES.thumb(0, fingerprint, sha256),
            "full": _ADDRESSES.full(0, fingerprint, sha256),
            "at": it.generated_at,
            "current": state.sheet.pictures.find(fingerprint) != NO_ROW,
            "verdict": state.decisions.verdict_of(fingerprint, sha256),
        }


def _list_shots(sheet: Sheet, row: int) -> Iterator[dict[str, Any]]:
    """The product's pictures of now, of all shots."""
    if row == NO_ROW:
        return
    shots = sheet.columns["shot"]
    for place in (sheet.product_codes == sheet.product_codes[row]).nonzero()[0].tolist():
        fingerprint = sheet.pictures.fingerprint_of(place)
        thumb = _ADDRESSES.thumb(place, fingerprint, sheet.pictures.sha256_of(place))
        name = shots.names[shots.codes[place]]
        yield {"fingerprint": fingerprint, "shot": name, "thumb": thumb}


def _plain(value: object) -> object:
    """A value that JSON has."""
    return None if value != value else value  # noqa: PLR0124 - NaN
