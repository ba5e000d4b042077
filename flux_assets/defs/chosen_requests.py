"""What chosen products of one shot ask for now, and why others of them ask for nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from flux_assets.bill.ledger import Ledger
from flux_assets.buying.summary import Shortfall
from flux_assets.catalog.product import Product
from flux_assets.catalog.tables import read_products
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.guards import guard_drop
from flux_assets.errors import PromptError, ShotsFileError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.product_names import ProductName
from flux_assets.planning.choices import Choices
from flux_assets.planning.reasons import list_products, list_reasons
from flux_assets.prompts.catalog_reading import find_products, refresh_reading
from flux_assets.prompts.former_ids import FormerIds, find_former_ids
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.requests import Skipped
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.sources import shown_uri

Chosen = tuple[list[Product], Mapping[str, str]]
"""Products, and why others that were asked for are none, by their ids."""

ChooseProducts = Callable[[Settings, ShotsFile, ObjectStore], Chosen]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What some products ask for, why others ask for nothing, their former ids and names.

    Of the skipped ones no picture is wanted.
    """

    requests: Sequence[ImageRequest]
    skipped: Sequence[Skipped]
    shortfalls: Sequence[Shortfall]
    former_ids: FormerIds
    products: Mapping[str, ProductName]


@put_off_full_collections()
def build_requests(
    settings: Settings,
    shot_name: str,
    choose: ChooseProducts,
    *,
    store: ObjectStore,
    ledger: Ledger,
) -> Made:
    """What is made now of the products that are chosen from the catalog."""
    shots = load_shots(settings)
    shot = next((shot for shot in shots.shots if shot.name == shot_name), None)
    if shot is None:
        raise ShotsFileError(shots.name, f"shot {shot_name!r} is gone; reload the code location")
    chosen, absent = choose(settings, shots, store)
    unmade = partial(Shortfall, shot=shot_name, fingerprint="", kind="failed")
    shortfalls = [unmade(product_id=it, reason=reason) for it, reason in absent.items()]
    requests: list[ImageRequest] = []
    skipped: list[Skipped] = []
    overrides = load_overrides(settings)
    for result in render_requests(
        settings, store, ledger, products=chosen, shots=[shot], overrides=overrides
    ):
        if isinstance(result, PromptError):
            shortfalls.append(unmade(product_id=result.product_id, reason=str(result)))
        elif isinstance(result, Skipped):
            skipped.append(result)
        else:
            requests.append(result)
    return Made(
        requests=requests,
        skipped=skipped,
        shortfalls=shortfalls,
        former_ids=find_former_ids(chosen),
        products={it.product_id: ProductName(it.title, it.category) for it in chosen},
    )


def build_skipped(skipped: Skipped) -> Shortfall:
    """Why there is no picture, where it was asked for all the same."""
    return Shortfall(
        product_id=skipped.product_id,
        shot=skipped.shot,
        fingerprint="",
        kind="failed",
        reason=f"skipped ({skipped.reason}): {skipped.message}",
    )


def choose_by_id(product_ids: Sequence[str]) -> ChooseProducts:
    """These products, and why some are none; the export is read again only for those.

    A backfill is many runs of few products each, and the whole export takes longer than they do.
    """

    def choose(settings: Settings, shots: ShotsFile, store: ObjectStore) -> Chosen:
        products = find_products(settings, store, shots, product_ids)
        if products.keys() >= set(product_ids):
            return [products[product_id] for product_id in product_ids], {}
        catalog = load_catalog(settings, shots)
        products = {product.product_id: product for product in catalog.products}
        absent = [product_id for product_id in product_ids if product_id not in products]
        choices = Choices(product_ids=absent)
        listed = list_products(catalog.products)
        reasons = list_reasons(catalog, listed, (), (), choices)
        told = {item.product_id: item.message for item in reasons}
        gone = f"not in {shown_uri(settings.catalog)} any more"
        return (
            [products[product_id] for product_id in product_ids if product_id in products],
            {product_id: told.get(product_id, gone) for product_id in absent},
        )

    return choose


def choose_by_bucket(buckets: Collection[str]) -> ChooseProducts:
    """All products of these buckets; the last refresh's, where the export is still the same.

    It raises ProductDropError where a refresh would, since nobody has named the products.
    """

    def choose(settings: Settings, shots: ShotsFile, store: ObjectStore) -> Chosen:
        table = refresh_reading(settings, store, shots, keeps=False).products
        guard_drop(settings, store, table)
        product_ids = table.read_texts("product_id")
        chosen = {it for it in product_ids if bucket_of(it) in buckets}
        return list(read_products(table.read(where=("product_id", chosen)))), {}

    return choose
