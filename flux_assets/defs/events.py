"""Each picture as a Dagster event of its own, logged when it lands."""

from collections.abc import Iterable, Mapping
from functools import partial

import dagster as dg
from dagster import DagsterRunStatus

from flux_assets.bill.open_ledger import RunIdentity
from flux_assets.buying.outcome import Outcome, reroll_command
from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.defs.data_versions import picture_version_tags
from flux_assets.defs.markdown import defuse_markdown
from flux_assets.defs.names import Names
from flux_assets.defs.review_links import link_picture
from flux_assets.defs.run_processes import announce_process
from flux_assets.manifest.product_names import ProductName
from flux_assets.pictures.inspect import preview_markdown
from flux_assets.pictures.lineage import build_plain_metadata
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

MODE_TAG = "flux_assets/mode"
TO_OBTAIN = "to_obtain"
"""Metadata of the last output before a run buys: how many pictures all its shards are to get."""
_PROVEN_ENDS = frozenset({DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE})
"""A canceled run may have been marked so by force, while its process goes on."""


def build_materialization(
    outcome: Outcome,
    *,
    settings: Settings,
    names: Names,
    store: ObjectStore,
    product: ProductName | None,
) -> dg.AssetMaterialization:
    """One picture as a materialization of `images/<shot>` at its product."""
    lineage = outcome.lineage
    if lineage is None:
        message = f"a {outcome.kind} outcome has no picture to report"
        raise ValueError(message)
    metadata: dict[str, dg.MetadataValue | str | int | float] = {}
    metadata |= (
        {known: text for known, text in product._asdict().items() if text} if product else {}
    )
    if outcome.preview:
        alt = f"{lineage.product_id} {lineage.shot}"
        metadata["preview"] = dg.MetadataValue.md(preview_markdown(outcome.preview, alt))
    metadata["object_uri"] = store.uri_for(lineage.object_key)
    url = store.url_for(lineage.object_key)
    if url:
        metadata["url"] = dg.MetadataValue.url(url)
    metadata |= link_picture(settings, lineage.product_id, lineage.shot)
    plain = build_plain_metadata(lineage)
    metadata |= {name: value for name, value in plain.items() if value is not None}
    metadata["outcome"] = outcome.kind
    metadata["another_picture"] = reroll_command(outcome.request.product_id, outcome.request.shot)
    return dg.AssetMaterialization(
        asset_key=names.key("images", lineage.shot),
        partition=lineage.product_id,
        description=f"{outcome.kind} sample" if lineage.mode == "sample" else outcome.kind,
        metadata=metadata,
        tags={
            **picture_version_tags(
                lineage.request_fingerprint, lineage.mode, names.key("refreshed_images")
            ),
            MODE_TAG: lineage.mode,
        },
    )


def build_observation(shortfall: Shortfall, *, names: Names) -> dg.AssetObservation:
    """Why a product has no picture, as an event of `images/<shot>` at that product."""
    return dg.AssetObservation(
        asset_key=names.key("images", shortfall.shot),
        partition=shortfall.product_id,
        description=defuse_markdown(shortfall.reason),
        metadata={"outcome": shortfall.kind},
    )


def log_outcomes(
    context: dg.OpExecutionContext | dg.AssetExecutionContext,
    outcomes: Iterable[Outcome],
    *,
    settings: Settings,
    names: Names,
    store: ObjectStore,
    products: Mapping[str, ProductName],
) -> RunSummary:
    """Log each picture as it lands, with its product's name, and add everything up."""
    summary = RunSummary()
    for outcome in outcomes:
        if outcome.lineage is not None:
            product = products.get(outcome.lineage.product_id)
            event = build_materialization(
                outcome, settings=settings, names=names, store=store, product=product
            )
            context.log_event(event)
        summary.add(outcome)
    return summary


def run_identity(context: dg.OpExecutionContext | dg.AssetExecutionContext) -> RunIdentity:
    """This run and step, as the ledger's claims name them; the run's log says which process it is.

    Raises:
        Failure: the run has ended already.
    """
    instance = context.instance
    step = context.get_step_execution_context().step.key
    announce_process(instance, context.run, step=step)
    return RunIdentity(
        run_id=context.run.run_id, step=step, is_run_dead=partial(is_run_dead, instance)
    )


def is_run_dead(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether this Dagster instance proves that a run has ended; unknown runs prove nothing."""
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status in _PROVEN_ENDS
