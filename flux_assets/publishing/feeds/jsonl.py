"""An edition as JSON Lines, for everybody else: a line for each picture of each offer."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from flux_assets.publishing.edition import Edition, Offer, Showing, ShownProduct
from flux_assets.publishing.feeds.offers_shown import list_offers

_TEXT = {"type": "string", "minLength": 1}
_SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_COUNT = {"type": "integer", "minimum": 1}
_OF_MANIFEST = ("state", "issuer", "actions")

_PROPERTIES: Mapping[str, Mapping[str, Any]] = {
    "channel": _TEXT,
    "edition": {**_COUNT, "description": "The edition that the picture came with."},
    "offer": {**_TEXT, "description": "What the channel knows by its own id."},
    "product": _TEXT,
    "slot": _TEXT,
    "position": {**_COUNT, "description": "Of several pictures in a slot, from 1."},
    "shot": _TEXT,
    "url": {**_TEXT, "format": "uri"},
    "sha256": {**_SHA256, "description": "Of the bytes that the address serves."},
    "width_px": _COUNT,
    "height_px": _COUNT,
    "mark": {"type": "string", "description": "The IPTC digital source type in the file."},
    "picture": {**_SHA256, "description": "The request fingerprint of the stored picture."},
    "picture_sha256": {**_SHA256, "description": "Of the stored picture's bytes."},
    "c2pa": {
        "type": ["object", "null"],
        "properties": {name: {"type": ["string", "null"]} for name in _OF_MANIFEST},
        "required": [*_OF_MANIFEST],
        "additionalProperties": False,
        "description": "What the stored picture's C2PA manifest says; its values are null where "
        "nothing could read it, and all of it where there is none.",
    },
    "decision": {"enum": ["approved", "undecided"], "description": "When the edition was made."},
    "warnings": {"type": "array", "items": _TEXT, "description": "Rules that warn of it."},
}
SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "A picture of an offer, as an edition shows it",
    "type": "object",
    "properties": _PROPERTIES,
    "required": [*_PROPERTIES],
    "additionalProperties": False,
}
"""What each line is."""


def write_jsonl(edition: Edition) -> Iterator[str]:
    """The lines, by offer, slot and position."""
    for offer, product in list_offers(edition):
        counts: dict[str, int] = {}
        for showing in product.showings:
            counts[showing.slot] = counts.get(showing.slot, 0) + 1
            row = _build_row(edition, offer, product, showing, counts[showing.slot])
            yield f"{json.dumps(row, ensure_ascii=False)}\n"


def write_schema() -> str:
    """The lines' JSON Schema."""
    return f"{json.dumps(SCHEMA, indent=1)}\n"


def _build_row(
    edition: Edition, offer: Offer, product: ShownProduct, showing: Showing, position: int
) -> dict[str, Any]:
    picture = showing.picture
    return {
        "channel": edition.channel,
        "edition": showing.since,
        "offer": offer.offer_id,
        "product": product.product_id,
        "slot": showing.slot,
        "position": position,
        "shot": picture.shot,
        "url": edition.url_of(picture),
        "sha256": picture.sha256,
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "mark": picture.mark,
        "picture": picture.fingerprint,
        "picture_sha256": picture.master_sha256,
        "c2pa": _tell_provenance(json.loads(picture.measures)),
        "decision": showing.decision,
        "warnings": list(showing.warnings),
    }


def _tell_provenance(measures: Mapping[str, Any]) -> Mapping[str, str | None] | None:
    if not measures.get("c2pa"):
        return None
    return {name: measures.get(f"c2pa_{name}") for name in _OF_MANIFEST}
