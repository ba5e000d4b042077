"""The table of image requests, of which only that is rendered which may have changed.

A request follows from its product's row, the shots file and this package's code: its origin. Where
the last table has a row of the same origin, that row is taken over. What follows from anything
else too, an override or a photo, has no origin there and is rendered every time.
"""

import hashlib
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from flux_assets.errors import ObjectNotFoundError
from flux_assets.ledger import Ledger
from flux_assets.overrides import OverridesFile
from flux_assets.parquet import NO_TABLE, iterate_rows, read_parquet
from flux_assets.prompts import Shot
from flux_assets.rendering import render_requests
from flux_assets.settings import Settings
from flux_assets.shots import ShotsFile
from flux_assets.store.object_store import ObjectStore
from flux_assets.tables import REQUESTS_KEY, build_requests_table, read_products

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd

_NO_ORIGIN = ""

_log = logging.getLogger(__name__)


def refresh_requests_table(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: "pd.DataFrame",
    shots: ShotsFile,
    overrides: OverridesFile,
) -> "pd.DataFrame":
    """One row per product and shot, in their order, as `render_requests` gives them all.

    Args:
        settings: of this environment.
        store: the shop's; has the last table.
        ledger: of the same store, for the pins.
        products: the table of products.
        shots: wanted of each.
        overrides: one product's wishes.

    Raises:
        StoreError: the store cannot be read or written.
    """
    import pandas as pd  # noqa: PLC0415 - slow to import

    overridden = {product_id for product_id, _ in overrides.overrides}
    origins = {
        product_id: _NO_ORIGIN if product_id in overridden else origin
        for product_id, origin in _find_origins(products, shots)
    }
    parts = list(_take_over(store, origins))
    for names, rows in _find_missing(products, shots.shots, parts).items():
        missing = [shot for shot in shots.shots if shot.name in names]
        rendered = render_requests(
            settings,
            store,
            ledger,
            products=list(read_products(products.iloc[rows])),
            shots=missing,
            overrides=overrides,
        )
        table = build_requests_table(rendered)
        parts.append(table.assign(origin=_name_origins(table, missing, origins)))
    return _order(pd.concat(parts, ignore_index=True), origins, shots.shots)


def _find_origins(products: "pd.DataFrame", shots: ShotsFile) -> Iterator[tuple[str, str]]:
    """Each product's id and origin; where in the file its row stands makes no difference."""
    rules = json.dumps([shots.sha256, _code_sha256(), version("jinja2")])
    names = [name for name in products.columns if name != "line"]
    ids = products["product_id"].tolist()
    for product_id, row in zip(ids, iterate_rows(products, names), strict=True):
        yield product_id, hashlib.sha256(f"{rules}{json.dumps(row)}".encode()).hexdigest()[:32]


def _code_sha256() -> str:
    """Of all modules beside this one: a release, or a change by hand, renders everything again."""
    code = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        code.update(path.read_bytes())
    return code.hexdigest()


def _take_over(store: ObjectStore, origins: Mapping[str, str]) -> Iterator["pd.DataFrame"]:
    """The rows of the last table whose origin is still there, if there are any."""
    try:
        last = read_parquet(store.get(REQUESTS_KEY).data)
    except ObjectNotFoundError:
        return
    except NO_TABLE as error:
        _log.warning("%s is damaged, and built anew: %s", store.uri_for(REQUESTS_KEY), error)
        return
    if "origin" in last.columns:
        kept = last["origin"].isin(set(origins.values()) - {_NO_ORIGIN})
        if kept.any():
            yield last if kept.all() else last[kept]


def _find_missing(
    products: "pd.DataFrame", shots: Sequence[Shot], parts: Sequence["pd.DataFrame"]
) -> Mapping[tuple[str, ...], list[int]]:
    """The places of the products that lack a row, by the names of the shots they lack it of."""
    has: defaultdict[str, list[str]] = defaultdict(list)
    for part in parts:
        for product_id, shot in iterate_rows(part, ("product_id", "shot")):
            has[product_id].append(shot)
    names = [shot.name for shot in shots]
    lacking: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, product_id in enumerate(products["product_id"].tolist()):
        if len(has[product_id]) < len(names):
            lacking[tuple(it for it in names if it not in has[product_id])].append(place)
    return lacking


def _name_origins(
    table: "pd.DataFrame", shots: Sequence[Shot], origins: Mapping[str, str]
) -> list[str]:
    """Each row's origin; none where a photo was looked at, as one that is edited always is."""
    edits = {shot.name for shot in shots if shot.mode == "edit"}
    return [
        _NO_ORIGIN if shot in edits and skipped != "only_if" else origins[product_id]
        for product_id, shot, skipped in iterate_rows(table, ("product_id", "shot", "skipped"))
    ]


def _order(
    table: "pd.DataFrame", origins: Mapping[str, str], shots: Sequence[Shot]
) -> "pd.DataFrame":
    products = {product_id: place * len(shots) for place, product_id in enumerate(origins)}
    within = {shot.name: place for place, shot in enumerate(shots)}
    places = [
        products[product_id] + within[shot]
        for product_id, shot in iterate_rows(table, ("product_id", "shot"))
    ]
    order = sorted(range(len(places)), key=places.__getitem__)
    return table if order == list(range(len(places))) else table.iloc[order].reset_index(drop=True)
