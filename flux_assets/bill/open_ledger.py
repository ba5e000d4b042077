"""The ledger as one run writes it, from the settings."""

from collections.abc import Callable
from dataclasses import dataclass

from flux_assets.bill.ledger import Ledger
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

LEASE_MARGIN_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """The shop's part of the store, and the root that all shops share."""

    shop: ObjectStore
    root: ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RunIdentity:
    """Which run and step this is, and how to know that another run has ended."""

    run_id: str
    step: str
    is_run_dead: Callable[[str], bool]


def open_ledger(settings: Settings, store: ObjectStore, run: RunIdentity) -> Ledger:
    """The ledger as this run writes it; its lease outlives any one call."""
    return Ledger(
        store,
        run_id=run.run_id,
        step=run.step,
        lease_seconds=settings.call_timeout_seconds + LEASE_MARGIN_SECONDS,
        is_run_dead=run.is_run_dead,
    )
