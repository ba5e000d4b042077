"""Which pictures of a store somebody still wants: these are never deleted."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from flux_assets.bill.caps import ProductDrop, check_product_drop
from flux_assets.bill.ledger import Ledger
from flux_assets.catalog.product import Catalog
from flux_assets.errors import FluxAssetsError, ProductDropError
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.repair import ManifestAudit
from flux_assets.manifest.stored import open_manifest
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.overrides import OverridesFile
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectStore, quote_segment

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

_Owner = tuple[str, str]
"""A shot, and a product as a key has it."""

_READ = ("shot", "product_id", "object_key", "request_fingerprint", "stale")


class PruneError(FluxAssetsError):
    """Nothing can be deleted as things stand, and nothing was."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"nothing was deleted: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPictures:
    """What the manifest, the last refresh and its inputs as they are now say of pictures.

    Args:
        manifest: with what the last refresh asked for.
        named: every object key in the manifest.
        asked: the short fingerprints of what the inputs ask for now, pins aside.
        pins: the first digits of the fingerprints that overrides pin, of any product.
        published: the short fingerprints of what is shown elsewhere, or could be shown again.
        current: of each product and shot whose picture is as the inputs ask for it now: its key.
        products, shots: of the catalog, drafts and archived products included, as in keys.
    """

    manifest: ManifestAudit
    named: frozenset[str]
    asked: frozenset[str]
    pins: tuple[str, ...]
    published: AbstractSet[str]
    current: Mapping[_Owner, str]
    products: frozenset[str]
    shots: frozenset[str]

    def has(self, key: str, short: str) -> bool:
        """Whether a picture, by its key and short fingerprint, is shown, asked for or pinned."""
        return (
            key in self.named
            or short in self.asked
            or short.startswith(self.pins)
            or self.manifest.is_current(short)
        )

    def has_owner(self, shot: str, quoted_product: str) -> bool:
        """Whether there is still this shot of this product, though maybe no picture is wanted."""
        is_in_inputs = shot in self.shots and quoted_product in self.products
        return is_in_inputs or self.manifest.has_owner(shot, quoted_product)


def read_wanted_pictures(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    judges_owners: bool,
    published: AbstractSet[str],
) -> WantedPictures:
    """Read all that names pictures.

    Args:
        settings: which name the inputs.
        store: the shop's.
        ledger: of the same store, for the pins.
        judges_owners: whether what has no owner is to be deleted, so that each row that the
            catalog has must be understood.
        published: the short fingerprints of what this room knows nothing of: what sales channels
            show, or could go back to.

    Raises:
        PruneError: some of it cannot be read, or not be relied on.
    """
    try:
        return _read(settings, store, ledger, judges_owners=judges_owners, published=published)
    except PruneError:
        raise
    except FluxAssetsError as error:
        raise PruneError(str(error)) from error


def _read(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    *,
    judges_owners: bool,
    published: AbstractSet[str],
) -> WantedPictures:
    manifest, audit = _read_manifest(store)
    shots = load_shots(settings)
    catalog = load_catalog(settings, shots)
    overrides = _read_overrides(settings)
    if judges_owners and catalog.rejected_rows:
        raise PruneError(
            f"{len(catalog.rejected_rows)} rows of {catalog.name} were rejected, and their "
            "products would look as if they were gone. Mend those that `flux-assets plan` names, "
            "or prune without --orphaned"
        )
    product_ids = _list_ids(catalog)
    known = set(manifest["product_id"])
    drop = ProductDrop(known=len(known), gone=len(known - product_ids))
    _check_drop(settings, drop)
    if judges_owners:
        product_ids |= _read_unpublished(settings, shots)
    rendered = render_requests(
        settings,
        store,
        ledger,
        products=catalog.products,
        shots=shots.shots,
        overrides=_without_pins(overrides),
    )
    asked = frozenset(it.fingerprint[:32] for it in rendered if isinstance(it, ImageRequest))
    pins = tuple(pin[:32] for pin in overrides.pins.values())
    return WantedPictures(
        manifest=audit,
        named=frozenset(manifest["object_key"]),
        asked=asked,
        pins=pins,
        published=published,
        current=_find_current(manifest, asked, pins),
        products=frozenset(map(quote_segment, product_ids)),
        shots=frozenset(shot.name for shot in shots.shots),
    )


def _read_manifest(store: ObjectStore) -> "tuple[pd.DataFrame, ManifestAudit]":
    stored = open_manifest(store)
    if stored is None:
        raise PruneError(
            f"{store.uri} has no manifest, which names the pictures that are shown; "
            "`flux-assets refresh` writes it"
        )
    if not set(_READ) <= set(stored.column_names):
        raise PruneError("an older release wrote the manifest; `flux-assets refresh` renews it")
    audit = ManifestAudit(store)
    for key, problem in audit.unreadable.items():
        raise PruneError(f"{store.uri_for(key)}: {problem}")
    return stored.read(_READ), audit


def _read_overrides(settings: Settings) -> OverridesFile:
    overrides = load_overrides(settings)
    for problem in overrides.problems:
        raise PruneError(
            f"line {problem.line} of the overrides may pin a picture and is not understood "
            f"({problem.message}); mend it"
        )
    return overrides


def _without_pins(overrides: OverridesFile) -> OverridesFile:
    """What is asked for once the pins are gone is still wanted, beside what they name."""
    return replace(
        overrides,
        overrides={who: replace(row, pin="") for who, row in overrides.overrides.items()},
    )


def _check_drop(settings: Settings, drop: ProductDrop) -> None:
    try:
        check_product_drop(drop, max_percent=settings.max_product_drop_percent)
    except ProductDropError as error:
        raise PruneError(
            f"{error.gone} of the {error.known} products of the manifest are not in this catalog, "
            "which may have been cut short. If the export is right, run "
            "`flux-assets refresh --accept-drop` first"
        ) from error


def _read_unpublished(settings: Settings, shots: ShotsFile) -> set[str]:
    whole = load_catalog(settings, replace(shots, include_unpublished=True))
    return _list_ids(whole)


def _list_ids(catalog: Catalog) -> set[str]:
    """Those that its products have, or had when a picture of them was stored."""
    products = catalog.products
    return {it for product in products for it in (product.product_id, *product.former_ids)}


def _find_current(
    manifest: "pd.DataFrame", asked: frozenset[str], pins: tuple[str, ...]
) -> Mapping[_Owner, str]:
    return {
        (shot, quote_segment(product_id)): key
        for shot, product_id, key, fingerprint, stale in read_rows(manifest, _READ)
        if not stale and (fingerprint[:32] in asked or fingerprint.startswith(pins))
    }
