"""Requests that were made under a former id of their product stay the requests that they were.

So what was paid under it is found again, and no release buys it twice for reading an id better.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.image_api.request import ImageRequest, as_of_former_id
from flux_assets.prompts.requests import Skipped
from flux_assets.storage.object_store import ObjectStore, picture_prefix
from flux_assets.storage.stored_pictures import list_pictures

FormerIds = Mapping[str, tuple[str, ...]]
"""The former ids of each product that has any."""

_LIST_ABOVE = 200
"""One listing page names 1,000 pictures, and a listing of one product's is a page too."""


def find_former_ids(products: Iterable[Product]) -> FormerIds:
    """Those of the products whose id an earlier release may have read in another way."""
    return {product.product_id: product.former_ids for product in products if product.former_ids}


def adopt_former(
    results: Iterable[ImageRequest | Skipped | PromptError],
    former_ids: FormerIds,
    *,
    store: ObjectStore,
    ledger: Ledger,
) -> Iterator[ImageRequest | Skipped | PromptError]:
    """Put the request as it was under a former id in the place of one that was never made.

    It keeps its product's id of now, so that the manifest and Dagster show it there; its seed,
    its fingerprint and the place of its picture stay those of the call that was paid.

    Args:
        results: as `build_requests` gives them.
        former_ids: of the products that have any.
        store: the shop's.
        ledger: of the same store.

    Raises:
        StoreError: it cannot be read.
    """
    if not former_ids:
        yield from results
        return
    listed = list(results)
    requests = [it for it in listed if isinstance(it, ImageRequest) and it.product_id in former_ids]
    made = _find_made(requests, former_ids, store, ledger)
    for result in listed:
        if isinstance(result, ImageRequest):
            yield made.get(result.fingerprint, result)
        else:
            yield result


def _find_made(
    requests: Sequence[ImageRequest], former_ids: FormerIds, store: ObjectStore, ledger: Ledger
) -> Mapping[str, ImageRequest]:
    """By the fingerprint of a request that was never made: the former one that was."""
    former = {
        request.fingerprint: [as_of_former_id(request, it) for it in former_ids[request.product_id]]
        for request in requests
    }
    prefixes = [
        picture_prefix(request.shot, product_id)
        for request in requests
        for product_id in (request.product_id, *former_ids[request.product_id])
    ]
    listed = list_pictures(store, prefixes if len(prefixes) <= _LIST_ABOVE else None)
    pictures = set(listed.shorts.to_pylist())
    found: dict[str, ImageRequest] = {}
    unknown = []
    for fingerprint, candidates in former.items():
        if fingerprint[:32] in pictures:
            continue
        stored = [it for it in candidates if it.fingerprint[:32] in pictures]
        if stored:
            found[fingerprint] = stored[0]
        else:
            unknown.append(fingerprint)
    wanted = [it.fingerprint for fingerprint in unknown for it in former[fingerprint]]
    entries = ledger.read_many([*unknown, *wanted])
    for fingerprint in unknown:
        if not _was_sent(entries.get(fingerprint)):
            sent = (it for it in former[fingerprint] if _was_sent(entries.get(it.fingerprint)))
            if (first := next(sent, None)) is not None:
                found[fingerprint] = first
    return found


def _was_sent(entry: LedgerEntry | None) -> bool:
    """Whether a call may have been paid or answered that nobody has released since."""
    return entry is not None and (entry.state in {"stored", "accepted"} or entry.attempts > 0)
