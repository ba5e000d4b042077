"""The tables between assets: rows of text and numbers, as data frames."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from itertools import islice
from typing import TYPE_CHECKING

from flux_assets.catalog.product import Product, RejectedRow
from flux_assets.errors import PromptError
from flux_assets.image_request import ImageRequest
from flux_assets.parquet import iterate_rows
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
_ROWS_AT_ONCE = 20_000
"""How many rows are plain Python values at a time: as such they take several times the memory."""

_REQUEST_COLUMNS = (*_REQUEST_FIELDS, "prompt_characters", "error", "skipped")


def build_products_table(products: Iterable[Product]) -> "pd.DataFrame":
    """One row per product; `columns` as JSON."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    names = [field.name for field in fields(Product)]
    rows = [
        [
            json.dumps(value) if name == "columns" else value
            for name, value in ((name, getattr(product, name)) for name in names)
        ]
        for product in products
    ]
    return pd.DataFrame(rows, columns=names)


def read_products(table: "pd.DataFrame") -> Iterator[Product]:
    """The products of a table that `build_products_table` built, in its order."""
    names = list(table.columns)
    for row in iterate_rows(table, names):
        values = dict(zip(names, row, strict=True))
        values["columns"] = json.loads(values["columns"])
        yield Product(**values)


def read_categories(table: "pd.DataFrame") -> dict[str, str]:
    """Each product's category."""
    return dict(iterate_rows(table, ("product_id", "category")))


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
    import pandas as pd  # noqa: PLC0415 - slow to import

    rows = map(_build_request_row, requests)
    names = list(_REQUEST_COLUMNS)
    parts = []
    while part := list(islice(rows, _ROWS_AT_ONCE)):
        parts.append(pd.DataFrame(part, columns=names))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)


def _build_request_row(request: ImageRequest | Skipped | PromptError) -> tuple[object, ...]:
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
    for row in iterate_rows(table[table["fingerprint"] != ""], _REQUEST_FIELDS):
        values = dict(zip(_REQUEST_FIELDS, row, strict=True))
        values["prompt_object"] = json.loads(values["prompt_object"])
        yield ImageRequest.from_json(values)


def read_identities(table: "pd.DataFrame") -> list[RequestIdentity]:
    """What identifies each request of a requests table, or of these columns, in its order."""
    rows = iterate_rows(table, RequestIdentity._fields)
    return [row for row in map(RequestIdentity._make, rows) if row.fingerprint]


def read_without_request(table: "pd.DataFrame") -> list[RequestIdentity]:
    """Each product and shot of a requests table that cannot be asked for now, but has its place.

    Its prompt cannot be rendered, or an override says `skip`; the fingerprint is empty.
    """
    rows = table[(table["error"] != "") | (table["skipped"] == "skip")]
    owners = iterate_rows(rows, ("product_id", "shot"))
    return [RequestIdentity(product_id, shot, "") for product_id, shot in owners]


def build_plan_table(plan: Plan) -> "pd.DataFrame":
    """One row per request: its identity and standing."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    return pd.DataFrame(plan.rows, columns=list(PlanRow._fields))


def read_plan_rows(table: "pd.DataFrame") -> Iterator[PlanRow]:
    """The rows of a table that `build_plan_table` built, in its order."""
    return map(PlanRow._make, iterate_rows(table, PlanRow._fields))
