"""Why products that were chosen for a refresh have no picture, for its report."""

from typing import TYPE_CHECKING

from flux_assets.bill.ledger import Ledger
from flux_assets.planning.choices import Choices
from flux_assets.planning.reasons import (
    check_choices,
    explain_choices,
    list_products,
    list_reasons,
)
from flux_assets.prompts.inputs import load_catalog, load_overrides, load_shots
from flux_assets.prompts.rendering import render_requests
from flux_assets.settings import Settings
from flux_assets.storage.frames import is_in
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:
    import pandas as pd


def explain_chosen(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    choices: Choices,
    *,
    asked: "pd.DataFrame",
    plan: StoredTable,
) -> list[str]:
    """Why chosen products have no picture; the catalog is read again only where some have none.

    Args:
        settings: which name the catalog.
        store: the shop's.
        ledger: of the same store.
        choices: of the run.
        asked: all requests, with product, shot, `error` and `skipped`.
        plan: of them.

    Raises:
        ChoiceError: a chosen category or shot does not exist, or none of the chosen products.
    """
    chosen_ids, shot_names = set(choices.product_ids), set(choices.shots)
    of_chosen = asked[is_in(asked["product_id"], chosen_ids)]
    lacking = set(
        of_chosen[(of_chosen["error"] != "") | (of_chosen["skipped"] != "")]["product_id"]
    )
    lacking |= chosen_ids - set(of_chosen["product_id"])
    of_categories = plan.read(("category",), where=("category", choices.categories))
    known_categories, known_shots = set(of_categories["category"]), set(asked["shot"].unique())
    if not lacking and known_categories >= set(choices.categories) and known_shots >= shot_names:
        return []
    shots = load_shots(settings)
    catalog = load_catalog(settings, shots)
    listed = list_products(catalog.products)
    check_choices(choices, catalog, listed, [shot.name for shot in shots.shots])
    products = [item for item in catalog.products if item.product_id in lacking]
    results = render_requests(
        settings,
        store,
        ledger,
        products=products,
        shots=[shot for shot in shots.shots if shot.name in (shot_names or known_shots)],
        overrides=load_overrides(settings),
    )
    reasons = list_reasons(catalog, listed, results, (), choices)
    return explain_choices(choices, catalog, listed, reasons)
