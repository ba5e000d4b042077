"""A plan of the whole catalog without a run: what `flux-assets plan` shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import Any

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.catalog.product import Catalog
from flux_assets.errors import (
    CapExceededError,
    ProductDropError,
    PromptError,
    SuspectedEncodingError,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.stored import open_manifest, read_manifest_products
from flux_assets.pictures.photos.search import Accepts
from flux_assets.planning.against_store import check_run, plan_against_store, run_cap
from flux_assets.planning.changes import count_changes, explain_changes
from flux_assets.planning.choices import Choices, choose, select_rows
from flux_assets.planning.plan import Plan, estimate
from flux_assets.planning.plan_table import STATUSES, PlanRow, build_plan_table, read_plan_rows
from flux_assets.planning.reasons import (
    WITH_PICTURE,
    Reason,
    check_choices,
    count_reasons,
    explain_choices,
    list_reasons,
)
from flux_assets.prompts.former_ids import find_former_ids
from flux_assets.prompts.inputs import (
    find_problems,
    load_catalog,
    load_overrides,
    load_shots,
    refuse_guess,
)
from flux_assets.prompts.overrides import OverrideProblem
from flux_assets.prompts.rendering import render_requests
from flux_assets.prompts.requests import Skipped
from flux_assets.prompts.requests_table import build_identities, list_doubted
from flux_assets.settings import Settings
from flux_assets.storage.frames import build_frame
from flux_assets.storage.object_store import ObjectStore

_NAMES = ("product_id", "category", "title")


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A catalog, the plan of what is chosen of it, and what a run with these choices would do.

    `to_buy` and `left_over_cap` are as of `ChosenWork`. `reasons` say why chosen products have no
    picture, `notes` the same in words of those chosen by their id. `doubted` are the products whose
    photo is. `obstacle` says why such a run would be refused; empty where it would not.
    """

    catalog: Catalog
    requests: tuple[ImageRequest, ...]
    prompt_errors: tuple[PromptError, ...]
    skipped: int
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    override_problems: tuple[OverrideProblem, ...]
    doubted: tuple[PlanRow, ...]
    plan: Plan
    to_buy: int
    left_over_cap: int
    obstacle: str

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets plan --json` prints."""
        takes = estimate(self.to_buy, self.plan.limits)
        return {
            "catalog": {
                "dialect": self.catalog.dialect,
                "rows": self.catalog.rows,
                "products": len(self.catalog.products),
                "rejected_rows": len(self.catalog.rejected_rows),
            },
            "requests": len(self.requests),
            "prompt_errors": len(self.prompt_errors),
            "override_problems": len(self.override_problems),
            "skipped": self.skipped,
            "doubted_photos": len(self.doubted),
            "without_picture": count_reasons(self.reasons),
            **{str(status): count for status, count in self.plan.counts.items()},
            "changed_by": dict(count_changes(self.plan)),
            "orphaned": self.plan.orphaned,
            "to_buy": self.to_buy,
            "left_over_cap": self.left_over_cap,
            "cost_usd": takes.cost_usd,
            "minutes": takes.minutes,
            "binding_limit": takes.binding_limit,
            "obstacle": self.obstacle,
        }


def plan_catalog(
    settings: Settings, store: ObjectStore, run: RunIdentity, choices: Choices
) -> DryRun:
    """Read the catalog and the shots, and plan the chosen requests against the store.

    Raises:
        SourceError, CatalogError, ShotsFileError, StoreError: they cannot be read.
        ChoiceError: a chosen category or shot does not exist, or none of the chosen products.
    """
    import numpy as np

    shots = load_shots(settings)
    catalog = load_catalog(settings, shots, only_shows=True)
    check_choices(choices, catalog, [shot.name for shot in shots.shots])
    overrides = load_overrides(settings)
    ledger = open_ledger(settings, store, run)
    render = partial(render_requests, settings, store, ledger, overrides=overrides)
    accepts: Accepts = "for_now" if choices.accept_changes else "nothing"
    results = list(render(products=catalog.products, shots=shots.shots, accepts=accepts))
    requests = [result for result in results if isinstance(result, ImageRequest)]
    manifest = open_manifest(store)
    planned = _plan_all(settings, store, ledger, catalog, requests)
    whole = explain_changes(planned, requests, manifest)
    cap = run_cap(settings, choices)
    work = choose(whole.table, choices, cap=cap, are_known=lambda rows: np.ones(len(rows), bool))
    plan = replace(
        whole,
        table=select_rows(whole.table, choices),
        limits=replace(whole.limits, max_images_per_run=cap.max_images),
    )
    chosen = set(plan.table["fingerprint"])
    without = plan.rows_that_are(set(STATUSES) - WITH_PICTURE)
    reasons = list_reasons(catalog, results, without, choices)
    product_ids = {item.product_id for item in catalog.products}
    return DryRun(
        catalog=catalog,
        requests=tuple(request for request in requests if request.fingerprint in chosen),
        prompt_errors=tuple(result for result in results if isinstance(result, PromptError)),
        skipped=sum(isinstance(result, Skipped) for result in results),
        reasons=tuple(reasons),
        notes=tuple(explain_choices(choices, catalog, reasons)),
        override_problems=tuple(find_problems(overrides, product_ids, shots)),
        doubted=_select_doubted(results, choices, catalog),
        plan=plan,
        to_buy=len(work.to_buy),
        left_over_cap=work.left_over_cap,
        obstacle=_find_obstacle(
            settings,
            choices,
            catalog=catalog,
            known=read_manifest_products(manifest, build_identities(requests)),
            to_buy=len(work.to_buy),
        ),
    )


def _select_doubted(
    results: Iterable[ImageRequest | Skipped | PromptError], choices: Choices, catalog: Catalog
) -> tuple[PlanRow, ...]:
    """The chosen products whose photo is doubted, whether a request was made or not."""
    categories = {product.product_id: product.category for product in catalog.products}
    rows = (
        PlanRow(*identity, "held", reason=doubt, category=categories[identity.product_id])
        for identity, doubt in list_doubted(results)
    )
    return tuple(read_plan_rows(select_rows(build_plan_table(rows), choices)))


def _plan_all(
    settings: Settings,
    store: ObjectStore,
    ledger: Ledger,
    catalog: Catalog,
    requests: Sequence[ImageRequest],
) -> Plan:
    """Every request of the catalog against the store, chosen or not."""
    return plan_against_store(
        settings,
        store,
        ledger,
        build_identities(requests),
        products=build_frame(map(attrgetter(*_NAMES), catalog.products), _NAMES, numbers=()),
        former_ids=find_former_ids(catalog.products),
        doubts={item.fingerprint: item.doubt for item in requests if item.doubt},
    )


def _find_obstacle(
    settings: Settings,
    choices: Choices,
    *,
    catalog: Catalog,
    known: set[str],
    to_buy: int,
) -> str:
    try:
        refuse_guess(catalog)
        check_run(
            settings,
            choices,
            known=known,
            product_ids={product.product_id for product in catalog.products},
            to_buy=to_buy,
        )
    except (CapExceededError, ProductDropError, SuspectedEncodingError) as error:
        return str(error)
    return ""
