"""Pins: an overrides file's wish to show one certain stored picture, whatever is asked for now."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.bill.ledger_objects import LedgerObjects
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest
from flux_assets.prompts.former_ids import FormerIds
from flux_assets.prompts.requests import Skipped
from flux_assets.storage.object_store import LEDGER_PREFIX, ObjectStore, picture_prefix


def apply_pins(
    results: Iterable[ImageRequest | Skipped | PromptError],
    pins: Mapping[tuple[str, str], str],
    former_ids: FormerIds,
    *,
    store: ObjectStore,
    ledger: Ledger,
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """Put the pinned picture's own request in the place of the one that the catalog gives now.

    So the pinned picture is the stored, current one, and nothing is bought for it. A pin that
    names no single stored picture becomes a PromptError: nothing is bought in its stead.
    """
    for result in results:
        if not isinstance(result, ImageRequest):
            yield result
            continue
        pin = pins.get((result.product_id, result.shot))
        owners = (result.product_id, *former_ids.get(result.product_id, ()))
        yield _find_pinned(result, pin, owners, store, ledger) if pin else result


def _find_pinned(
    request: ImageRequest, pin: str, owners: Iterable[str], store: ObjectStore, ledger: Ledger
) -> ImageRequest | PromptError:
    pictures = list_shorts(store, request.shot, owners, starts_with=pin)
    if len(pictures) == 1:
        (short,) = pictures
        entry = read_stored(store, ledger, short)
        if entry is not None:
            pinned = ImageRequest.from_json(entry.request)
            return replace(pinned, product_id=request.product_id)
    found = "more than one" if pictures else "no"
    return PromptError(
        request.product_id,
        request.shot,
        f"pin {pin!r} of the overrides names {found} stored picture of it; "
        "take the request_fingerprint of one from the manifest or the Dagster UI",
    )


def list_shorts(
    store: ObjectStore, shot: str, owners: Iterable[str], *, starts_with: str = ""
) -> set[str]:
    """The first 32 digits of the fingerprint of each picture that is stored of one shot.

    Args:
        store: the shop's.
        shot: the shot's name.
        owners: the ids of one product: the one of now, and former ones.
        starts_with: only fingerprints that start so.
    """
    return {
        PurePosixPath(key).stem
        for owner in owners
        for key in store.list_keys(f"{picture_prefix(shot, owner)}{starts_with[:32]}")
    }


def read_stored(store: ObjectStore, ledger: LedgerObjects, short: str) -> LedgerEntry | None:
    """The ledger entry of a stored picture; None where none says that it is stored.

    Raises:
        StoreError: it cannot be read.
    """
    for key in store.list_keys(f"{LEDGER_PREFIX}{short[:2]}/{short}"):
        entry = ledger.read(PurePosixPath(key).stem)
        if entry is not None and entry.state == "stored":
            return entry
    return None
