"""The store and the image API as Dagster resources."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field, PrivateAttr, SecretStr

from flux_assets.bill.open_ledger import Stores
from flux_assets.errors import SettingsError
from flux_assets.image_api.open_api import ApiAccess, api_origin, open_api, simulated_api
from flux_assets.image_api.polling import TYPICAL_LATENCY_SECONDS
from flux_assets.image_api.shared_rate import open_shared_rate
from flux_assets.settings import Settings, load_settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity, open_store

if TYPE_CHECKING:  # boto3 is loaded only where S3 is really used
    from mypy_boto3_s3 import S3Client


SIMULATOR_STATE_DIR = ".flux_assets/simulator"


class StoreResource(dg.ConfigurableResource[Any]):
    """The bucket or directory that pictures, ledger and tables live in."""

    uri: str
    mode: Literal["sample", "live"]
    api_origin: str
    shop: str | None
    s3_put_args: dict[str, Any]
    s3_checksum: Literal["when_supported", "when_required"]
    public_url: str | None
    max_pool_connections: int

    _stores: Stores | None = PrivateAttr(default=None)
    _lock: threading.Lock = PrivateAttr(default_factory=threading.Lock)

    @classmethod
    def of(cls, settings: Settings) -> "StoreResource":
        """The store that the settings name."""
        return cls(
            uri=settings.store,
            mode=settings.mode,
            api_origin=api_origin(settings),
            shop=settings.shop,
            s3_put_args=settings.s3_put_args,
            s3_checksum=settings.s3_checksum,
            public_url=settings.public_url,
            max_pool_connections=settings.max_in_flight + 16,
        )

    def open(self) -> Stores:
        """Open the store, once a process, and make sure that it is this deployment's own.

        Raises:
            StoreMismatchError: it was made for another mode, API or shop.
            StoreError: it cannot be used.
        """
        with self._lock:
            if self._stores is None:
                shop_store = self._open(self.shop)
                ensure_store_identity(
                    shop_store, mode=self.mode, api_origin=self.api_origin, shop=self.shop
                )
                self._stores = Stores(shop=shop_store, root=self._open(None))
            return self._stores

    def _open(self, shop: str | None) -> ObjectStore:
        return open_store(
            self.uri,
            shop=shop,
            s3_client=self._build_s3_client,
            put_args=self.s3_put_args,
            public_url=self.public_url,
        )

    def _build_s3_client(self) -> "S3Client":
        from flux_assets.defs.s3_resource import PooledS3Resource

        s3 = PooledS3Resource(
            max_pool_connections=self.max_pool_connections, checksum=self.s3_checksum
        )
        client: S3Client = s3.get_client()
        return client


class ImageApiResource(dg.ConfigurableResource[Any]):
    """The vendor's image API at this account's pace; in sample mode, the built-in simulator."""

    mode: Literal["sample", "live"]
    base_url: str
    api_key: str = Field(repr=False)
    requests_per_minute: int
    max_in_flight: int
    call_timeout_seconds: float
    result_hosts: list[str]
    delivery: Literal["sync", "async"]
    rate_limiter: str = Field(repr=False)
    simulator_latency_seconds: float
    simulator_megapixels: float
    simulator_faults: str | None

    _access: ApiAccess | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> "ImageApiResource":
        """The API that the settings name; the key stays a reference to the environment."""
        return cls(
            mode=settings.mode,
            base_url=settings.onemin_base_url,
            api_key="" if settings.is_sample else dg.EnvVar("ONEMIN_API_KEY"),
            requests_per_minute=settings.requests_per_minute,
            max_in_flight=settings.max_in_flight,
            call_timeout_seconds=settings.call_timeout_seconds,
            result_hosts=list(settings.result_hosts),
            delivery=settings.delivery,
            # In sample mode each process has a simulator of its own, which nobody shares.
            rate_limiter=(
                ""
                if settings.is_sample or settings.rate_limiter is None
                else dg.EnvVar("FLUX_ASSETS_RATE_LIMITER")
            ),
            simulator_latency_seconds=settings.simulator_latency_seconds,
            simulator_megapixels=settings.simulator_megapixels,
            simulator_faults=settings.simulator_faults,
        )

    @property
    def access(self) -> ApiAccess:
        """The client and the pace that all steps of this process share."""
        if self._access is None:
            message = "the image API is open only during a run"
            raise RuntimeError(message)
        return self._access

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["ImageApiResource"]:
        """Open the API for a run's steps in this process.

        Raises:
            SettingsError: the run's config names another API, to which the key would go.
        """
        del context
        own = load_settings({"ONEMIN_BASE_URL": os.environ.get("ONEMIN_BASE_URL", "")})
        if self.base_url != own.onemin_base_url:
            problem = "a run cannot change it; set it where the code location runs"
            raise SettingsError("ONEMIN_BASE_URL", problem)
        if self.mode == "sample":
            with simulated_api(
                Path(SIMULATOR_STATE_DIR),
                latency_seconds=self.simulator_latency_seconds,
                megapixels=self.simulator_megapixels,
                faults=self.simulator_faults,
            ) as (base_url, api_key):
                self._access = self._open(base_url, api_key, self.simulator_latency_seconds)
                yield self
        else:
            key = SecretStr(self.api_key)
            self._access = self._open(self.base_url, key, TYPICAL_LATENCY_SECONDS)
            yield self

    def _open(self, base_url: str, api_key: SecretStr, typical_latency_seconds: float) -> ApiAccess:
        return open_api(
            base_url=base_url,
            api_key=api_key,
            max_in_flight=self.max_in_flight,
            requests_per_minute=self.requests_per_minute,
            call_timeout_seconds=self.call_timeout_seconds,
            result_hosts=self.result_hosts,
            delivery=self.delivery,
            typical_latency_seconds=typical_latency_seconds,
            shared_rate=open_shared_rate(
                SecretStr(self.rate_limiter) if self.rate_limiter else None,
                origin=base_url,
                api_key=api_key,
                requests_per_minute=self.requests_per_minute,
            ),
        )
