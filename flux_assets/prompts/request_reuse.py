"""The table of image requests, of which only that is rendered which may have changed.

A request follows from its product's row, the shots file and this package's code: its origin. Where
the last table has a row of the same origin, that row is taken over. What follows from anything
else too, an override, a photo or a former id, has no origin there and is rendered every time.
"""

import hashlib
import json
import logging
import sys
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
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import write_row_groups
from flux_assets.storage.table_merge import merge_rows
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
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
_NOTE = "made_from"

_log = logging.getLogger(__name__)


def refresh_requests_table(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: StoredTable,
    shots: ShotsFile,
    overrides: OverridesFile,
    accepts: Accepts = "nothing",
    keeps: bool = True,
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
        keeps: whether it is to be kept; else it is only looked at, and nothing is written.

    Raises:
        StoreError: the store cannot be read or written.
    """
    sources = _Sources(products, shots, overrides)
    render = partial(render_requests, settings, store, ledger, overrides=overrides, accepts=accepts)
    in_parts = settings.partition_by == "bucket"
    folder = TableFolder(store, REQUESTS_KEY, None if keeps else {}) if in_parts else None
    return _refresh(_read_last(store), sources, render, folder)


def _refresh(
    last: StoredTable | None,
    sources: "_Sources",
    render: Callable[..., Iterable[ImageRequest | Skipped | PromptError]],
    folder: TableFolder | None,
) -> StoredTable:
    import numpy as np
    import pandas as pd

    table = last or StoredTable(write_parquet(_no_rows()))
    known = table.read(_IDENTITY)
    kept = np.flatnonzero(sources.are_current(known, table.read_notes().get(_NOTE)))
    added = _render_missing(render, sources, known.iloc[kept])
    rows = pd.concat([known.iloc[kept], added.read(_IDENTITY)])
    numbers = np.concatenate([kept, np.arange(len(known), len(known) + len(rows) - len(kept))])
    places = numbers[sources.order(rows)]
    notes = {_NOTE: sources.digest}
    is_same = np.array_equal(places, np.arange(len(known))) and notes == table.read_notes()
    if last and is_same and last.is_in_parts == (folder is not None):
        return last
    return merge_rows(table, added, places, notes=notes, folder=folder)


def _no_rows() -> "pd.DataFrame":
    return build_requests_table([]).assign(origin=_NO_ORIGIN)


class _Sources:
    """What all requests follow from, and the origin of each product's.

    `digest` is of all of it but for the overrides. `overridden` are the products that have none,
    since what they ask for follows from an override, or from what was bought under a former id.
    """

    def __init__(self, products: StoredTable, shots: ShotsFile, overrides: OverridesFile) -> None:
        self.shots = shots.shots
        self._products = products
        self._rules = json.dumps([shots.sha256, _code_sha256(), version("jinja2"), sys.version])
        self.digest = hashlib.sha256(self._rules.encode() + products.data).hexdigest()
        ids = products.read(("product_id", "former_ids"))
        self.product_ids = ids["product_id"]
        self.overridden = {product_id for product_id, _ in overrides.overrides}
        self.overridden |= set(ids.loc[ids["former_ids"] != "[]", "product_id"])

    def are_current(self, known: "pd.DataFrame", digest: str | None) -> "pd.Series[bool]":
        """Which rows of the last table are as they would be rendered now.

        Args:
            known: their identities.
            digest: of what that table was made from, which proves that no origin has changed.
        """
        current = (known["origin"] != _NO_ORIGIN) & ~is_in(known["product_id"], self.overridden)
        if digest != self.digest:
            parts = (group.to_pandas() for group in self._products.read_groups())
            origins = [origin for part in parts for _, origin in self.find_origins(part)]
            current &= is_in(known["origin"], origins)
        return current

    def find_origins(self, products: "pd.DataFrame") -> Iterator[tuple[str, str]]:
        """Each one's id and origin; where in the file its row stands makes no difference."""
        names = [name for name in products.columns if name != "line"]
        ids = products["product_id"].tolist()
        for product_id, row in zip(ids, read_rows(products, names), strict=True):
            if product_id in self.overridden:
                yield product_id, _NO_ORIGIN
            else:
                digest = hashlib.sha256(f"{self._rules}{json.dumps(row)}".encode())
                yield product_id, digest.hexdigest()[:32]

    def find_missing(self, rows: "pd.DataFrame") -> "Iterator[tuple[list[Shot], pd.DataFrame]]":
        """Some thousand products at a time that lack rows of some shots, and these shots."""
        import numpy as np

        lacks = np.zeros(len(self.product_ids), int)
        for place, shot in enumerate(self.shots):
            has = is_in(self.product_ids, rows.loc[rows["shot"] == shot.name, "product_id"])
            lacks[~has] |= 1 << place
        columns, start = self._products.column_names(), 0
        for group, count in enumerate(self._products.count_groups()):
            codes = lacks[start : start + count]
            start += count
            if codes.any():
                products = self._products.read_group(group, columns).to_pandas()
                for code in np.unique(codes[codes > 0]).tolist():
                    lacking = [shot for place, shot in enumerate(self.shots) if code >> place & 1]
                    yield lacking, products[codes == code]

    def order(self, rows: "pd.DataFrame") -> "np.ndarray":
        """The places of the rows in the order of the products, and of the shots within each."""
        import numpy as np
        import pandas as pd

        products = pd.Index(self.product_ids).get_indexer(pd.Index(rows["product_id"]))
        shots = pd.Index([shot.name for shot in self.shots]).get_indexer(pd.Index(rows["shot"]))
        return np.argsort(products * len(self.shots) + shots, kind="stable")


def _render_missing(
    render: Callable[..., Iterable[ImageRequest | Skipped | PromptError]],
    sources: _Sources,
    rows: "pd.DataFrame",
) -> StoredTable:
    """The requests that these rows of a table are not of, without an order.

    They are packed as soon as they are made: those of a million products take gigabytes.
    """
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    schema = pa.Schema.from_pandas(_no_rows(), preserve_index=False)
    tables = (
        pa.Table.from_pandas(table, schema, preserve_index=False)
        for table in _render_groups(render, sources, rows)
    )
    return StoredTable(write_row_groups(tables, schema))


def _render_groups(
    render: Callable[..., Iterable[ImageRequest | Skipped | PromptError]],
    sources: _Sources,
    rows: "pd.DataFrame",
) -> "Iterator[pd.DataFrame]":
    """Some thousand at a time; last, at once, those that the store must be asked about."""
    import pandas as pd

    asked: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for lacking, products in sources.find_missing(rows):
        words = [shot for shot in lacking if shot.mode != "edit"]
        edits = [shot for shot in lacking if shot.mode == "edit"]
        is_plain = ~is_in(products["product_id"], sources.overridden)
        if words and is_plain.any():
            yield _build_group(render, sources, words, products[is_plain])
        for shots, chosen in ((words, products[~is_plain]), (edits, products)):
            if shots and len(chosen):
                asked.setdefault(tuple(shot.name for shot in shots), []).append(chosen)
    for names, groups in asked.items():
        shots = [shot for shot in sources.shots if shot.name in names]
        yield _build_group(render, sources, shots, pd.concat(groups))


def _build_group(
    render: Callable[..., Iterable[ImageRequest | Skipped | PromptError]],
    sources: _Sources,
    shots: Sequence[Shot],
    products: "pd.DataFrame",
) -> "pd.DataFrame":
    table = build_requests_table(render(products=list(read_products(products)), shots=shots))
    origins = dict(sources.find_origins(products))
    return table.assign(origin=_name_origins(table, shots, origins))


@cache
def _code_sha256() -> str:
    """Of the modules that a request follows from: where one changes, all is rendered again."""
    code = hashlib.sha256()
    for name in (*(f"{module}.py" for module in DECIDING_MODULES), *DECIDING_DATA):
        code.update((_PACKAGE / name).read_bytes())
    return code.hexdigest()


def _read_last(store: ObjectStore) -> StoredTable | None:
    """The last table, if this release wrote its columns and none of it is damaged."""
    try:
        last = open_table(store, REQUESTS_KEY)
    except ObjectNotFoundError:
        return None
    if not last.is_whole():  # what is taken over unread, a later step would stumble over
        _log.warning("%s is damaged, and built anew", store.uri_for(REQUESTS_KEY))
        return None
    return last if {"origin", *REQUESTS_COLUMNS} <= set(last.column_names()) else None


def _name_origins(
    table: "pd.DataFrame", shots: Sequence[Shot], origins: Mapping[str, str]
) -> list[str]:
    """Each row's origin; none where a photo was looked at, as one that is edited always is."""
    edits = {shot.name for shot in shots if shot.mode == "edit"}
    return [
        _NO_ORIGIN if shot in edits and skipped != "only_if" else origins[product_id]
        for product_id, shot, skipped in read_rows(table, ("product_id", "shot", "skipped"))
    ]
