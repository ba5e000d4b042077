"""The catalog's image requests as they stand: with photos, overrides, former ids and pins."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flux_assets.bill.ledger import Ledger
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.pictures.photos.library import open_photos
from flux_assets.pictures.photos.photo import Photo
from flux_assets.pictures.photos.search import Accepts
from flux_assets.prompts.former_ids import adopt_former, find_former_ids
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.pins import apply_pins
from flux_assets.prompts.requests import Shot, Skipped, build_requests, list_photo_addresses
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

PhotosFound = Mapping[tuple[str, ...], Photo]
"""The photo at the first usable of each group of addresses, or why there is none."""


def render_requests(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    products: Sequence[Product],
    shots: Sequence[Shot],
    overrides: OverridesFile,
    accepts: Accepts = "nothing",
    photos: PhotosFound | None = None,
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """One image request, or the reason why there is none, per product and shot, in order.

    The photos that are to be edited are looked for first, unless they are given.

    Args:
        settings: of this environment.
        store: the shop's; keeps the photos.
        ledger: of the same store, for the pins.
        products: of the catalog.
        shots: wanted of each.
        overrides: one product's wishes.
        accepts: as for `find_photos`.
        photos: what that found, of all addresses that these products name.

    Raises:
        StoreError: it cannot be read or written.
    """
    if photos is None:
        wanted = list_photo_addresses(products, shots, overrides)
        photos = find_photos(settings, store, wanted, accepts=accepts)
    rendered = build_requests(products, shots, overrides, find_photo=photos.__getitem__)
    former_ids = find_former_ids(products)
    adopted = adopt_former(rendered, former_ids, store=store, ledger=ledger)
    return apply_pins(adopted, overrides.pins, former_ids, store=store, ledger=ledger)


def find_photos(
    settings: Settings,
    store: ObjectStore,
    addresses: Iterable[tuple[str, ...]],
    *,
    accepts: Accepts = "nothing",
) -> PhotosFound:
    """What is at some addresses; those are read that are not known already.

    Args:
        settings: of this environment.
        store: the shop's; keeps the photos.
        addresses: as `list_photo_addresses` gives them, of a whole catalog if it is at hand: what
            many of them give in a photo's place is told by all of them.
        accepts: whether doubted photos are taken for right, and whether for good.

    Raises:
        StoreError: it cannot be read or written.
    """
    wanted = set(addresses)
    return open_photos(settings, store).find(wanted, accepts=accepts) if wanted else {}
