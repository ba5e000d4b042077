"""`refreshed_images`: the whole plan in one run, spread over shards, one event a picture."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from flux_assets.bill.open_ledger import open_ledger
from flux_assets.buying.generation import WorkItem, open_generation
from flux_assets.buying.summary import RunSummary
from flux_assets.defs.bucket_events import count_outcomes
from flux_assets.defs.events import TO_OBTAIN, log_outcomes, run_identity
from flux_assets.defs.explained_choices import explain_chosen
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.guards import guard_run
from flux_assets.defs.images import GROUP, OWNERS
from flux_assets.defs.known import Known, read_known, read_known_before
from flux_assets.defs.known_pictures import KnownPictures
from flux_assets.defs.names import Names
from flux_assets.defs.pools import API_POOL
from flux_assets.defs.reports import summary_report
from flux_assets.defs.resources import IMAGE_API, STORE, image_api_of, open_stores
from flux_assets.defs.run_choices import RefreshConfig, launchpad_fields, read_launchpad
from flux_assets.defs.unwanted import log_unwanted
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.product_names import ProductName
from flux_assets.planning.against_store import run_cap
from flux_assets.planning.choices import Choices, ChosenWork, choose
from flux_assets.planning.plan_table import read_plan_parts, read_stored
from flux_assets.prompts.requests_table import read_requests
from flux_assets.settings import Settings
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.frames import name_values
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.parquet_file import release_unused

if TYPE_CHECKING:
    import pandas as pd


def build_refreshed_images(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `refreshed_images`: shards -> generate, mapped -> summary."""
    # Within the graph by their plain names, which stand in a run's config and in its steps' keys.
    plan_shards = build_plan_shards(settings, names).alias("plan_shards")
    generate_shard = build_generate_shard(settings, names).alias("generate_shard")
    summarize = build_summarize(settings, names).alias("summarize")

    @dg.config_mapping(config_schema=launchpad_fields(settings))
    def choices(config: Mapping[str, Any]) -> dict[str, Any]:
        return {"plan_shards": {"config": read_launchpad(config).model_dump()}}

    @dg.graph_asset(
        key=names.key("refreshed_images"),
        ins={
            "requests": dg.AssetIn(key=names.key("image_requests")),
            "plan": dg.AssetIn(key=names.key("image_plan")),
        },
        config=choices,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"flux"},
        description=(
            "Buys what the plan says is new or changed, fetches what is paid, and reports each "
            "picture as a materialization of `images/<shot>` at its product."
        ),
    )
    def refreshed_images(requests: Any, plan: Any) -> Any:  # noqa: ANN401 - data frames
        shards, effortless = plan_shards(requests, plan)
        return summarize(effortless, shards.map(generate_shard).collect())

    return refreshed_images


def build_plan_shards(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that chooses the run's work, checks the cap, and cuts it into shards."""

    @dg.op(
        name=names.op("plan_shards"),
        ins=dict.fromkeys(("requests", "plan"), dg.In(input_manager_key=names.tables)),
        out={
            "shards": dg.DynamicOut(io_manager_key=names.steps),
            "effortless": dg.Out(io_manager_key=names.steps),
        },
        required_resource_keys={names.resource(STORE)},
    )
    def plan_shards(
        context: dg.OpExecutionContext,
        config: RefreshConfig,
        requests: StoredTable,
        plan: StoredTable,
    ) -> Iterator[dg.DynamicOutput[Any] | dg.Output[dict[str, Any]]]:
        choices = Choices(**config.model_dump())
        asked = requests.read(("product_id", "shot", "error", "skipped"))
        shop_store = open_stores(context, names).shop
        ledger = open_ledger(settings, shop_store, run_identity(context))
        notes = explain_chosen(settings, shop_store, ledger, choices, asked=asked, plan=plan)
        for note in notes:
            context.log.warning(note)
        whose = context.instance, settings, names
        shots, stored = asked["shot"].unique(), partial(read_stored, plan)
        known = read_known(*whose, shots=shots, read_stored=stored)
        work = _choose_work(settings, choices, plan, known)
        guard_run(
            settings,
            choices,
            (shop_store, ledger),
            requests=requests,
            to_buy=work.to_buy,
            known=known,
            read_known_before=partial(read_known_before, *whose, shots=shots, read_stored=stored),
        )
        if isinstance(known, KnownPictures):
            log_unwanted(context, settings, names, asked=asked, plan=plan, work=work, known=known)
        context.log.info(
            "%d pictures to buy, %d to look after, %d stored ones that Dagster does not know yet",
            *map(len, (work.to_buy, work.to_finish, work.to_report)),
        )
        for number, shard in enumerate(_cut_shards(settings, choices, work, requests)):
            yield dg.DynamicOutput(shard, output_name="shards", mapping_key=f"{number:05d}")
        effortless = _sum_effortless(work, choices, asked, notes).to_json()
        yield dg.Output(effortless, "effortless", metadata={TO_OBTAIN: work.to_obtain})

    return plan_shards


def _sum_effortless(
    work: ChosenWork, choices: Choices, asked: "pd.DataFrame", notes: list[str]
) -> RunSummary:
    """What there is to say of the run before any shard has begun."""
    summary = RunSummary(
        left_over_cap=work.left_over_cap, accept_drop=choices.accept_drop, notes=notes
    )
    summary.counts["reused"] = work.already_known
    summary.counts["skipped"] = int((asked["skipped"] != "").sum())
    return summary


@put_off_full_collections()
def _choose_work(
    settings: Settings, choices: Choices, plan: StoredTable, known: Known
) -> ChosenWork:
    cap, parts = run_cap(settings, choices), read_plan_parts(plan)
    work = choose(parts, choices, cap=cap, are_known=known.are_known)
    release_unused()
    return work


def _cut_shards(
    settings: Settings, choices: Choices, work: ChosenWork, requests: StoredTable
) -> Iterator[dict[str, Any]]:
    rows = [*work.to_report, *work.to_finish, *work.to_buy]
    if settings.partition_by == "bucket":  # so that each step has few of them
        rows.sort(key=lambda row: bucket_of(row.product_id))
    may_buy = {row.fingerprint for row in work.to_buy}
    chosen = requests.read(where=("fingerprint", {row.fingerprint for row in rows}))
    by_fingerprint = {request.fingerprint: request for request in read_requests(chosen)}
    for start in range(0, len(rows), settings.shard_size):
        yield {
            "retry_refused": choices.retry_refused,
            "products": {
                row.product_id: (row.title, row.category)
                for row in rows[start : start + settings.shard_size]
            },
            "requests": [
                {
                    "request": (request := by_fingerprint[row.fingerprint]).to_json(),
                    "object_key": row.object_key,
                    "may_buy": row.fingerprint in may_buy,
                    "doubt": request.doubt,
                }
                for row in rows[start : start + settings.shard_size]
            ],
        }


def build_generate_shard(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that obtains one shard's pictures; it never raises for a request's sake."""

    @dg.op(
        name=names.op("generate_shard"),
        out=dg.Out(io_manager_key=names.steps),
        pool=names.name(API_POOL),
        required_resource_keys={names.resource(STORE), names.resource(IMAGE_API)},
    )
    def generate_shard(
        context: dg.OpExecutionContext,
        shard: dict[str, Any],
    ) -> dict[str, Any]:
        stores = open_stores(context, names)
        work = [_read_work_item(row) for row in shard["requests"]]
        with open_generation(
            settings,
            stores,
            image_api_of(context, names),
            run_identity(context),
            to_obtain=sum(item.may_buy for item in work),
            retry_refused=shard["retry_refused"],
        ) as generation:
            outcomes = generation.carry_out(work)
            if settings.partition_by == "bucket":
                summary = count_outcomes(context, outcomes, names)
            else:
                products = shard.get("products", {})  # none by a release before
                named = {product_id: ProductName(*name) for product_id, name in products.items()}
                summary = log_outcomes(
                    context,
                    outcomes,
                    settings=settings,
                    names=names,
                    store=stores.shop,
                    products=named,
                )
            summary.stop_reason = generation.stop.reason()
            summary.credits = generation.credits.span
        return summary.to_json()

    return generate_shard


def _read_work_item(row: dict[str, Any] | Sequence[Any]) -> WorkItem:
    named = {"doubt": "", **name_values(row, WorkItem._fields)}
    request = replace(ImageRequest.from_json(named["request"]), doubt=named.pop("doubt"))
    return WorkItem(**named | {"request": request})


def build_summarize(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that adds the shards up, and fails the run where it was stopped."""
    key = names.key("refreshed_images")

    @dg.op(name=names.op("summarize"), out=dg.Out(io_manager_key=names.steps))
    def summarize(
        context: dg.OpExecutionContext,
        effortless: dict[str, Any],
        parts: list[dict[str, Any]],
    ) -> dict[str, Any]:
        summary = RunSummary.merge([effortless, *parts])
        report = summary_report(summary, cost_usd_per_image=settings.cost_usd_per_image)
        metadata: dict[str, dg.MetadataValue[Any] | int] = {
            "report": dg.MetadataValue.md(report),
            **{str(kind): count for kind, count in summary.counts.items()},
            "calls": summary.calls,
            "possibly_paid_twice": summary.possibly_paid_twice,
            "attempted": summary.attempted,
            "left_over_cap": summary.left_over_cap,
        }
        if summary.stop_reason:
            raise dg.Failure(summary.stop_reason, metadata=metadata, allow_retries=False)
        context.add_output_metadata(metadata)
        context.set_data_version(key, dg.DataVersion(settings.mode))
        return summary.to_json()

    return summarize
