"""`image_manifest`: the one table that everything downstream reads, and its checks."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

import dagster as dg

from flux_assets.bill.caps import check_product_drop
from flux_assets.bill.open_ledger import open_ledger
from flux_assets.buying.picture_records import open_records
from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.defs.as_asked_check import AS_ASKED_CHECK, judge_as_asked
from flux_assets.defs.bucket_events import (
    NEW_COLUMNS,
    PICTURE_COLUMNS,
    Buckets,
    log_changed_buckets,
)
from flux_assets.defs.data_versions import version_of_manifest
from flux_assets.defs.doubtful_check import DOUBTFUL_CHECK, judge_doubtful
from flux_assets.defs.events import run_identity
from flux_assets.defs.full_collections import put_off_full_collections
from flux_assets.defs.images import OWNERS
from flux_assets.defs.lineage_reader import LineageReader
from flux_assets.defs.markdown import name_products
from flux_assets.defs.names import Names
from flux_assets.defs.recognition_check import RECOGNISABLE_CHECK, judge_recognition
from flux_assets.defs.reports import shortfalls_table
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.defs.review_links import link_page
from flux_assets.image_api.request import RequestIdentity
from flux_assets.manifest.doubtful import DoubtfulRefusal
from flux_assets.manifest.product_names import NAMED, read_names
from flux_assets.manifest.refresh import refresh_manifest
from flux_assets.manifest.shortfalls import find_shortfalls, record_shortfalls
from flux_assets.manifest.stored import (
    MANIFEST_CSV_KEY,
    MANIFEST_KEY,
    StoredManifest,
    count_product_drop,
    open_manifest,
)
from flux_assets.prompts.inputs import load_shots
from flux_assets.prompts.requests_table import (
    read_unmade,
    select_identities,
    select_places,
    select_wanted,
)
from flux_assets.prompts.shots import ShotsFile
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.frames import pack, read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:
    import pandas as pd

COMPLETE_CHECK = "every_product_has_its_pictures"
FEW_FAILED_CHECK = "few_requests_failed"
_CURRENT = ("request_fingerprint", "stale")
_JUDGED = ("product_id", "shot", "stale", "shot_mode", "recognition", "source_uri", "object_key")
_NOT_PUBLISHED = (
    f"\n\n{variable_of('channels')} names no channels file, so nothing is published of them."
)
_CHECKS = {
    COMPLETE_CHECK: "Every product has its current picture of every shot.",
    AS_ASKED_CHECK: "Every picture has the format and ratio that was asked for.",
    DOUBTFUL_CHECK: "No picture is black, of one colour or blurred, or another product's as well.",
    RECOGNISABLE_CHECK: "The product of every photo is found again in the pictures made from it.",
}


def build_image_manifest(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `image_manifest`."""
    key = names.key("image_manifest")

    @dg.asset(
        key=key,
        ins={
            "requests": dg.AssetIn(key=names.key("image_requests"), input_manager_key=names.tables),
            "plan": dg.AssetIn(key=names.key("image_plan"), input_manager_key=names.tables),
            "refreshed": dg.AssetIn(key=names.key("refreshed_images")),
        },
        group_name="images",
        owners=OWNERS,
        kinds={"parquet"},
        io_manager_key=names.tables,
        required_resource_keys={names.resource(STORE)},
        check_specs=[
            dg.AssetCheckSpec(name, asset=key, description=description)
            for name, description in _CHECKS.items()
        ],
        description=(
            "One row per product and shot: the current picture and its lineage, as Parquet and "
            "CSV; the last stored one, marked stale, until its successor is stored."
            f"{'' if settings.channels else _NOT_PUBLISHED}"
        ),
    )
    @put_off_full_collections()
    def image_manifest(
        context: dg.AssetExecutionContext,
        requests: StoredTable,
        plan: StoredTable,
        refreshed: dict[str, Any],
    ) -> dg.MaterializeResult:  # type: ignore[type-arg] # dagster compares with the bare class
        shop_store = open_stores(context, names).shop
        shots = load_shots(settings)
        reader = _open_reader(context, settings, shop_store, shots, requests, plan)
        if not refreshed.get("accept_drop"):
            _check_drop(settings, shop_store, requests)
        asked, unmade = pack(requests.read(RequestIdentity._fields)), read_unmade(requests)
        places = select_places(asked, unmade)
        manifest = _refresh(settings, shop_store, places, plan, reader)
        shortfalls = [*_find_unmade(unmade), *_find_lacking(manifest, asked, reader, refreshed)]
        result = _describe(shop_store, manifest, shortfalls, shots, settings)
        if settings.partition_by == "bucket":
            wanted = select_wanted(asked, unmade)
            buckets = _find_buckets(manifest, wanted, shots, reader.not_stored_when_planned)
            log_changed_buckets(context, settings, names, shop_store, buckets)
        return result

    return image_manifest


def _open_reader(  # noqa: PLR0917 - all that the step has
    context: dg.AssetExecutionContext,
    settings: Settings,
    store: ObjectStore,
    shots: ShotsFile,
    requests: StoredTable,
    plan: StoredTable,
) -> LineageReader:
    ledger = open_ledger(settings, store, run_identity(context))
    records = open_records(settings, store, ledger, preview_px=0)
    refusal = DoubtfulRefusal.of(store, requests, shots.refusing)
    return LineageReader(records, requests, plan, refusal)


def _refresh(
    settings: Settings,
    store: ObjectStore,
    places: "pd.DataFrame",
    plan: StoredTable,
    reader: LineageReader,
) -> StoredManifest:
    is_older = not set(NAMED) <= set(plan.column_names())  # a run begun by another release
    return refresh_manifest(
        store,
        places,
        reader.read,
        changed=reader.changed,
        names=None if is_older else read_names(plan),
        in_parts=settings.partition_by == "bucket",
    )


def _find_buckets(
    manifest: StoredManifest, wanted: "pd.DataFrame", shots: ShotsFile, new: AbstractSet[str]
) -> Buckets:
    """What the manifest has in each bucket."""
    added = manifest.read((*NEW_COLUMNS, "stale"), where=("request_fingerprint", new))
    return Buckets(
        shots=[shot.name for shot in shots.shots],
        pictures=_read_current(manifest),
        new=pack(added[~added["stale"]]),
        wanted=wanted,
    )


def _read_current(manifest: StoredManifest) -> "pd.DataFrame":
    """The rows that are not stale, group by group: all at once would take the room of both."""
    import pandas as pd

    parts = [manifest.read(PICTURE_COLUMNS, where=("product_id", ()))]
    for group in manifest.read_groups((*PICTURE_COLUMNS, "stale")):
        rows = group.to_pandas()
        parts.append(rows.loc[~rows["stale"], list(PICTURE_COLUMNS)])
    return pack(pd.concat(parts, ignore_index=True))


def _check_drop(settings: Settings, store: ObjectStore, requests: StoredTable) -> None:
    drop = count_product_drop(open_manifest(store), requests)
    check_product_drop(drop, max_percent=settings.max_product_drop_percent)


def build_few_requests_failed(settings: Settings, names: Names) -> dg.AssetChecksDefinition:
    """The check `few_requests_failed`, a step after the manifest that may fail the run.

    Nothing depends on it, so that what is downstream of the manifest is made all the same.
    """

    @dg.asset_check(
        asset=names.key("image_manifest"),
        name=FEW_FAILED_CHECK,
        additional_ins={"refreshed": dg.AssetIn(key=names.key("refreshed_images"))},
        description=(
            f"At most {settings.fail_above_percent:g} % of the requests that the last refresh "
            "attempted failed; else it fails the run."
        ),
    )
    def few_requests_failed(refreshed: dict[str, Any]) -> dg.AssetCheckResult:
        summary = RunSummary.merge([refreshed])
        told = f"{summary.failed} of {summary.attempted} attempted requests failed"
        if summary.failed_percent > settings.fail_above_percent:
            raise dg.Failure(
                f"{told}, more than FLUX_ASSETS_FAIL_ABOVE_PERCENT "
                f"({settings.fail_above_percent:g}) allows; the manifest is written with what "
                "there is. Mend the cause, and run again.",
                metadata={"failed": dg.MetadataValue.md(shortfalls_table(summary.shortfalls))},
                allow_retries=False,
            )
        return dg.AssetCheckResult(passed=True, description=told)

    return few_requests_failed


def _find_lacking(
    manifest: StoredManifest,
    asked: "pd.DataFrame",
    reader: LineageReader,
    refreshed: Mapping[str, Any],
) -> list[Shortfall]:
    """What was asked for, and the manifest does not have."""
    told = {item.fingerprint: item for item in RunSummary.merge([refreshed]).shortfalls}
    reasons = reader.missing | reader.damaged | told | reader.refused
    return find_shortfalls(select_identities(asked), pack(manifest.read(_CURRENT)), reasons)


def _describe(
    store: ObjectStore,
    manifest: StoredManifest,
    shortfalls: list[Shortfall],
    shots: ShotsFile,
    settings: Settings,
) -> "dg.MaterializeResult[Any]":
    newly = record_shortfalls(store, shortfalls)
    return dg.MaterializeResult(
        data_version=version_of_manifest(manifest),
        metadata={
            "object_uri": store.uri_for(MANIFEST_KEY),
            "csv_uri": store.uri_for(MANIFEST_CSV_KEY),
            **link_page(settings),
            "dagster/row_count": sum(manifest.count_groups()),
            "stale": int(manifest.read(("stale",))["stale"].sum()),
            "missing": len(shortfalls),
        },
        check_results=[
            _judge_complete(shortfalls, newly),
            judge_as_asked(manifest),
            judge_recognition(manifest.read(_JUDGED, where=("shot_mode", {"edit"})), shots),
            judge_doubtful(manifest),
        ],
    )


def _find_unmade(unmade: "pd.DataFrame") -> list[Shortfall]:
    """What could not be rendered."""
    rows = read_rows(unmade[unmade["error"] != ""], ("product_id", "shot", "error"))
    return [
        Shortfall(product_id=product_id, shot=shot, fingerprint="", kind="failed", reason=error)
        for product_id, shot, error in rows
    ]


def _judge_complete(shortfalls: list[Shortfall], newly: list[Shortfall]) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if newly else dg.AssetCheckSeverity.WARN
    news = {(item.product_id, item.shot) for item in newly}
    shown = [*newly, *(item for item in shortfalls if (item.product_id, item.shot) not in news)]
    names = name_products(item.product_id for item in shown)
    return dg.AssetCheckResult(
        check_name=COMPLETE_CHECK,
        passed=not shortfalls,
        severity=severity,
        description=f"without a current picture: {names}" if names else None,
        metadata=(
            {
                "missing": len(shortfalls),
                "newly_missing": len(newly),
                "products": dg.MetadataValue.md(shortfalls_table(shown)),
            }
            if shortfalls
            else {}
        ),
    )
