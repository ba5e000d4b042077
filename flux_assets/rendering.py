"""The catalog's image requests as they stand: photos found, overrides heeded, pins applied."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_request import ImageRequest
from flux_assets.ledger import Ledger
from flux_assets.overrides import OverridesFile
from flux_assets.photos.library import PhotoLibrary
from flux_assets.pins import apply_pins
from flux_assets.prompts import Shot, Skipped, build_requests, list_photo_addresses
from flux_assets.settings import Settings
from flux_assets.store.object_store import ObjectStore


def open_photos(settings: Settings, store: ObjectStore) -> PhotoLibrary:
    """The products' own photos, as the settings allow them to be read."""
    return PhotoLibrary(
        store=store,
        catalog_uri=settings.catalog,
        allow_private=settings.allow_private_sources,
        max_age=timedelta(hours=settings.photo_max_age_hours),
        utc_now=lambda: datetime.now(UTC),
    )


def render_requests(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: Sequence[Product],
    shots: Sequence[Shot],
    overrides: OverridesFile,
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """One image request, or the reason why there is none, per product and shot, in order.

    The photos that are to be edited are read first, as far as they are not known already.

    Args:
        settings: of this environment.
        store: the shop's; keeps the photos.
        ledger: of the same store, for the pins.
        products: of the catalog.
        shots: wanted of each.
        overrides: one product's wishes.

    Raises:
        StoreError: it cannot be read or written.
    """
    wanted = set(list_photo_addresses(products, shots, overrides))
    photos = open_photos(settings, store).find(wanted) if wanted else {}
    rendered = build_requests(products, shots, overrides, find_photo=photos.__getitem__)
    return apply_pins(rendered, overrides.pins, store=store, ledger=ledger)
