"""Proof that what is to be bought was bought before, though store and ledger know nothing of it."""

from collections.abc import Callable, Collection, Sequence

from flux_assets.bill.ledger import Ledger
from flux_assets.errors import FluxAssetsError
from flux_assets.manifest.stored import StoredManifest
from flux_assets.planning.plan_table import PlanRow

_ASKED = 50


class BoughtBeforeError(FluxAssetsError):
    """Pictures that are to be bought were bought before, and the store has lost them."""

    def __init__(
        self, *, count: int, in_manifest: int, in_events: int, example: str, store_uri: str
    ) -> None:
        super().__init__(
            f"{count} of the pictures that are to be bought were bought before ({in_manifest} by "
            f"the manifest, {in_events} by Dagster's events; the first is {example}), but the "
            f"store {store_uri} has neither them nor their ledger entries; nothing was sent. "
            "Restore them, or correct FLUX_ASSETS_STORE or FLUX_ASSETS_SHOP; if they are gone for "
            "good, run once with accept_loss (--accept-loss), which buys them again."
        )
        self.count = count


def check_evidence(
    to_buy: Sequence[PlanRow],
    *,
    manifest: StoredManifest | None,
    materialized: Collection[str],
    is_ours: Callable[[Sequence[PlanRow]], bool],
    ledger: Ledger,
    store_uri: str,
) -> None:
    """Refuse to buy again what a lifecycle rule, a wrong prefix or a restore has taken away.

    What was released or pruned has its ledger entry, and may be bought.

    Args:
        to_buy: as chosen.
        manifest: the last one, if there is any.
        materialized: fingerprints of pictures that Dagster's events name.
        is_ours: whether the events of some rows are of this store's mode: one Dagster may have
            made samples before.
        ledger: of the store.
        store_uri: for the message.

    Raises:
        BoughtBeforeError: it says what was found.
    """
    wanted = {row.fingerprint for row in to_buy}
    shown: set[str] = set()
    if wanted and manifest is not None:
        column = "request_fingerprint"
        shown = set(manifest.read((column,), where=(column, wanted))[column])
    in_events = wanted.intersection(materialized)
    known = shown | in_events
    gone: set[str] = known - ledger.read_many(known).keys() if known else set()
    only_in_events = [row for row in to_buy if row.fingerprint in gone - shown]
    if only_in_events and not is_ours(only_in_events[:_ASKED]):
        gone &= shown
    if gone:
        first = next(row for row in to_buy if row.fingerprint in gone)
        raise BoughtBeforeError(
            count=len(gone),
            in_manifest=len(gone & shown),
            in_events=len(gone & in_events),
            example=f"product {first.product_id!r}, shot {first.shot}",
            store_uri=store_uri,
        )
