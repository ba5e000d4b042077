"""What the public is shown of single products, and what was decided of their pictures."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from flux_assets.publishing.decisions import Decisions, read_decisions
from flux_assets.publishing.edition import Showing
from flux_assets.publishing.editions import list_newest, open_edition
from flux_assets.publishing.rendition_table import COLUMNS, RenditionRow, open_renditions
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet_file import NO_TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedProducts:
    """Where some products stand in publishing.

    `editions` has the number of each channel's newest edition; `showings` what each of them shows
    of a product and shot, by channel. `renditions` are the files of some pictures, by fingerprint.
    """

    decisions: Decisions
    editions: Mapping[str, int]
    showings: Mapping[tuple[str, str], list[tuple[str, Showing]]]
    renditions: Mapping[str, list[RenditionRow]]


def read_published(
    store: ObjectStore, product_ids: Collection[str], fingerprints: Collection[str]
) -> PublishedProducts:
    """What there is of these products and pictures; nothing in a shop that does not publish.

    Raises:
        StoreError: it cannot be read, or is damaged.
    """
    editions = list_newest(store)
    showings: dict[tuple[str, str], list[tuple[str, Showing]]] = {}
    for channel, number in editions.items():
        for product in open_edition(store, channel, number).read_products(product_ids):
            for showing in product.showings:
                place = product.product_id, showing.picture.shot
                showings.setdefault(place, []).append((channel, showing))
    renditions: dict[str, list[RenditionRow]] = {}
    for row in _read_renditions(store, fingerprints):
        renditions.setdefault(row.request_fingerprint, []).append(row)
    return PublishedProducts(
        decisions=read_decisions(store, of=fingerprints),
        editions=editions,
        showings=showings,
        renditions=renditions,
    )


def _read_renditions(store: ObjectStore, fingerprints: Collection[str]) -> Iterator[RenditionRow]:
    table = open_renditions(store)
    if table is None:
        return
    names = tuple(COLUMNS)
    try:
        rows = table.read(names, where=("request_fingerprint", fingerprints))
    except NO_TABLE:  # the next publish makes it anew
        return
    yield from map(RenditionRow._make, read_rows(rows, names))
