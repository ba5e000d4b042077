"""From `FLUX_ASSETS_STORE` to a store, and the mark that keeps stores apart."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from flux_assets.errors import (
    ConditionFailedError,
    ObjectNotFoundError,
    SettingsError,
    StoreError,
    StoreMismatchError,
)
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import LEDGER_PREFIX, PROOF_KEY, ObjectStore, picture_prefix
from flux_assets.storage.stored_json import read_stored_json

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

STORE_FORMAT = 1
_IDENTITY_KEY = "store.json"


def open_store(
    uri: str,
    *,
    shop: str | None = None,
    s3_client: Callable[[], "S3Client"] | None = None,
    put_args: Mapping[str, Any] | None = None,
    public_url: str | None = None,
    checksum: Literal["when_supported", "when_required"] = "when_supported",
    max_pool_connections: int = 10,
) -> ObjectStore:
    """Open a directory or `s3://bucket/prefix`, or one shop's part of it; nothing is sent.

    Args:
        uri: as in `FLUX_ASSETS_STORE`.
        shop: opens `<store>/<shop>` instead, and gives out URLs below `<public_url>/<shop>`.
        s3_client: where the client comes from; without it, one is built from the environment
            with `checksum` and `max_pool_connections`.
        put_args: added to every S3 put.
        public_url: the public base of the whole store.
        checksum: see `build_s3_client`.
        max_pool_connections: see `build_s3_client`.

    Raises:
        SettingsError: the URI is neither.
    """
    if shop and public_url:
        public_url = f"{public_url}/{shop}"
    scheme, separator, rest = uri.partition("://")
    if not separator:
        return DirectoryStore(Path(uri) / (shop or ""), public_url=public_url)
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        problem = f"must be s3://bucket/prefix or a directory, not {uri!r}"
        raise SettingsError("FLUX_ASSETS_STORE", problem)

    from flux_assets.storage.s3 import S3Store
    from flux_assets.storage.s3_client import build_s3_client

    client = (
        s3_client()
        if s3_client
        else build_s3_client(max_pool_connections=max_pool_connections, checksum=checksum)
    )
    return S3Store(
        client,
        bucket=bucket,
        prefix=f"{prefix.strip('/')}/{shop or ''}",
        put_args=put_args,
        public_url=public_url,
    )


def ensure_store_identity(
    store: ObjectStore, *, mode: Literal["sample", "live"], api_origin: str, shop: str | None
) -> None:
    """Make sure that the store is this deployment's own, marking it if it is new.

    Raises:
        StoreMismatchError: it was made for another mode, API origin or shop, or by a newer
            release.
        StoreError: its mark cannot be read or written, or is gone from a store that is in use.
    """
    expected = _identity(mode, api_origin, shop)
    try:
        found = store.get(_IDENTITY_KEY).data
    except ObjectNotFoundError:
        _refuse_used(store)
        found = _mark(store, json.dumps(expected).encode())
    _compare(store, found, expected)


def check_store_identity(
    store: ObjectStore, *, mode: Literal["sample", "live"], api_origin: str, shop: str | None
) -> bool:
    """Whether the store is marked as this deployment's own; False where it is new.

    Raises:
        StoreMismatchError, StoreError: as `ensure_store_identity`.
    """
    try:
        found = store.get(_IDENTITY_KEY).data
    except ObjectNotFoundError:
        _refuse_used(store)
        return False
    _compare(store, found, _identity(mode, api_origin, shop))
    return True


def _refuse_used(store: ObjectStore) -> None:
    """Nobody can say whose a store is that has lost its mark: it is not taken for a new one."""
    for prefix in (LEDGER_PREFIX, picture_prefix()):
        for key in store.list_keys(prefix):
            if key == PROOF_KEY:
                continue
            problem = (
                f"it holds {key} and has no {_IDENTITY_KEY}, which says whose it is; restore that "
                "object, or choose another store with FLUX_ASSETS_STORE. Nothing was sent"
            )
            try:
                store.get(_IDENTITY_KEY)  # its maker may just have put both
            except ObjectNotFoundError as error:
                raise StoreError(store.uri, "use", problem) from error
            return


def _identity(mode: str, api_origin: str, shop: str | None) -> dict[str, object]:
    return {"format": STORE_FORMAT, "mode": mode, "api_origin": api_origin, "shop": shop}


def _compare(store: ObjectStore, found: bytes, expected: Mapping[str, object]) -> None:
    identity = read_stored_json(
        found,
        store.uri_for(_IDENTITY_KEY),
        lambda plain: {**plain, "format": int(plain["format"])},
        kind="mark of a store",
        remedy="restore it, or choose another store with FLUX_ASSETS_STORE",
    )
    if identity["format"] > STORE_FORMAT:
        raise StoreMismatchError(store.uri, "format", identity["format"], STORE_FORMAT)
    for field in ("mode", "api_origin", "shop"):
        if identity.get(field) != expected[field]:
            raise StoreMismatchError(store.uri, field, identity.get(field), expected[field])


def _mark(store: ObjectStore, identity: bytes) -> bytes:
    try:
        store.put(_IDENTITY_KEY, identity, content_type="application/json", if_absent=True)
    except ConditionFailedError:
        return store.get(_IDENTITY_KEY).data
    return identity
