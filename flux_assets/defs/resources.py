"""The store and the image API as Dagster resources, which no run's config can change.

They take none: what they are follows from the settings, in every process that loads the
definitions, and no secret goes through Dagster.
"""

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import dagster as dg

from flux_assets.bill.open_ledger import Stores
from flux_assets.defs.names import Names
from flux_assets.image_api.open_api import ApiAccess, api_origin, open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity, open_store

if TYPE_CHECKING:  # boto3 is loaded only where S3 is really used
    from mypy_boto3_s3 import S3Client


STORE = "store"
IMAGE_API = "image_api"


class StoreResource:
    """The bucket or directory that pictures, ledger and tables live in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._stores: Stores | None = None
        self._lock = threading.Lock()

    def open(self) -> Stores:
        """Open the store, once a process, and make sure that it is this deployment's own.

        Raises:
            SettingsError: what is named is no store.
            StoreMismatchError: it was made for another mode, API or shop.
            StoreError: it cannot be used.
        """
        settings = self._settings
        with self._lock:
            if self._stores is None:
                shop_store = self.open_part(settings.shop)
                ensure_store_identity(
                    shop_store,
                    mode=settings.mode,
                    api_origin=api_origin(settings),
                    shop=settings.shop,
                )
                self._stores = Stores(shop=shop_store, root=self.open_part(None))
            return self._stores

    def open_part(self, shop: str | None) -> ObjectStore:
        """One shop's part of the store, or all of it; nothing is read, and nothing marked.

        Raises:
            SettingsError: what is named is no store.
        """
        return open_store(
            self._settings.store,
            shop=shop,
            s3_client=self._build_s3_client,
            put_args=self._settings.s3_put_args,
            public_url=self._settings.public_url,
        )

    def _build_s3_client(self) -> "S3Client":
        from flux_assets.defs.s3_resource import PooledS3Resource

        s3 = PooledS3Resource(
            max_pool_connections=self._settings.max_in_flight + 16,
            checksum=self._settings.s3_checksum,
        )
        client: S3Client = s3.get_client()
        return client


class _HasResources(Protocol):
    """The context of an op or an asset."""

    @property
    def resources(self) -> object: ...


def store_definition(store: StoreResource) -> dg.ResourceDefinition:
    """The store, opened by the first step of a process that asks for it."""
    return dg.ResourceDefinition(
        lambda _: store,
        config_schema={},
        description="The bucket or directory that pictures, ledger and tables live in.",
    )


def image_api_definition(settings: Settings) -> dg.ResourceDefinition:
    """The vendor's image API at this account's pace; in sample mode, the built-in simulator.

    The client and the pace are shared by all steps of a run in one process.
    """

    def run_api(_: dg.InitResourceContext) -> Iterator[ApiAccess]:
        with open_api(
            ApiOptions.of(settings),
            api_key=settings.onemin_api_key,
            rate_limiter=None if settings.is_sample else settings.rate_limiter,
        ) as access:
            yield access

    return dg.ResourceDefinition(
        run_api,
        config_schema={},
        description="The image API at this account's pace; in sample mode, the simulator.",
    )


def open_stores(context: _HasResources, names: Names) -> Stores:
    """The store of a step that requires it; errors as of `StoreResource.open`."""
    store: StoreResource = getattr(context.resources, names.resource(STORE))
    return store.open()


def image_api_of(context: _HasResources, names: Names) -> ApiAccess:
    """The image API of a step that requires it."""
    access: ApiAccess = getattr(context.resources, names.resource(IMAGE_API))
    return access
