"""The tables between assets: rows of text and numbers, as data frames."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from operator import attrgetter
from typing import TYPE_CHECKING

from flux_assets.catalog.product import Product, RejectedRow
from flux_assets.errors import PromptError
from flux_assets.frames import build_frame, read_rows
from flux_assets.image_request import ImageRequest
from flux_assets.plan import Plan, PlanRow, RequestIdentity
from flux_assets.prompts import Skipped
from flux_assets.store.object_store import table_key

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
_PRODUCT_FIELDS = tuple(field.name for field in fields(Product) if field.name != "columns")


def build_products_table(products: Iterable[Product]) -> "pd.DataFrame":
    """One row per product; `columns` as JSON."""
    values_of = attrgetter(*_PRODUCT_FIELDS)
    rows = ((*values_of(product), json.dumps(product.columns)) for product in products)
    return build_frame(rows, (*_PRODUCT_FIELDS, "columns"), numbers={"line"})


def read_products(table: "pd.DataFrame") -> Iterator[Product]:
    """The products of a table that `build_products_table` built, in its order."""
    for *values, columns in read_rows(table, (*_PRODUCT_FIELDS, "columns")):
        fields_given = dict(zip(_PRODUCT_FIELDS, values, strict=True))
        yield Product(**fields_given, columns=json.loads(columns))


def read_categories(table: "pd.DataFrame") -> dict[str, str]:
    """Each product's category."""
    return dict(read_rows(table, ("product_id", "category")))


def build_rejected_rows_table(rejected_rows: Iterable[RejectedRow]) -> "pd.DataFrame":
    """One row per rejected row."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    return pd.DataFrame(
        [asdict(row) for row in rejected_rows],
        columns=[field.name for field in fields(RejectedRow)],
    )


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


def build_plan_table(plan: Plan) -> "pd.DataFrame":
    """One row per request: its identity and standing."""
    return build_frame(plan.rows, PlanRow._fields, numbers=())


def read_plan_rows(table: "pd.DataFrame") -> Iterator[PlanRow]:
    """The rows of a table that `build_plan_table` built, in its order."""
    return map(PlanRow._make, read_rows(table, PlanRow._fields))
