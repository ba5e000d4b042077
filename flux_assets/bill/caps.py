"""What one run may buy at most, and a catalog that was cut short."""

from collections.abc import Set as AbstractSet

from flux_assets.errors import (
    CapExceededError,
    ProductDropError,
)


def check_product_drop(
    known: AbstractSet[str], product_ids: AbstractSet[str], *, max_percent: float
) -> None:
    """Refuse a catalog that lost many products, as an export that was cut short does.

    Args:
        known: the products of the last manifest.
        product_ids: the catalog's.
        max_percent: how many of the known ones may be gone.

    Raises:
        ProductDropError: it names both numbers.
    """
    gone = len(known - product_ids)
    if 100 * gone > max_percent * len(known):
        raise ProductDropError(known=len(known), gone=gone, max_percent=max_percent)


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
