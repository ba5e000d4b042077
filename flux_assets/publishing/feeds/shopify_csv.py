"""Shopify's product CSV with pictures alone: a file for a person, since an import adds them.

A column that is not there keeps its value. `Title` has to be, and is written by the import, so it
is the export's own cell, on a product's first row only.

Source: https://help.shopify.com/en/manual/products/import-export/using-csv, read 2026-11-26.
"""

from collections.abc import Iterator

from flux_assets.publishing.edition import Edition, Offer, ShownProduct
from flux_assets.publishing.feeds.offers_shown import list_offers, list_urls, write_table

COLUMNS = ("URL handle", "Title", "Product image URL", "Image position", "Image alt text")
LEGACY_COLUMNS = ("Handle", "Title", "Image Src", "Image Position", "Image Alt Text")


def write_shopify_csv(edition: Edition) -> bytes:
    """A row for each picture, the main one first."""
    rows = [LEGACY_COLUMNS if edition.form.legacy else COLUMNS]
    for offer, product in list_offers(edition):
        rows += _list_rows(edition, offer, product)
    return write_table(rows, delimiter=",")


def _list_rows(
    edition: Edition, offer: Offer, product: ShownProduct
) -> Iterator[tuple[str, str, str, str, str]]:
    urls = [url for slot in ("main", "additional") for url in list_urls(edition, product, slot)]
    alt_text = f"{product.title}{edition.form.alt_text_suffix}".strip()
    for position, url in enumerate(dict.fromkeys(urls), start=1):
        title = offer.title if position == 1 else ""
        yield offer.offer_id, title, url, str(position), alt_text
