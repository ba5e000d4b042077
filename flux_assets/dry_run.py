"""A plan of the whole catalog without a run: what `flux-assets plan` shows."""

from dataclasses import dataclass
from typing import Any

from flux_assets.assembly import RunIdentity, open_ledger, plan_against_store
from flux_assets.catalog.product import Catalog
from flux_assets.errors import PromptError
from flux_assets.image_request import ImageRequest
from flux_assets.inputs import find_problems, load_catalog, load_overrides, load_shots
from flux_assets.overrides import OverrideProblem
from flux_assets.pins import apply_pins
from flux_assets.plan import Plan, RequestIdentity
from flux_assets.prompts import Skipped, build_requests
from flux_assets.settings import Settings
from flux_assets.store.object_store import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """A catalog, its plan, and what could not be rendered."""

    catalog: Catalog
    requests: tuple[ImageRequest, ...]
    prompt_errors: tuple[PromptError, ...]
    skipped: int
    override_problems: tuple[OverrideProblem, ...]
    plan: Plan

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets plan --json` prints."""
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
            **{str(status): count for status, count in self.plan.counts.items()},
            "orphaned": self.plan.orphaned,
            "cost_usd": self.plan.cost_usd,
            "minutes": self.plan.minutes,
        }


def plan_catalog(settings: Settings, store: ObjectStore, run: RunIdentity) -> DryRun:
    """Read the catalog and the shots, and plan every request against the store.

    Raises:
        SourceError, CatalogError, ShotsFileError, StoreError: they cannot be read.
    """
    shots = load_shots(settings)
    catalog = load_catalog(settings, shots)
    overrides = load_overrides(settings)
    ledger = open_ledger(settings, store, run)
    rendered = build_requests(catalog.products, shots.shots, overrides)
    results = list(apply_pins(rendered, overrides.pins, store=store, ledger=ledger))
    requests = tuple(result for result in results if isinstance(result, ImageRequest))
    identities = [
        RequestIdentity(request.product_id, request.shot, request.fingerprint)
        for request in requests
    ]
    return DryRun(
        catalog=catalog,
        requests=requests,
        prompt_errors=tuple(result for result in results if isinstance(result, PromptError)),
        skipped=sum(isinstance(result, Skipped) for result in results),
        override_problems=tuple(
            find_problems(overrides, (item.product_id for item in catalog.products), shots)
        ),
        plan=plan_against_store(settings, store, ledger, identities),
    )
