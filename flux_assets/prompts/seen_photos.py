"""Which photos the requests of a table were made from, and whether they are the same ones now.

Beside a request stand the addresses that were looked at, and a digest of what was found there.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from flux_assets.catalog.product import Product
from flux_assets.image_api.request import SourcePhoto
from flux_assets.pictures.photos.photo import Photo, doubt_of
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.rendering import PhotosFound
from flux_assets.prompts.requests import Shot, find_photo_addresses
from flux_assets.storage.frames import build_frame, is_in, read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd

SEEN_COLUMNS = ("photo_addresses", "photo_found")
"""Of a table of requests; both are empty where no photo was looked at."""


def note_seen(
    table: "pd.DataFrame",
    products: Iterable[Product],
    shots: Sequence[Shot],
    overrides: OverridesFile,
    photos: PhotosFound,
) -> "pd.DataFrame":
    """The requests of these products and shots, with what was seen of photos beside each."""
    edits = [shot for shot in shots if shot.mode == "edit"]
    seen = {}
    for product in products if edits else ():
        for shot in edits:
            override = overrides.find(product.product_id, shot.name)
            if addresses := find_photo_addresses(shot, product, override):
                found = json.dumps(addresses), _digest(photos[addresses])
                seen[product.product_id, shot.name] = found
    places = read_rows(table, ("product_id", "shot"))
    noted = build_frame((seen.get(it, ("", "")) for it in places), SEEN_COLUMNS, numbers=())
    return table.assign(**{name: noted[name] for name in SEEN_COLUMNS})


def read_seen(
    table: StoredTable, known: "pd.DataFrame", shots: Sequence[Shot], current: "np.ndarray"
) -> "pd.DataFrame":
    """What the current rows of the last table saw, by their numbers; none that looked at no photo.

    Args:
        table: the last one.
        known: its column `shot`, at least.
        shots: of now.
        current: which of its rows are, if their photos are the same.
    """
    import numpy as np

    edits = {shot.name for shot in shots if shot.mode == "edit"}
    numbers = np.flatnonzero(is_in(known["shot"], edits))
    seen = table.read(SEEN_COLUMNS, where=("shot", edits)).set_axis(numbers)
    return seen[current[numbers] & (seen["photo_addresses"] != "")]


def list_addresses(seen: "pd.DataFrame") -> Iterator[tuple[str, ...]]:
    """Each group of addresses that was looked at."""
    return map(_parse, seen["photo_addresses"].unique())


def find_others(seen: "pd.DataFrame", photos: PhotosFound) -> "np.ndarray":
    """The numbers of the rows for which there is something else now."""
    groups = seen["photo_addresses"].unique()
    found = {group: _digest(photos[_parse(group)]) for group in groups}
    is_other = seen["photo_found"] != seen["photo_addresses"].map(found)
    return seen.index[is_other].to_numpy()


def _parse(addresses: str) -> tuple[str, ...]:
    return tuple(json.loads(addresses))


def _digest(photo: Photo) -> str:
    """Of all that a request follows from."""
    what = [photo.uri, photo.sha256] if isinstance(photo, SourcePhoto) else [str(photo)]
    text = json.dumps([type(photo).__name__, *what, doubt_of(photo)])
    return hashlib.sha256(text.encode()).hexdigest()[:32]
