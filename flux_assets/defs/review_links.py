"""Links from Dagster to the page on which people look at the pictures."""

from collections.abc import Mapping

import dagster as dg

from flux_assets.publishing.review_links import find_address
from flux_assets.settings import Settings

REVIEW = "review"


def link_page(settings: Settings) -> Mapping[str, dg.MetadataValue]:
    """The link to the page, as metadata; nothing where no setting says where it is."""
    return {REVIEW: dg.MetadataValue.url(settings.review_url)} if settings.review_url else {}


def link_picture(settings: Settings, product_id: str, shot: str) -> Mapping[str, dg.MetadataValue]:
    """The same to one picture on it."""
    address = find_address(settings, product_id, shot)
    return {REVIEW: dg.MetadataValue.url(address)} if address else {}
