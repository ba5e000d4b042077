"""Which buckets photos are read from: a supplier's cell must not reach what only we may read."""

from collections.abc import Collection

from flux_assets.errors import PhotoUnavailableError
from flux_assets.settings import Settings
from flux_assets.storage.sources.address import scheme_of


def list_photo_buckets(settings: Settings) -> frozenset[str]:
    """The store's and the catalog's own, and those that the settings name."""
    own = (uri for uri in (settings.store, settings.catalog) if scheme_of(uri) == "s3")
    return frozenset({*map(_bucket_of, own), *settings.photo_buckets})


def check_bucket(address: str, buckets: Collection[str]) -> None:
    """Make sure that a photo's address leads into none but these buckets; nothing is asked for it.

    Raises:
        PhotoUnavailableError: it leads into another, of which nothing is told.
    """
    if scheme_of(address) == "s3" and _bucket_of(address) not in buckets:
        problem = (
            "lies in a bucket that photos are not read from; name the bucket in "
            "FLUX_ASSETS_PHOTO_BUCKETS if the catalog may lead there"
        )
        # A setting away from being there, so no fallback may be bought in its stead.
        raise PhotoUnavailableError(address, problem)


def _bucket_of(uri: str) -> str:
    return uri[len("s3://") :].partition("/")[0]
