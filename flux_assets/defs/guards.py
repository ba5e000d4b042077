"""What keeps a run from buying what nobody meant."""

from collections.abc import Sequence
from functools import partial

from flux_assets.bill.caps import ProductDrop, check_product_drop
from flux_assets.bill.ledger import Ledger
from flux_assets.catalog.identity import normalise_id
from flux_assets.catalog.tables import read_former_ids
from flux_assets.defs.known import Known, ReadKnown
from flux_assets.manifest.stored import count_product_drop, open_manifest
from flux_assets.planning.against_store import check_run
from flux_assets.planning.choices import Choices
from flux_assets.planning.evidence import check_evidence
from flux_assets.planning.plan_table import PlanRow
from flux_assets.settings import Settings
from flux_assets.storage.frames import find_distinct
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable


def guard_run(
    settings: Settings,
    choices: Choices,
    stored: tuple[ObjectStore, Ledger],
    *,
    requests: StoredTable,
    to_buy: Sequence[PlanRow],
    known: Known,
    read_known_before: ReadKnown,
) -> None:
    """Refuse, before its first call, a run that would buy what nobody meant.

    Args:
        settings: with the limits.
        choices: which may accept a drop or a loss, and lower the cap.
        stored: the shop's store and ledger.
        requests: the table of all of the catalog.
        to_buy: as chosen.
        known: what Dagster's events say, which may prove that a picture was bought before.
        read_known_before: gives what they said before the shop moved between products and buckets;
            it is asked only where no manifest names what was bought.

    Raises:
        BoughtBeforeError, ProductDropError, CapExceededError: nothing may be sent.
    """
    store, _ = stored
    if not choices.accept_loss:
        guard_loss(
            settings, stored, to_buy=to_buy, known=known, read_known_before=read_known_before
        )
    check_run(
        settings,
        choices,
        drop=count_product_drop(open_manifest(store), requests),
        to_buy=len(to_buy),
    )


def guard_loss(
    settings: Settings,
    stored: tuple[ObjectStore, Ledger],
    *,
    to_buy: Sequence[PlanRow],
    known: Known,
    read_known_before: ReadKnown,
) -> None:
    """Refuse to buy again what the store has lost; arguments as of `guard_run`.

    Raises:
        BoughtBeforeError: nothing may be sent.
    """
    if not to_buy:
        return
    store, ledger = stored
    manifest = open_manifest(store)
    for it in (known,) if manifest is not None else (known, read_known_before()):
        check_evidence(
            to_buy,
            manifest=manifest,
            materialized=it.find_bought(to_buy, has_manifest=manifest is not None),
            is_ours=partial(it.are_of_mode, settings.mode),
            ledger=ledger,
            store_uri=store.uri,
        )


def guard_drop(settings: Settings, store: ObjectStore, products: StoredTable) -> None:
    """Refuse an export that lacks many products of the last manifest, as a refresh does.

    It is cut short, or another shop's, and what it has of a bucket is not what was asked for.

    Raises:
        ProductDropError: nothing may be sent.
    """
    manifest = open_manifest(store)
    if manifest is not None:
        stored = find_distinct(manifest.read_groups(("product_id",)), "product_id")
        known = set(map(normalise_id, stored.to_pylist()))
        ids = products.read(("product_id", "former_ids"))
        former = (it for of_one in read_former_ids(ids).values() for it in of_one)
        gone = known.difference(ids["product_id"], map(normalise_id, former))
        drop = ProductDrop(known=len(known), gone=len(gone))
        check_product_drop(drop, max_percent=settings.max_product_drop_percent)
