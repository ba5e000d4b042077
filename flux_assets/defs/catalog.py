"""The free assets: the catalog as read, the image requests, and the plan."""

from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from flux_assets.bill.open_ledger import open_ledger
from flux_assets.catalog.product import RejectedRow
from flux_assets.catalog.tables import (
    build_rejected_rows_table,
)
from flux_assets.defs.data_versions import (
    version_of_plan,
    version_of_requests,
)
from flux_assets.defs.events import run_identity
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.names import Names
from flux_assets.defs.partitions import add_products
from flux_assets.defs.reports import (
    catalog_report,
    doubted_table,
    override_problems_table,
    pick_samples,
    plan_report,
    prompts_table,
    rejected_rows_table,
)
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.defs.run_choices import accepts_changes
from flux_assets.errors import CatalogError, ShotsFileError
from flux_assets.planning.against_store import PLANNED, plan_all
from flux_assets.planning.changes import count_changes
from flux_assets.planning.plan import Plan, estimate
from flux_assets.planning.plan_table import refresh_plan_table
from flux_assets.prompts.catalog_reading import refresh_reading
from flux_assets.prompts.inputs import find_problems, load_overrides, load_shots
from flux_assets.prompts.request_reuse import refresh_requests_table
from flux_assets.prompts.requests_table import read_doubted, read_requests
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings
from flux_assets.storage.buckets import advise_buckets
from flux_assets.storage.frames import select
from flux_assets.storage.object_store import ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import PARQUET
from flux_assets.storage.sources import shown_uri

GROUP = "catalog"
OWNERS = ["team:catalog"]


def build_product_catalog(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `product_catalog`."""
    key = names.key("product_catalog")
    check = dg.AssetCheckSpec(
        "every_row_is_usable", asset=key, description="No catalog row was rejected."
    )

    @dg.asset(
        key=key,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"csv", "parquet"},
        io_manager_key=names.tables,
        required_resource_keys={names.resource(STORE)},
        check_specs=[check],
        description=(
            f"The products of {shown_uri(settings.catalog)}: every row is taken or accounted for."
        ),
    )
    def product_catalog(
        context: dg.AssetExecutionContext,
    ) -> Iterator[dg.Output[Any] | dg.AssetCheckResult]:
        with put_off_full_collections():
            shop_store = open_stores(context, names).shop
            reading = refresh_reading(settings, shop_store, load_shots(settings))
            account = reading.account
            if not reading.product_count:
                raise CatalogError(account.name, "no row is a usable product; nothing was changed")
            _put_rejected_rows(shop_store, account.rejected_rows)
            partitions = _add_partitions(context, settings, names, reading.products)
            advice = advise_buckets(settings, reading.product_count)
            for warning in (*settings.warnings, *filter(None, [advice])):
                context.log.warning(warning)
            report = catalog_report(account, reading.products, advice=advice)
            context.set_data_version(key, dg.DataVersion(reading.columns_sha256))
            yield dg.Output(
                reading.products,
                metadata={
                    "report": dg.MetadataValue.md(report),
                    "dialect": account.dialect,
                    "rows": account.rows,
                    "products": reading.product_count,
                    "rejected_rows": len(account.rejected_rows),
                    **partitions,
                },
            )
            rows = account.rejected_rows
            yield _judge_rows(check.name, rejected_rows_table(rows) if rows else "")

    return product_catalog


def _add_partitions(
    context: dg.AssetExecutionContext, settings: Settings, names: Names, products: StoredTable
) -> dict[str, int]:
    """One for each new product; buckets are there always."""
    if settings.partition_by == "bucket":
        return {}
    product_ids = products.read_texts("product_id")
    added, orphaned = add_products(context.instance, names, product_ids)
    return {"added_partitions": added, "orphaned_partitions": orphaned}


def _put_rejected_rows(store: ObjectStore, rejected_rows: Iterable[RejectedRow]) -> None:
    store.put(
        table_key("rejected_rows.parquet"),
        write_parquet(build_rejected_rows_table(rejected_rows)),
        content_type=PARQUET,
    )


def build_image_requests(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `image_requests`."""
    key = names.key("image_requests")
    check = dg.AssetCheckSpec(
        "every_override_is_usable", asset=key, description="The overrides file has no bad row."
    )
    photos_check = dg.AssetCheckSpec(
        "no_photo_is_doubted",
        asset=key,
        description="No photo was replaced by a page, or by one picture for several products.",
    )

    @dg.asset(
        key=key,
        check_specs=[check, photos_check],
        ins={"products": dg.AssetIn(key=names.key("product_catalog"))},
        group_name=GROUP,
        owners=OWNERS,
        kinds={"jinja", "parquet"},
        io_manager_key=names.tables,
        required_resource_keys={names.resource(STORE)},
        description=f"One image request per product and shot of {settings.shots}.",
    )
    def image_requests(
        context: dg.AssetExecutionContext,
        products: StoredTable,
    ) -> Iterator[dg.Output[Any] | dg.AssetCheckResult]:
        with put_off_full_collections():
            shots, overrides = load_shots(settings), load_overrides(settings)
            shop_store = open_stores(context, names).shop
            ledger = open_ledger(settings, shop_store, run_identity(context))
            table = refresh_requests_table(
                settings,
                shop_store,
                ledger,
                products=products,
                shots=shots,
                overrides=overrides,
                accepts="for_good" if accepts_changes(context.run, names) else "nothing",
            )
            context.set_data_version(key, version_of_requests(table))
            yield dg.Output(table, metadata=_describe_requests(table, shots))
            bad_rows = find_problems(overrides, products.read_texts("product_id"), shots)
            yield _judge_rows(check.name, override_problems_table(bad_rows) if bad_rows else "")
            doubted = [(*it.identity[:2], it.doubt) for it in read_doubted(table)]
            yield _judge_rows(photos_check.name, doubted_table(doubted) if doubted else "")

    return image_requests


def _describe_requests(requests: StoredTable, shots: ShotsFile) -> dict[str, Any]:
    """Counts of a requests table; an error where none could be made of any product."""
    table = requests.read(("error", "skipped", "source_sha256"))
    errors, skipped = table.loc[table["error"] != "", "error"], table[table["skipped"] != ""]
    if len(errors) and len(errors) == len(table) - len(skipped):
        problem = f"no request could be made; the first: {errors.iloc[0]}"
        raise ShotsFileError(shots.name, problem)
    return {
        "requests": len(table) - len(errors) - len(skipped),
        "skipped": len(skipped),
        "made_from_photos": int((table["source_sha256"] != "").sum()),
        "prompt_errors": len(errors),
        "first_prompt_errors": errors.head(10).tolist(),
        "shots": [shot.name for shot in shots.shots],
        "shots_sha256": shots.sha256,
    }


def build_image_plan(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `image_plan`."""
    key = names.key("image_plan")

    @dg.asset(
        key=key,
        ins={
            "products": dg.AssetIn(key=names.key("product_catalog")),
            "requests": dg.AssetIn(key=names.key("image_requests")),
        },
        group_name=GROUP,
        owners=OWNERS,
        kinds={"parquet"},
        io_manager_key=names.tables,
        required_resource_keys={names.resource(STORE)},
        description="What a refresh would do and cost. Free: nothing is sent.",
    )
    @put_off_full_collections()
    def image_plan(
        context: dg.AssetExecutionContext,
        products: StoredTable,
        requests: StoredTable,
    ) -> dg.Output[Any]:
        shop_store = open_stores(context, names).shop
        ledger = open_ledger(settings, shop_store, run_identity(context))
        plan = plan_all(settings, shop_store, ledger, requests, products.read(PLANNED))
        context.set_data_version(key, version_of_plan(plan.table))
        in_parts = settings.partition_by == "bucket"
        table = refresh_plan_table(shop_store, plan.table, in_parts=in_parts)
        return dg.Output(table, metadata=_describe_plan(plan, requests))

    return image_plan


def _describe_plan(plan: Plan, requests: StoredTable) -> dict[str, Any]:
    made = requests.read(("fingerprint", "prompt_characters"))
    made = select(made, made["fingerprint"] != "")
    samples = pick_samples(made["prompt_characters"].tolist())
    told = {made["fingerprint"].iloc[place]: why for place, why in samples.items()}
    shown = read_requests(requests.read(where=("fingerprint", told)))
    prompts = [(request, told[request.fingerprint]) for request in shown]
    takes = estimate(plan.to_buy, plan.limits)
    return {
        "report": dg.MetadataValue.md(plan_report(plan, plan.to_buy)),
        "prompts": dg.MetadataValue.md(prompts_table(prompts)),
        **{str(status): count for status, count in plan.counts.items()},
        "changed_by": dict(count_changes(plan)),
        "orphaned": plan.orphaned,
        "to_buy": plan.to_buy,
        "cost_usd": takes.cost_usd,
        "minutes": takes.minutes,
        "binding_limit": takes.binding_limit,
    }


def _judge_rows(check_name: str, bad_rows: str) -> dg.AssetCheckResult:
    """Passed where no table of bad rows is given."""
    return dg.AssetCheckResult(
        check_name=check_name,
        passed=not bad_rows,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"rows": dg.MetadataValue.md(bad_rows)} if bad_rows else {},
    )
