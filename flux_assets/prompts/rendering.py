"""The catalog's image requests as they stand: with photos, overrides, former ids and pins."""

from collections.abc import Iterator, Sequence

from flux_assets.bill.ledger import Ledger
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.photos.library import open_photos
from flux_assets.pictures.photos.search import Accepts
from flux_assets.prompts.former_ids import adopt_former, find_former_ids
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.pins import apply_pins
from flux_assets.prompts.requests import Shot, Skipped, build_requests, list_photo_addresses
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore


def render_requests(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: Sequence[Product],
    shots: Sequence[Shot],
    overrides: OverridesFile,
    accepts: Accepts = "nothing",
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
        accepts: whether doubted photos are taken for right, and whether for good.

    Raises:
        StoreError: it cannot be read or written.
    """
    wanted = set(list_photo_addresses(products, shots, overrides))
    photos = open_photos(settings, store).find(wanted, accepts=accepts) if wanted else {}
    rendered = build_requests(products, shots, overrides, find_photo=photos.__getitem__)
    former_ids = find_former_ids(products)
    adopted = adopt_former(rendered, former_ids, store=store, ledger=ledger)
    return apply_pins(adopted, overrides.pins, former_ids, store=store, ledger=ledger)
