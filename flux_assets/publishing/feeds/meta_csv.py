"""Meta's catalog as CSV: ids and pictures, other ratios by `image[n].url` with a tag.

Source: https://developers.facebook.com/docs/marketing-api/catalog/guides/multi-ratio-images, read
2026-11-26.
"""

from collections.abc import Iterator

from flux_assets.publishing.edition import Edition
from flux_assets.publishing.feeds.offers_shown import list_offers, list_urls, write_row

RATIOS = {
    "ratio_4x5": "ASPECT_RATIO_4_5_PREFERRED",
    "ratio_9x16": "ASPECT_RATIO_9_16_PREFERRED",
}
COLUMNS = (
    *("id", "image_link", "additional_image_link"),
    *(f"image[{number}].{name}" for number in range(len(RATIOS)) for name in ("url", "tag[0]")),
)


def write_meta_csv(edition: Edition) -> Iterator[str]:
    """A row for each offer that shows something; a ratio's column is always the same."""
    yield write_row(COLUMNS, delimiter=",")
    for offer, product in list_offers(edition):
        main = list_urls(edition, product, "main")[:1]
        cells = ["".join(main), ",".join(list_urls(edition, product, "additional"))]
        for slot, tag in RATIOS.items():
            urls = list_urls(edition, product, slot)[:1]
            cells += [*urls, tag] if urls else ["", ""]
        if any(cells):
            yield write_row((offer.offer_id, *cells), delimiter=",")
