"""The shop of this environment, as every command opens it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import RunIdentity, Stores, open_ledger
from flux_assets.commands.component import find_names, find_settings
from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.launch import open_run_identity
from flux_assets.commands.looking import NoStoreError, is_made, tell_warnings
from flux_assets.defs.automation import check_schedule
from flux_assets.defs.names import Names
from flux_assets.defs.resources import StoreResource
from flux_assets.settings import Settings
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One shop's settings and stores, and in whose name a command works on them."""

    settings: Settings
    stores: Stores
    run: RunIdentity

    @property
    def store(self) -> ObjectStore:
        """The shop's own part of the store."""
        return self.stores.shop

    @property
    def ledger(self) -> Ledger:
        """As this command writes it."""
        return open_ledger(self.settings, self.store, self.run)


def read_settings(*, buys: bool = True) -> Settings:
    """The settings of this shop, after their warnings are told.

    Args:
        buys: whether the command could buy; one that cannot needs no API key.

    Raises:
        SettingsError, ComponentError: one cannot be used.
    """
    settings = find_settings(buys=buys)
    check_schedule(settings)
    tell_warnings(settings)
    return settings


def read_names(settings: Settings) -> Names:
    """What everything of this shop is called in Dagster."""
    return find_names(settings)


@contextmanager
def look_at_shop(settings: Settings, *, step: str, or_empty: bool = False) -> Iterator[Shop]:
    """Open what there is of what the settings name: neither a store nor a Dagster home is made.

    Args:
        settings: of this environment.
        step: what the command is called in the ledger.
        or_empty: where there is no store yet, give an empty one that nothing stays of.

    Raises:
        NoStoreError: there is no store, and an empty one will not do.
        SettingsError, DagsterHomeError, StoreMismatchError, StoreError: as `open_shop`.
    """
    resource = StoreResource(settings)
    store = resource.open_part(settings.shop)
    there_is_one = is_made(settings, store)
    if not there_is_one and not or_empty:
        raise NoStoreError(store.uri)
    with TemporaryDirectory() as folder, open_run_identity(step) as run:
        if not there_is_one:
            store = DirectoryStore(Path(folder))
        stores = Stores(shop=store, root=resource.open_part(None))
        yield Shop(settings=settings, stores=stores, run=run)


@contextmanager
def open_shop(settings: Settings, *, step: str) -> Iterator[Shop]:
    """Open what the settings name, made where it is not there yet.

    Args:
        settings: of this environment.
        step: what the command is called in the ledger.

    Raises:
        SettingsError, DagsterHomeError: DAGSTER_HOME cannot be one, or cannot be used.
        StoreMismatchError, StoreError: the store is another deployment's, or cannot be used.
    """
    prepare_dagster_home()
    stores = StoreResource(settings).open()
    with open_run_identity(step) as run:
        yield Shop(settings=settings, stores=stores, run=run)
