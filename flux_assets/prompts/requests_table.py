"""Image requests as a data frame, and back."""

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.prompts.requests import Skipped
from flux_assets.storage.frames import build_frame, read_rows
from flux_assets.storage.object_store import table_key

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

REQUESTS_KEY = table_key("image_requests.parquet")
"""What the last refresh asked for, and so what the manifest's rows are the pictures of."""


_REQUEST_FIELDS = (
    "product_id",
    "shot",
    "shot_version",
    "take",
    "type",
    "model",
    "prompt_object",
    "fingerprint",
    "source_uri",
    "source_sha256",
    "flatten",
)


_REQUEST_COLUMNS = (*_REQUEST_FIELDS, "prompt_characters", "error", "skipped")


_REQUEST_NUMBERS = frozenset({"shot_version", "take", "prompt_characters"})


def build_requests_table(
    requests: Iterable[ImageRequest | Skipped | PromptError],
) -> "pd.DataFrame":
    """One row per product and shot: its request; else no fingerprint, and `error` or `skipped`."""
    return build_frame(
        map(_build_request_row, requests), _REQUEST_COLUMNS, numbers=_REQUEST_NUMBERS
    )


def _build_request_row(request: ImageRequest | Skipped | PromptError) -> tuple[str | int, ...]:
    if isinstance(request, ImageRequest):
        return (
            request.product_id,
            request.shot,
            request.shot_version,
            request.take,
            request.type,
            request.model,
            json.dumps(request.prompt_object),
            request.fingerprint,
            request.source_uri,
            request.source_sha256,
            request.flatten,
            len(request.prompt),
            "",
            "",
        )
    unmade = (request.product_id, request.shot, 0, 0, "", "", "{}", "", "", "", "", 0)
    if isinstance(request, PromptError):
        return (*unmade, request.problem, "")
    return (*unmade, "", request.reason)


def read_requests(table: "pd.DataFrame") -> Iterator[ImageRequest]:
    """The image requests of a table that `build_requests_table` built, in its order."""
    for row in read_rows(table[table["fingerprint"] != ""], _REQUEST_FIELDS):
        values = dict(zip(_REQUEST_FIELDS, row, strict=True))
        values["prompt_object"] = json.loads(values["prompt_object"])
        yield ImageRequest.from_json(values)


def read_identities(table: "pd.DataFrame") -> list[RequestIdentity]:
    """What identifies each request of a requests table, or of these columns, in its order."""
    rows = read_rows(table, RequestIdentity._fields)
    return [row for row in map(RequestIdentity._make, rows) if row.fingerprint]


def read_without_request(table: "pd.DataFrame") -> list[RequestIdentity]:
    """Each product and shot of a requests table that cannot be asked for now, but has its place.

    Its prompt cannot be rendered, or an override says `skip`; the fingerprint is empty.
    """
    rows = table[(table["error"] != "") | (table["skipped"] == "skip")]
    owners = read_rows(rows, ("product_id", "shot"))
    return [RequestIdentity(product_id, shot, "") for product_id, shot in owners]
