"""The store of this environment as a command looks at it that changes nothing, without Dagster."""

from pathlib import Path

from rich.markup import escape

from flux_assets.commands.people import people
from flux_assets.errors import FluxAssetsError, StoreError
from flux_assets.image_api.open_api import api_origin
from flux_assets.os_errors import find_obstacle
from flux_assets.settings import Settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.open_store import check_store_identity, open_store


class NoStoreError(FluxAssetsError):
    """There is no store where the settings say, so that there is nothing to look at."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            f"there is no store at {uri}: nothing was bought into it yet, or FLUX_ASSETS_STORE "
            "should name another one. The first refresh makes it"
        )
        self.uri = uri


def tell_warnings(settings: Settings) -> None:
    """Say what is set so that it is probably not meant."""
    for warning in settings.warnings:
        people.print(f"[bold yellow]Warning:[/] {escape(warning)}", soft_wrap=True)


def open_made(settings: Settings) -> ObjectStore:
    """The shop's store, to be read alone.

    Raises:
        NoStoreError: there is none.
        SettingsError, StoreMismatchError, StoreError: it cannot be one, or be used.
    """
    store = open_store(
        settings.store,
        shop=settings.shop,
        public_url=settings.public_url,
        checksum=settings.s3_checksum,
        max_pool_connections=settings.max_in_flight + 16,
    )
    if not is_made(settings, store):
        raise NoStoreError(store.uri)
    return store


def is_made(settings: Settings, store: ObjectStore) -> bool:
    """Whether it is there, and this shop's own; False where one could be made.

    Raises:
        StoreMismatchError: it was made for another mode, API or shop.
        StoreError: it cannot be read, or none could be made there.
    """
    if check_store_identity(
        store, mode=settings.mode, api_origin=api_origin(settings), shop=settings.shop
    ):
        return True
    obstacle = find_obstacle(Path(store.uri)) if isinstance(store, DirectoryStore) else ""
    if obstacle:
        raise StoreError(store.uri, "write", f"{obstacle}; correct FLUX_ASSETS_STORE")
    return False
