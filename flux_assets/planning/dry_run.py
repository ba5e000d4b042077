"""A plan of the whole catalog without a run: what `flux-assets plan` shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flux_assets.bill.open_ledger import RunIdentity, open_ledger
from flux_assets.catalog.product import Catalog
from flux_assets.errors import (
    CapExceededError,
    ProductDropError,
    PromptError,
    SuspectedEncodingError,
)
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.stored import count_product_drop, open_manifest
from flux_assets.planning.against_store import PLANNED, check_run, plan_all, run_cap
from flux_assets.planning.changes import count_changes
from flux_assets.planning.choices import Choices, count_to_buy, select_rows
from flux_assets.planning.plan import Plan, estimate
from flux_assets.planning.plan_table import (
    STATUSES,
    PlanRow,
    build_plan_table,
    cut_plan,
    read_plan_rows,
)
from flux_assets.planning.reasons import (
    WITH_PICTURE,
    Reason,
    check_choices,
    count_reasons,
    explain_choices,
    list_reasons,
)
from flux_assets.prompts.catalog_reading import show_catalog
from flux_assets.prompts.inputs import (
    find_problems,
    load_overrides,
    load_shots,
    refuse_guess,
)
from flux_assets.prompts.overrides import OverrideProblem
from flux_assets.prompts.request_reuse import refresh_requests_table
from flux_assets.prompts.requests import Skipped
from flux_assets.prompts.requests_table import (
    Doubted,
    read_doubted,
    read_failures,
    read_requests,
)
from flux_assets.settings import Settings
from flux_assets.storage.buckets import advise_buckets
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a plan is really made
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A catalog, the plan of what is chosen of it, and what a run with these choices would do.

    `catalog` has no products, which are the rows of `products`.
    `requests` is the table of all of them, of which `plan` has those that are chosen.
    `to_buy` and `left_over_cap` are as of `ChosenWork`. `reasons` say why chosen products have no
    picture, `notes` the same in words of those chosen by their id. `doubted` are the products whose
    photo is. `advice` is for a shop with many products. `obstacle` says why such a run would be
    refused; both are empty where there is nothing to say.
    """

    catalog: Catalog
    products: StoredTable
    advice: str
    requests: StoredTable
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

    def read_requests(self, fingerprints: Collection[str]) -> list[ImageRequest]:
        """Some of the requests, in the plan's order."""
        return list(read_requests(self.requests.read(where=("fingerprint", fingerprints))))

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets plan --json` prints."""
        takes = estimate(self.to_buy, self.plan.limits)
        return {
            "catalog": {
                "dialect": self.catalog.dialect,
                "rows": self.catalog.rows,
                "products": self.products.count_rows(),
                "rejected_rows": len(self.catalog.rejected_rows),
            },
            "requests": len(self.plan.table),
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
            "advice": self.advice,
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
    shots = load_shots(settings)
    catalog, products = show_catalog(settings, store, shots, asks_by_id=bool(choices.product_ids))
    listed = products.read((*PLANNED, "line"))
    check_choices(choices, catalog, listed, [shot.name for shot in shots.shots])
    overrides = load_overrides(settings)
    ledger = open_ledger(settings, store, run)
    requests = refresh_requests_table(
        settings,
        store,
        ledger,
        products=products,
        shots=shots,
        overrides=overrides,
        accepts="for_now" if choices.accept_changes else "nothing",
        keeps=False,
    )
    whole = plan_all(settings, store, ledger, requests, listed)
    cap = run_cap(settings, choices)
    to_buy, left_over_cap = count_to_buy(cut_plan(whole.table), choices, cap=cap)
    plan = replace(
        whole,
        table=select_rows(whole.table, choices),
        limits=replace(whole.limits, max_images_per_run=cap.max_images),
    )
    failures = read_failures(requests)
    without = plan.rows_that_are(set(STATUSES) - WITH_PICTURE)
    reasons = list_reasons(catalog, listed, failures, without, choices)
    return DryRun(
        catalog=catalog,
        products=products,
        advice=advise_buckets(settings, len(listed)),
        requests=requests,
        prompt_errors=tuple(it for it in failures if isinstance(it, PromptError)),
        skipped=sum(isinstance(it, Skipped) for it in failures),
        reasons=tuple(reasons),
        notes=tuple(explain_choices(choices, catalog, listed, reasons)),
        override_problems=tuple(find_problems(overrides, listed["product_id"], shots)),
        doubted=_select_doubted(read_doubted(requests), choices, listed),
        plan=plan,
        to_buy=to_buy,
        left_over_cap=left_over_cap,
        obstacle=_find_obstacle(settings, store, choices, catalog, requests, to_buy),
    )


def _select_doubted(
    doubted: Sequence[Doubted], choices: Choices, products: "pd.DataFrame"
) -> tuple[PlanRow, ...]:
    """The chosen products whose photo is doubted, whether a request was made or not."""
    chosen = products[is_in(products["product_id"], {it.identity.product_id for it in doubted})]
    categories = dict(read_rows(chosen, ("product_id", "category")))
    rows = (
        PlanRow(*identity, "held", reason=doubt, category=categories[identity.product_id])
        for identity, doubt in doubted
    )
    return tuple(read_plan_rows(select_rows(build_plan_table(rows), choices)))


def _find_obstacle(  # noqa: PLR0917 - all that a run is refused for
    settings: Settings,
    store: ObjectStore,
    choices: Choices,
    catalog: Catalog,
    requests: StoredTable,
    to_buy: int,
) -> str:
    try:
        refuse_guess(catalog)
        check_run(
            settings,
            choices,
            drop=count_product_drop(open_manifest(store), requests),
            to_buy=to_buy,
        )
    except (CapExceededError, ProductDropError, SuspectedEncodingError) as error:
        return str(error)
    return ""
