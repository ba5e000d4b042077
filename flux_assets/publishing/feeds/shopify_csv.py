"""Shopify's product CSV with pictures alone: a file for a person, since an import adds them.

A column that is not there keeps its value. `Title` has to be, and is written by the import, so it
is the export's own cell, on a product's first row only.

Source: https://help.shopify.com/en/manual/products/import-export/using-csv, read 2026-11-26.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from flux_assets.publishing.edition import Edition, ShownProduct
from flux_assets.publishing.feeds.offers_shown import list_offers, list_urls, write_row

COLUMNS = ("URL handle", "Title", "Product image URL", "Image position", "Image alt text")
LEGACY_COLUMNS = ("Handle", "Title", "Image Src", "Image Position", "Image Alt Text")


def write_shopify_csv(edition: Edition) -> Iterator[str]:
    """A row for each picture, the main ones first; products of one handle are one there."""
    yield write_row(LEGACY_COLUMNS if edition.form.legacy else COLUMNS, delimiter=",")
    for handle, group in groupby(list_offers(edition), key=lambda pair: pair[0].offer_id):
        found = list(group)
        pictures = dict(_list_pictures(edition, [product for _, product in found]))
        title = found[0][0].title
        for position, (url, alt_text) in enumerate(pictures.items(), start=1):
            cells = (handle, title if position == 1 else "", url, str(position), alt_text)
            yield write_row(cells, delimiter=",")


def _list_pictures(edition: Edition, products: Sequence[ShownProduct]) -> Iterator[tuple[str, str]]:
    """Each picture's address, with the text that describes it."""
    for slot in ("main", "additional"):
        for product in products:
            alt_text = f"{product.title}{edition.form.alt_text_suffix}".strip()
            yield from ((url, alt_text) for url in list_urls(edition, product, slot))
