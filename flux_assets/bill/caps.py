"""What one run may buy at most, and a catalog that was cut short."""

from typing import NamedTuple

from flux_assets.errors import (
    CapExceededError,
    ProductDropError,
)


class ProductDrop(NamedTuple):
    """How many products are `known` of the last manifest, and `gone` from the catalog of now."""

    known: int
    gone: int


def check_product_drop(drop: ProductDrop, *, max_percent: float) -> None:
    """Refuse a catalog that lost many products, as an export that was cut short does.

    Args:
        drop: how many it lost.
        max_percent: how many of the known ones may be gone.

    Raises:
        ProductDropError: it names both numbers.
    """
    if 100 * drop.gone > max_percent * drop.known:
        raise ProductDropError(known=drop.known, gone=drop.gone, max_percent=max_percent)


def check_run_cap(wanted: int, *, max_images_per_run: int, cost_usd_per_image: float) -> None:
    """Refuse a run that would buy more pictures than it may, before its first call.

    Raises:
        CapExceededError: it names both numbers and the cost.
    """
    if wanted > max_images_per_run:
        raise CapExceededError(
            "FLUX_ASSETS_MAX_IMAGES_PER_RUN (max_images)",
            max_images_per_run,
            wanted,
            wanted * cost_usd_per_image,
        )
