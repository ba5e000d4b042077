"""What keeps a run from buying what nobody meant."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import dagster as dg

from flux_assets.bill.ledger import Ledger
from flux_assets.defs.events import MODE_TAG
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.manifest.stored import open_manifest, read_manifest_products
from flux_assets.planning.against_store import check_run
from flux_assets.planning.choices import Choices
from flux_assets.planning.evidence import check_evidence
from flux_assets.planning.plan_table import PlanRow
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

if TYPE_CHECKING:
    import pandas as pd


def guard_run(
    instance: dg.DagsterInstance,
    settings: Settings,
    names: Names,
    choices: Choices,
    stored: tuple[ObjectStore, Ledger],
    *,
    asked: "pd.DataFrame",
    to_buy: Sequence[PlanRow],
    known: KnownPictures,
) -> None:
    """Refuse, before its first call, a run that would buy what nobody meant.

    Args:
        instance: whose events may prove that a picture was bought before.
        settings: with the limits.
        names: of the shop's assets.
        choices: which may accept a drop or a loss, and lower the cap.
        stored: the shop's store and ledger.
        asked: every request of the catalog.
        to_buy: as chosen.
        known: what Dagster's events say.

    Raises:
        BoughtBeforeError, ProductDropError, CapExceededError: nothing may be sent.
    """
    store, _ = stored
    if not choices.accept_loss:
        guard_loss(instance, settings, names, stored, to_buy=to_buy, known=known)
    check_run(
        settings,
        choices,
        known=read_manifest_products(open_manifest(store), asked),
        product_ids=set(asked["product_id"].unique()),
        to_buy=len(to_buy),
    )


def guard_loss(
    instance: dg.DagsterInstance,
    settings: Settings,
    names: Names,
    stored: tuple[ObjectStore, Ledger],
    *,
    to_buy: Sequence[PlanRow],
    known: KnownPictures,
) -> None:
    """Refuse to buy again what the store has lost; arguments as of `guard_run`.

    Raises:
        BoughtBeforeError: nothing may be sent.
    """
    if not to_buy:
        return
    store, ledger = stored
    check_evidence(
        to_buy,
        manifest=open_manifest(store),
        materialized=known.find({row.fingerprint for row in to_buy}),
        is_ours=lambda rows: _has_event_of_mode(instance, settings, names, rows),
        ledger=ledger,
        store_uri=store.uri,
    )


def _has_event_of_mode(
    instance: dg.DagsterInstance, settings: Settings, names: Names, rows: Iterable[PlanRow]
) -> bool:
    """Whether the last event of one of these pictures is of this mode."""
    for row in rows:
        found = instance.fetch_materializations(
            dg.AssetRecordsFilter(
                asset_key=names.key("images", row.shot),
                asset_partitions=[row.product_id],
            ),
            limit=1,
        )
        for record in found.records:
            event = record.asset_materialization
            if event is not None:
                tags = event.tags or {}
                if tags.get(MODE_TAG, settings.mode) == settings.mode:
                    return True
    return False
