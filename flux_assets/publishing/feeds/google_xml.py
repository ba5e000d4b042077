"""Google Merchant Center's supplemental source, as RSS 2.0.

Source: https://support.google.com/merchants/answer/14987622, read 2026-11-26.
"""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape

from flux_assets.publishing.edition import Edition, ShownProduct
from flux_assets.publishing.feeds.offers_shown import list_offers, list_urls

_NAMES = {
    "main": "image_link",
    "additional": "additional_image_link",
    "lifestyle": "lifestyle_image_link",
}
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">
<channel>
"""
_FOOT = "</channel>\n</rss>\n"
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML 1.0 document may have, in whatever form."""
_BLANKS = {"\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


def write_google_xml(edition: Edition) -> Iterator[str]:
    """An item for each offer that shows something, and whose id XML can hold."""
    title = f"<title>{escape(edition.channel)}</title>\n"
    link = f"<link>{escape(edition.form.public_url)}</link>\n"
    description = "<description>Pictures by offer</description>\n"
    yield from (_HEAD, title, link, description)
    for offer, product in list_offers(edition):
        elements = [*_write_elements(edition, product)]
        if elements and not NOT_XML.search(offer.offer_id):
            offer_id = f"<g:id>{escape(offer.offer_id, _BLANKS)}</g:id>\n"
            yield f"<item>\n{offer_id}{''.join(elements)}</item>\n"
    yield _FOOT


def _write_elements(edition: Edition, product: ShownProduct) -> Iterator[str]:
    for slot, name in _NAMES.items():
        urls = list_urls(edition, product, slot)
        for url in urls if slot == "additional" else urls[:1]:
            yield f"<g:{name}>{escape(url)}</g:{name}>\n"
