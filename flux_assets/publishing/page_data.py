"""The data that the page reads, live and in a gallery: scripts that each call one function.

From a file a browser refuses to fetch data, but not to run a script beside the page.
"""

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from flux_assets.publishing.decision import Decision
from flux_assets.publishing.sheet import Sheet
from flux_assets.publishing.sheet_state import SheetState

FORMAT = 1
CHUNK_ROWS = 500
REASONS = ("wrong_product", "artefact", "text", "colour", "cut_off", "unsafe", "other")
"""What a picture may be rejected for; the page has their names in its languages."""
_CURRENCY = "USD"


class Addresses(Protocol):
    """Where the page finds a picture's files."""

    def thumb(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the small one."""

    def full(self, row: int, fingerprint: str, sha256: str) -> str:
        """Of the large one."""

    def photo(self, source_sha256: str) -> str | None:
        """Of the photo that it was made from, if that may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTerms:
    """What of the pictures is shown, and how.

    `names` says whether who decided, why and their notes are shown, `prompts` whether the words
    are. `user` is the person who looks, with `name` and `role`. `row_files` are the addresses of
    the rows where they are not by number.
    """

    live: bool
    shop: str
    sample: bool
    created_at: str
    price: float | None = None
    rerolls: bool = False
    user: Mapping[str, str] | None = None
    prompts: bool = True
    names: bool = True
    row_files: Sequence[str] | None = None


def write_head(state: SheetState, terms: PageTerms) -> bytes:
    """`head.js`: what there is to filter by, and all that is said once."""
    head = {
        "format": FORMAT,
        "live": terms.live,
        "shop": terms.shop,
        "sample": terms.sample,
        "created_at": terms.created_at,
        "rows": len(state.sheet),
        "chunk": CHUNK_ROWS,
        "parts": state.sheet.parts,
        "currency": _CURRENCY,
        "channels": [*state.shown],
        "columns": {name: column.names for name, column in state.columns.items()},
        "epoch": state.sheet.epoch.isoformat(),
        "user": terms.user,
        "rerolls": terms.rerolls,
        "price": terms.price,
        "reasons": REASONS,
        "editions": {
            channel: [
                {"number": number, "at": at.isoformat(timespec="seconds")}
                for number, at in shown.editions
            ]
            for channel, shown in state.shown.items()
        },
    }
    if terms.row_files is not None:
        head["row_files"] = terms.row_files
    return _call("head", head)


def write_columns(state: SheetState) -> bytes:
    """`columns.js`: a byte or two a row for each filter."""
    import numpy as np

    packed = {}
    for name, column in state.columns.items():
        kind = np.dtype("u1" if len(column.names) <= 256 else "<u2")
        packed[name] = _pack(column.codes.astype(kind))
    packed["changed"] = _pack(state.sheet.changed.astype("<u2"))
    if state.sheet.score is not None:
        packed["score"] = _pack(state.sheet.score)
    return _call("columns", packed)


def count_chunks(sheet: Sheet) -> int:
    """How many scripts of rows there are."""
    return -(-len(sheet) // CHUNK_ROWS)


def write_rows(state: SheetState, number: int, addresses: Addresses, terms: PageTerms) -> bytes:
    """`rows/{number}.js`: some rows with their titles, addresses and decisions."""
    start = number * CHUNK_ROWS
    texts = state.sheet.read_texts(start, start + CHUNK_ROWS)
    rows = [
        _build_row(state, start + place, text, addresses, terms) for place, text in enumerate(texts)
    ]
    return _call("rows", number, rows)


def _build_row(
    state: SheetState, row: int, text: Mapping[str, Any], addresses: Addresses, terms: PageTerms
) -> list[Any]:
    fingerprint, sha256 = text["request_fingerprint"], text["sha256"]
    known = state.decisions.find(fingerprint)
    made = known.of_bytes(sha256) if known else None
    source = text["source_sha256"]
    return [
        *(text["product_id"], text["shot"], fingerprint, sha256, text["title"]),
        text["prompt"] if terms.prompts else None,
        addresses.thumb(row, fingerprint, sha256),
        addresses.full(row, fingerprint, sha256),
        addresses.photo(source) if source else None,
        known.revision if known else 0,
        *_tell(made, names=terms.names),
        made.shows_person if made else None,
        bool(text["stale"]),
    ]


def _tell(made: Decision | None, *, names: bool) -> Iterator[Any]:
    """Who decided, when, the note and the reasons."""
    yield made.by if made and names else None
    yield made.at if made else None
    yield made.note if made and names else None
    yield list(made.reasons) if made and names else []


def _pack(codes: Any) -> dict[str, Any]:  # noqa: ANN401 - an array of numpy's
    data = base64.b64encode(codes.tobytes()).decode("ascii")
    return {"bytes": codes.dtype.itemsize, "data": data}


def _call(function: str, *values: object) -> bytes:
    """A script in which no text can be anything but a text, whatever stands in it."""
    said = ",".join(json.dumps(value, separators=(",", ":")) for value in values)
    return f"sheet.{function}({_escape(said)});\n".encode("ascii")


def _escape(said: str) -> str:
    """JSON of ASCII letters, in which `<` begins nothing."""
    return said.replace("<", "\\u003c")
