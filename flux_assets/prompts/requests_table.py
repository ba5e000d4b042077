"""Image requests as a data frame, and back."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import fields
from operator import attrgetter
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest, RequestIdentity
from flux_assets.prompts.requests import Skipped
from flux_assets.storage.frames import build_frame, read_rows, select
from flux_assets.storage.object_store import table_key
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

REQUESTS_KEY = table_key("image_requests.parquet")
"""What the last refresh asked for, and so what the manifest's rows are the pictures of."""


class _Row(NamedTuple):
    """A row of the table; at their defaults, the fields of a request that there is none of.

    `detail` says more where there is none: an error's `reason`, or how the rule reads that skips.
    """

    product_id: str
    shot: str
    shot_version: int = 0
    take: int = 0
    type: str = ""
    model: str = ""
    prompt_object: str = "{}"
    fingerprint: str = ""
    source_uri: str = ""
    source_sha256: str = ""
    flatten: str = ""
    prompt_characters: int = 0
    error: str = ""
    skipped: str = ""
    doubt: str = ""
    detail: str = ""


REQUESTS_COLUMNS = _Row._fields
UNMADE_COLUMNS = ("product_id", "shot", "error", "skipped")
_NUMBERS = frozenset(name for name, kind in _Row.__annotations__.items() if kind is int)
_REQUEST_FIELDS = tuple(item.name for item in fields(ImageRequest))


def build_requests_table(
    requests: Iterable[ImageRequest | Skipped | PromptError],
) -> "pd.DataFrame":
    """One row per product and shot: its request; else no fingerprint, and `error` or `skipped`."""
    return build_frame(map(_build_row, requests), _Row._fields, numbers=_NUMBERS)


def _build_row(request: ImageRequest | Skipped | PromptError) -> _Row:
    if isinstance(request, PromptError):
        doubt = request.problem if request.reason == "doubted_photo" else ""
        row = _Row(request.product_id, request.shot, error=request.problem, doubt=doubt)
        return row._replace(detail=request.reason)
    if isinstance(request, Skipped):
        row = _Row(request.product_id, request.shot, skipped=request.reason)
        return row._replace(detail=request.message)
    return _Row(
        product_id=request.product_id,
        shot=request.shot,
        shot_version=request.shot_version,
        take=request.take,
        type=request.type,
        model=request.model,
        prompt_object=json.dumps(request.prompt_object),
        fingerprint=request.fingerprint,
        source_uri=request.source_uri,
        source_sha256=request.source_sha256,
        flatten=request.flatten,
        prompt_characters=len(request.prompt),
        doubt=request.doubt,
    )


def read_requests(table: "pd.DataFrame") -> Iterator[ImageRequest]:
    """The image requests of a table that `build_requests_table` built, in its order."""
    names = [name for name in _REQUEST_FIELDS if name in table]  # an older release's has fewer
    for row in read_rows(table[table["fingerprint"] != ""], names):
        values = dict(zip(names, row, strict=True))
        values["prompt_object"] = json.loads(values["prompt_object"])
        yield ImageRequest.from_json(values)


def read_failures(table: StoredTable) -> list[Skipped | PromptError]:
    """Why there is no request, of each product and shot that there is none of."""
    names = ("product_id", "shot", "error", "skipped", "detail")
    return [
        Skipped(product_id=product_id, shot=shot, reason=skipped, message=detail)
        if skipped
        else PromptError(product_id, shot, error, reason=detail)
        for product_id, shot, error, skipped, detail in read_rows(
            table.read(names, where=("fingerprint", {""})), names
        )
    ]


def build_identities(requests: Iterable[ImageRequest | RequestIdentity]) -> "pd.DataFrame":
    """What identifies each request, in the columns of `RequestIdentity`."""
    rows = map(attrgetter(*RequestIdentity._fields), requests)
    return build_frame(rows, RequestIdentity._fields, numbers=())


def select_identities(table: "pd.DataFrame") -> "pd.DataFrame":
    """The same of each request of a requests table, or of these columns, in its order."""
    return select(table[list(RequestIdentity._fields)], table["fingerprint"] != "")


def select_unmade(table: "pd.DataFrame") -> "pd.DataFrame":
    """The rows of a requests table that have no request, with UNMADE_COLUMNS."""
    return table.loc[table["fingerprint"] == "", list(UNMADE_COLUMNS)]


def read_unmade(table: StoredTable) -> "pd.DataFrame":
    """The same of one that is still to be unpacked."""
    return table.read(UNMADE_COLUMNS, where=("fingerprint", {""}))


def select_places(identities: "pd.DataFrame", unmade: "pd.DataFrame") -> "pd.DataFrame":
    """Each request, and each product and shot that has its place without one.

    It cannot be asked for now, since its prompt cannot be rendered or an override says `skip`; its
    fingerprint is empty.

    Args:
        identities: of all rows of a requests table, in the columns of `RequestIdentity`.
        unmade: those rows of it that have no request.
    """
    return _keep(identities, (unmade["error"] != "") | (unmade["skipped"] == "skip"))


def select_wanted(identities: "pd.DataFrame", unmade: "pd.DataFrame") -> "pd.DataFrame":
    """Each product and shot that is to have a picture; arguments as of `select_places`."""
    return _keep(identities, unmade["skipped"] == "")


def _keep(identities: "pd.DataFrame", chosen: "pd.Series[bool]") -> "pd.DataFrame":
    """The requests, and those rows without one that are chosen of them."""
    is_kept = (identities["fingerprint"] != "").to_numpy(bool, copy=True)
    is_kept[~is_kept] = chosen
    return select(identities, is_kept)


class Doubted(NamedTuple):
    """A request whose photo is doubted, and why; its fingerprint is empty where none was made."""

    identity: RequestIdentity
    doubt: str


def read_doubted(table: StoredTable) -> list[Doubted]:
    """Those of a requests table; an older release's has none."""
    if "doubt" not in table.column_names() or table.all_begin("doubt", ""):
        return []
    names = (*RequestIdentity._fields, "doubt")
    found: list[Doubted] = []
    for part in table.read_some(names, 1):
        rows = part.to_pandas()
        doubted = read_rows(rows[rows["doubt"] != ""], names)
        found += [Doubted(RequestIdentity(*row[:3]), row[3]) for row in doubted]
    return found
