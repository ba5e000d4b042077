"""The table of image requests, of which only that is rendered which may have changed.

A request follows from its product's row, the shots file and this package's code: its origin. Where
the last table has a row of the same origin, that row is taken over. What follows from anything
else too, an override, a photo or a former id, has no origin there and is rendered every time.
"""

import hashlib
import json
import logging
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from flux_assets.bill.ledger import Ledger
from flux_assets.catalog.tables import read_products
from flux_assets.errors import ObjectNotFoundError, PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.photos.search import Accepts
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.requests import Shot, Skipped
from flux_assets.prompts.requests_table import REQUESTS_COLUMNS, REQUESTS_KEY, build_requests_table
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import NO_TABLE, StoredTable, merge_rows, write_parquet

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

DECIDING_MODULES = (
    "catalog/photo_cells",
    "catalog/product",
    "catalog/tables",
    "image_api/parameters",
    "image_api/request",
    "prompts/former_ids",
    "prompts/phrases",
    "prompts/quotation_marks",
    "prompts/rendering",
    "prompts/requests",
    "prompts/requests_table",
    "prompts/sentences",
    "prompts/shots",
    "prompts/shots_schema",
    "prompts/taxonomy",
    "prompts/template_environment",
    "prompts/templates",
    "prompts/text_growth",
    "prompts/wording",
    "prompts/yaml_outline",
)
"""What turns a product's row and the shots file into a request; overrides have no origin."""

DECIDING_DATA = ("prompts/taxonomy.yaml", "prompts/wording.yaml")
"""What those modules read."""

_PACKAGE = Path(__file__).parents[1]
_NO_ORIGIN = ""
_IDENTITY = ("product_id", "shot", "origin")

_log = logging.getLogger(__name__)


def refresh_requests_table(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: "pd.DataFrame",
    shots: ShotsFile,
    overrides: OverridesFile,
    accepts: Accepts = "nothing",
) -> StoredTable:
    """One row per product and shot, in their order, as `render_requests` gives them all.

    Args:
        settings: of this environment.
        store: the shop's; has the last table.
        ledger: of the same store, for the pins.
        products: the table of products.
        shots: wanted of each.
        overrides: one product's wishes.
        accepts: as for `render_requests`.

    Raises:
        StoreError: the store cannot be read or written.
    """
    import numpy as np

    overridden = {product_id for product_id, _ in overrides.overrides}
    overridden |= set(products.loc[products["former_ids"] != "[]", "product_id"])
    origins = {
        product_id: _NO_ORIGIN if product_id in overridden else origin
        for product_id, origin in _find_origins(products, shots)
    }
    usable = set(origins.values()) - {_NO_ORIGIN}
    render = partial(render_requests, settings, store, ledger, overrides=overrides, accepts=accepts)
    last, known = _read_last(store)
    while True:
        kept = [number for number, (_, _, origin) in enumerate(known) if origin in usable]
        rows = [known[number] for number in kept]
        added = _render_missing(render, products, shots.shots, origins, rows)
        rows += read_rows(added, _IDENTITY)
        numbers = np.array([*kept, *range(len(known), len(known) + len(added))], int)
        places = numbers[_order(rows, origins, shots.shots)]
        if last and np.array_equal(places, range(len(known))):
            return last
        try:
            return merge_rows(last or StoredTable(write_parquet(added[:0])), added, places)
        except NO_TABLE as error:
            if last is None:
                raise
            _log_damage(store, error)
            last, known = None, []


def _render_missing(
    render: Callable[..., Iterable[ImageRequest | Skipped | PromptError]],
    products: "pd.DataFrame",
    shots: Sequence[Shot],
    origins: Mapping[str, str],
    rows: Iterable[tuple[str, str, str]],
) -> "pd.DataFrame":
    """The requests that these rows of a table are not of, without an order."""
    import pandas as pd

    parts = [build_requests_table([]).assign(origin=_NO_ORIGIN)]
    for names, product_ids in _find_missing(origins, shots, rows).items():
        lacking = [shot for shot in shots if shot.name in names]
        chosen = products[products["product_id"].isin(product_ids)]
        table = build_requests_table(render(products=list(read_products(chosen)), shots=lacking))
        parts.append(table.assign(origin=_name_origins(table, lacking, origins)))
    return pd.concat(parts, ignore_index=True)


def _find_origins(products: "pd.DataFrame", shots: ShotsFile) -> Iterator[tuple[str, str]]:
    """Each product's id and origin; where in the file its row stands makes no difference."""
    rules = json.dumps([shots.sha256, _code_sha256(), version("jinja2"), sys.version])
    names = [name for name in products.columns if name != "line"]
    ids = products["product_id"].tolist()
    for product_id, row in zip(ids, read_rows(products, names), strict=True):
        yield product_id, hashlib.sha256(f"{rules}{json.dumps(row)}".encode()).hexdigest()[:32]


@cache
def _code_sha256() -> str:
    """Of the modules that a request follows from: where one changes, all is rendered again."""
    code = hashlib.sha256()
    for name in (*(f"{module}.py" for module in DECIDING_MODULES), *DECIDING_DATA):
        code.update((_PACKAGE / name).read_bytes())
    return code.hexdigest()


def _read_last(store: ObjectStore) -> tuple[StoredTable | None, list[tuple[str, str, str]]]:
    """The last table, if this release wrote its columns, and the identity of its rows."""
    try:
        last = StoredTable(store.get(REQUESTS_KEY).data)
        if {"origin", *REQUESTS_COLUMNS} <= set(last.column_names()):
            return last, list(read_rows(last.read(_IDENTITY), _IDENTITY))
    except ObjectNotFoundError:
        pass
    except NO_TABLE as error:
        _log_damage(store, error)
    return None, []


def _log_damage(store: ObjectStore, error: Exception) -> None:
    _log.warning("%s is damaged, and built anew: %s", store.uri_for(REQUESTS_KEY), error)


def _find_missing(
    origins: Mapping[str, str], shots: Sequence[Shot], rows: Iterable[tuple[str, str, str]]
) -> Mapping[tuple[str, ...], list[str]]:
    """The products that lack a row, by the names of the shots that they lack it of."""
    has: defaultdict[str, list[str]] = defaultdict(list)
    for product_id, shot, _ in rows:
        has[product_id].append(shot)
    names = [shot.name for shot in shots]
    lacking: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for product_id in origins:
        if len(has[product_id]) < len(names):
            lacking[tuple(it for it in names if it not in has[product_id])].append(product_id)
    return lacking


def _name_origins(
    table: "pd.DataFrame", shots: Sequence[Shot], origins: Mapping[str, str]
) -> list[str]:
    """Each row's origin; none where a photo was looked at, as one that is edited always is."""
    edits = {shot.name for shot in shots if shot.mode == "edit"}
    return [
        _NO_ORIGIN if shot in edits and skipped != "only_if" else origins[product_id]
        for product_id, shot, skipped in read_rows(table, ("product_id", "shot", "skipped"))
    ]


def _order(
    rows: Iterable[tuple[str, str, str]], origins: Mapping[str, str], shots: Sequence[Shot]
) -> list[int]:
    """The places of the rows in the order of the products, and of the shots within each."""
    products = {product_id: place * len(shots) for place, product_id in enumerate(origins)}
    within = {shot.name: place for place, shot in enumerate(shots)}
    places = [products[product_id] + within[shot] for product_id, shot, _ in rows]
    return sorted(range(len(places)), key=places.__getitem__)
