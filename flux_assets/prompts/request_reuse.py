"""The table of image requests, of which only that is rendered which may have changed.

Where the last table has a row of the same origin, and the same photo if it is made from one, that
row is taken over. What follows from anything else too, an override or a former id, has no origin
there and is rendered every time.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from flux_assets.bill.ledger import Ledger
from flux_assets.errors import ObjectNotFoundError
from flux_assets.pictures.photos.search import Accepts
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.rendering import PhotosFound, find_photos, render_requests
from flux_assets.prompts.request_groups import (
    Render,
    WordRequests,
    build_group,
    build_no_group,
    requests_schema,
)
from flux_assets.prompts.request_origins import RequestSources
from flux_assets.prompts.requests import Shot
from flux_assets.prompts.requests_table import REQUESTS_COLUMNS, REQUESTS_KEY
from flux_assets.prompts.seen_photos import (
    SEEN_COLUMNS,
    find_others,
    list_addresses,
    read_seen,
)
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.frames import is_in
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable, open_table, write_parquet
from flux_assets.storage.parquet_file import write_row_groups
from flux_assets.storage.processes import map_in_processes
from flux_assets.storage.table_merge import merge_rows
from flux_assets.storage.table_parts import TableFolder

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_FindPhotos = Callable[[Iterable[tuple[str, ...]]], PhotosFound]

_IDENTITY = ("product_id", "shot", "origin")
_NOTE = "made_from"
_PRODUCTS_AT_ONCE = 2_500

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
        accepts: as for `find_photos`.
        keeps: whether it is to be kept; else it is only looked at, and nothing is written.

    Raises:
        StoreError: the store cannot be read or written.
    """
    sources = RequestSources(products, shots, overrides)
    render = partial(render_requests, settings, store, ledger, overrides=overrides)
    find = partial(find_photos, settings, store, accepts=accepts)
    in_parts = settings.partition_by == "bucket"
    folder = TableFolder(store, REQUESTS_KEY, None if keeps else {}) if in_parts else None
    return _refresh(_read_last(store), sources, find, render, folder)


def _refresh(
    last: StoredTable | None,
    sources: RequestSources,
    find: _FindPhotos,
    render: Render,
    folder: TableFolder | None,
) -> StoredTable:
    import numpy as np
    import pandas as pd

    table = last or StoredTable(write_parquet(build_no_group()))
    known = table.read(_IDENTITY)
    current = sources.are_current(known, table.read_notes().get(_NOTE)).to_numpy(bool, copy=True)
    seen = read_seen(table, known, sources.shots, current)
    # All at once, and once: what many addresses give in a photo's place is told by all of them.
    photos = find(chain(list_addresses(seen), sources.list_photo_addresses(known[current])))
    current[find_others(seen, photos)] = False
    kept = np.flatnonzero(current)
    added = _render_missing(render, sources, known.iloc[kept], photos)
    rows = pd.concat([known.iloc[kept], added.read(_IDENTITY)])
    numbers = np.concatenate([kept, np.arange(len(known), len(known) + len(rows) - len(kept))])
    places = numbers[sources.order(rows)]
    notes = {_NOTE: sources.digest}
    is_same = np.array_equal(places, np.arange(len(known))) and notes == table.read_notes()
    if last and is_same and last.is_in_parts == (folder is not None):
        return last
    return merge_rows(table, added, places, notes=notes, folder=folder)


def _render_missing(
    render: Render, sources: RequestSources, rows: "pd.DataFrame", photos: PhotosFound
) -> StoredTable:
    """The requests that these rows of a table are not of, without an order.

    They are packed as soon as they are made: those of a million products take gigabytes.
    """
    of_words = map_in_processes(WordRequests(sources.origins), _cut_words(sources, rows))
    asked = _render_others(partial(render, photos=photos), sources, rows, photos)
    return StoredTable(write_row_groups(chain(of_words, asked), requests_schema()))


def _cut_words(
    sources: RequestSources, rows: "pd.DataFrame"
) -> "Iterator[tuple[Sequence[Shot], pd.DataFrame]]":
    """As many products at a time, however few of them a group or a bucket has."""
    import pandas as pd

    waiting: dict[tuple[str, ...], tuple[Sequence[Shot], pd.DataFrame]] = {}
    for lacking, products in sources.find_missing(rows, of_words=True):
        names = tuple(shot.name for shot in lacking)
        table = pd.concat([waiting.pop(names)[1], products]) if names in waiting else products
        for start in range(0, len(table), _PRODUCTS_AT_ONCE):
            some = table.iloc[start : start + _PRODUCTS_AT_ONCE].copy()
            if len(some) == _PRODUCTS_AT_ONCE:
                yield lacking, some
            else:
                waiting[names] = lacking, some
    yield from waiting.values()


def _render_others(
    render: Render, sources: RequestSources, rows: "pd.DataFrame", photos: PhotosFound
) -> "Iterator[pa.Table]":
    """Some thousand at a time; last, at once, those that the store must be asked about."""
    import pandas as pd

    asked: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    build = partial(
        build_group, render, sources.origins, overrides=sources.overrides, photos=photos
    )
    for lacking, products in sources.find_missing(rows, of_words=False):
        is_plain = ~is_in(products["product_id"], sources.origins.overridden)
        if is_plain.any():
            yield build(lacking, products[is_plain])
        if not is_plain.all():
            names = tuple(shot.name for shot in lacking)
            asked.setdefault(names, []).append(products[~is_plain])
    for names, groups in asked.items():
        shots = [shot for shot in sources.shots if shot.name in names]
        yield build(shots, pd.concat(groups))


def _read_last(store: ObjectStore) -> StoredTable | None:
    """The last table, if this release wrote its columns and none of it is damaged."""
    try:
        last = open_table(store, REQUESTS_KEY)
    except ObjectNotFoundError:
        return None
    if not last.is_whole():  # what is taken over unread, a later step would stumble over
        _log.warning("%s is damaged, and built anew", store.uri_for(REQUESTS_KEY))
        return None
    return (
        last if {"origin", *SEEN_COLUMNS, *REQUESTS_COLUMNS} <= set(last.column_names()) else None
    )
