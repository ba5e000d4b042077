"""Tables of the requests of some products, with their origins and what was seen of photos."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from flux_assets.catalog.tables import read_products
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.prompts.overrides import NO_OVERRIDES, OverridesFile
from flux_assets.prompts.rendering import PhotosFound
from flux_assets.prompts.request_origins import NO_ORIGIN, Origins
from flux_assets.prompts.requests import Shot, Skipped, build_requests
from flux_assets.prompts.requests_table import build_requests_table
from flux_assets.prompts.seen_photos import note_seen

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

Render = Callable[..., Iterable[ImageRequest | Skipped | PromptError]]
"""Gives the requests of `products` and `shots`."""


@dataclass(frozen=True, slots=True)
class WordRequests:
    """Builds those that follow from products' words alone; no store is asked, in any process."""

    origins: Origins

    def __call__(self, group: "tuple[Sequence[Shot], pd.DataFrame]") -> "pa.Table":
        """Of some shots and a table of products, none of which has an override."""
        return build_group(build_requests, self.origins, *group)


def build_group(
    render: Render,
    origins: Origins,
    shots: Sequence[Shot],
    table: "pd.DataFrame",
    *,
    overrides: OverridesFile = NO_OVERRIDES,
    photos: PhotosFound | None = None,
) -> "pa.Table":
    """The requests of each product of a table and of some shots.

    Args:
        render: renders them.
        origins: of all products.
        shots: wanted of each.
        table: of the products.
        overrides: one product's wishes.
        photos: what was found of all that these shots edit.
    """
    import pyarrow as pa

    products = list(read_products(table))
    made = build_requests_table(render(products=products, shots=shots))
    found = dict(origins.find(table))
    made = made.assign(origin=[found[it] for it in made["product_id"]])
    noted = note_seen(made, products, shots, overrides, photos or {})
    return pa.Table.from_pandas(noted, requests_schema(), preserve_index=False)


def build_no_group() -> "pd.DataFrame":
    """A table without a row."""
    table = build_requests_table([]).assign(origin=NO_ORIGIN)
    return note_seen(table, [], [], NO_OVERRIDES, {})


@cache
def requests_schema() -> "pa.Schema":
    """The columns of every group."""
    import pyarrow as pa

    return pa.Schema.from_pandas(build_no_group(), preserve_index=False)
