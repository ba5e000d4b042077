"""Google Merchant Center's supplemental source, as text: ids and pictures, so no price is wrong.

Source: https://support.google.com/merchants/answer/7439058 and answer/6324350, read 2026-11-26.
"""

from collections.abc import Iterator

from flux_assets.publishing.edition import Edition
from flux_assets.publishing.feeds.offers_shown import list_offers, list_urls, write_row

COLUMNS = ("id", "image_link", "additional_image_link", "lifestyle_image_link")


def write_google_tsv(edition: Edition) -> Iterator[str]:
    """A row for each offer that shows something; additional pictures are parted by `,`."""
    yield write_row(COLUMNS, delimiter="\t")
    for offer, product in list_offers(edition):
        main, more, lifestyle = (
            list_urls(edition, product, slot) for slot in ("main", "additional", "lifestyle")
        )
        cells = ("".join(main[:1]), ",".join(more), "".join(lifestyle[:1]))
        if any(cells):
            yield write_row((offer.offer_id, *cells), delimiter="\t")
