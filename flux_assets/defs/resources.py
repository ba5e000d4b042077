"""The store and the image API as Dagster resources."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

import dagster as dg
from pydantic import Field, PrivateAttr, SecretStr

from flux_assets.bill.open_ledger import Stores
from flux_assets.errors import SettingsError
from flux_assets.image_api.open_api import ApiAccess, api_origin, open_api
from flux_assets.image_api.options import ApiOptions
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import ensure_store_identity, open_store

if TYPE_CHECKING:  # boto3 is loaded only where S3 is really used
    from mypy_boto3_s3 import S3Client


_FIXED = "a run cannot change it; set it where the code location runs"
_named: set[str] = set()
"""What this code location's settings name; a run's config may name nothing else."""


def _plain(resource: "StoreResource | ImageApiResource") -> str:
    secrets = {"api_key", "rate_limiter"}
    return type(resource).__name__ + json.dumps(
        {
            name: _as_configured(getattr(resource, name))
            for name in sorted(type(resource).model_fields)
            if name not in secrets
        },
        sort_keys=True,
    )


def _as_configured(value: Any) -> Any:  # noqa: ANN401 - whatever a setting is
    """A value as it may come back from the launchpad, which writes 60.0 as 60."""
    if isinstance(value, dict):
        return {str(name): _as_configured(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_as_configured(item) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


def _note_named(resource: "StoreResource | ImageApiResource") -> None:
    _named.add(_plain(resource))


def _check_named(resource: "StoreResource | ImageApiResource", variable: str) -> None:
    if _plain(resource) not in _named:
        raise SettingsError(variable, _FIXED)


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
        named = cls(
            uri=settings.store,
            mode=settings.mode,
            api_origin=api_origin(settings),
            shop=settings.shop,
            s3_put_args=settings.s3_put_args,
            s3_checksum=settings.s3_checksum,
            public_url=settings.public_url,
            max_pool_connections=settings.max_in_flight + 16,
        )
        _note_named(named)
        return named

    def open(self) -> Stores:
        """Open the store, once a process, and make sure that it is this deployment's own.

        Raises:
            SettingsError: the run's config names another store than the environment.
            StoreMismatchError: it was made for another mode, API or shop.
            StoreError: it cannot be used.
        """
        _check_named(self, "FLUX_ASSETS_STORE")
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
    """The vendor's image API at this account's pace; in sample mode, the built-in simulator.

    `options` are those of `ApiOptions`; the secrets stay references to the environment.
    """

    options: dict[str, Any]
    api_key: str = Field(repr=False)
    rate_limiter: str = Field(repr=False)

    _access: ApiAccess | None = PrivateAttr(default=None)

    @classmethod
    def of(cls, settings: Settings) -> "ImageApiResource":
        """The API that the settings name."""
        is_shared = settings.rate_limiter is not None and not settings.is_sample
        options = asdict(ApiOptions.of(settings))
        named = cls(
            # Dagster's config knows no null within a dictionary.
            options={name: value for name, value in options.items() if value is not None},
            api_key="" if settings.is_sample else dg.EnvVar("ONEMIN_API_KEY"),
            rate_limiter=dg.EnvVar("FLUX_ASSETS_RATE_LIMITER") if is_shared else "",
        )
        _note_named(named)
        return named

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
            SettingsError: the run's config names another API, to which the key would go, or
                another secret, which would go to the API.
        """
        del context
        _check_named(self, "ONEMIN_BASE_URL")
        for variable, value in (
            ("ONEMIN_API_KEY", self.api_key),
            ("FLUX_ASSETS_RATE_LIMITER", self.rate_limiter),
        ):
            if value and value.strip() != os.environ.get(variable, "").strip():
                raise SettingsError(variable, _FIXED)
        options = ApiOptions(**self.options)
        rate_limiter = SecretStr(self.rate_limiter) if self.rate_limiter else None
        with open_api(
            options, api_key=SecretStr(self.api_key), rate_limiter=rate_limiter
        ) as self._access:
            yield self
