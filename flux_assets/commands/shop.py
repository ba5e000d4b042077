"""The shop of this environment, as every command opens it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.markup import escape

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import RunIdentity, Stores, open_ledger
from flux_assets.commands.dagster_home import prepare_dagster_home
from flux_assets.commands.launch import open_run_identity
from flux_assets.commands.people import people
from flux_assets.defs.automation import check_schedule
from flux_assets.defs.names import Names
from flux_assets.defs.resources import StoreResource
from flux_assets.settings import Settings, load_settings
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


def read_settings() -> Settings:
    """The settings of this environment, after their warnings are told.

    Raises:
        SettingsError: one cannot be used.
    """
    settings = load_settings(os.environ)
    check_schedule(settings)
    for warning in settings.warnings:
        people.print(f"[bold yellow]Warning:[/] {escape(warning)}", soft_wrap=True)
    return settings


def read_names(settings: Settings) -> Names:
    """What everything of this shop is called in Dagster."""
    return Names(shop=settings.shop)


@contextmanager
def open_shop(settings: Settings, *, step: str) -> Iterator[Shop]:
    """Open what the settings name.

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
