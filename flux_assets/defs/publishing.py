"""`renditions`: what is made of stored pictures where products are sold; free, in no API pool."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from flux_assets.defs.images import OWNERS
from flux_assets.defs.markdown import markdown_table, name_products
from flux_assets.defs.names import Names
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.errors import SettingsError
from flux_assets.manifest.stored import StoredManifest, open_manifest
from flux_assets.publishing.channels import ChannelsFile, load_channels
from flux_assets.publishing.rendition_table import (
    RENDITIONS_KEY,
    Master,
    find_missing,
    merge_renditions,
    open_renditions,
)
from flux_assets.publishing.renditions import RenditionReport, make_renditions
from flux_assets.settings import Settings, variable_of
from flux_assets.storage.object_store import ObjectStore, run_key
from flux_assets.storage.parquet import read_parquet, write_parquet
from flux_assets.storage.parquet_file import PARQUET

GROUP = "publishing"
COMPLETE_CHECK = "every_picture_has_its_renditions"
_SHOWN = 20


def build_renditions(settings: Settings, names: Names) -> dg.AssetsDefinition:
    """The asset `renditions`: shards -> render, mapped -> merge."""
    # Within the graph by their plain names, which stand in its steps' keys.
    plan_renditions = _build_plan(settings, names).alias("plan_renditions")
    render_shard = _build_render_shard(settings, names).alias("render_shard")
    merge_shards = _build_merge(settings, names).alias("merge_shards")

    @dg.graph_asset(
        key=names.key("renditions"),
        ins={"manifest": dg.AssetIn(key=names.key("image_manifest"), dagster_type=dg.Nothing)},
        group_name=GROUP,
        owners=OWNERS,
        kinds={"parquet"},
        description=(
            "A file for the public of each current picture, in every size and format that an "
            "enabled channel asks for, marked as made by AI; and the table of them. Free."
        ),
    )
    def renditions(manifest: Any) -> Any:  # noqa: ANN401 - it only comes before
        return merge_shards(plan_renditions(manifest).map(render_shard).collect())

    return renditions


def build_renditions_check(names: Names) -> dg.AssetChecksDefinition:
    """The check `every_picture_has_its_renditions`."""

    @dg.asset_check(
        asset=names.key("renditions"),
        name=COMPLETE_CHECK,
        description="Of every current picture there is each rendition that a channel asks for.",
    )
    def every_picture_has_its_renditions(renditions: dict[str, Any]) -> dg.AssetCheckResult:
        problems = RenditionReport.from_json(renditions).problems
        told = name_products(problem.product_id for problem in problems)
        table = markdown_table(("product", "shot", "problem"), problems[:_SHOWN])
        return dg.AssetCheckResult(
            passed=not problems,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"nothing could be made of pictures of {told}" if told else None,
            metadata={"pictures": dg.MetadataValue.md(table)} if problems else {},
        )

    return every_picture_has_its_renditions


def _build_plan(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that finds what is missing, and cuts it into shards."""

    @dg.op(
        name=names.op("plan_renditions"),
        ins={"manifest": dg.In(dg.Nothing)},
        out=dg.DynamicOut(io_manager_key=names.steps),
        required_resource_keys={names.resource(STORE)},
    )
    def plan_renditions(context: dg.OpExecutionContext) -> Iterator[dg.DynamicOutput[Any]]:
        store = open_stores(context, names).shop
        channels, manifest = _read(settings, store)
        missing = find_missing(manifest, open_renditions(store), channels) if manifest else []
        context.log.info("%d pictures lack renditions", len(missing))
        for start in range(0, len(missing), settings.shard_size):
            shard = missing[start : start + settings.shard_size]
            yield dg.DynamicOutput(shard, mapping_key=str(start // settings.shard_size))

    return plan_renditions


def _build_render_shard(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that makes one shard's renditions; their rows go through the store, as a table."""

    @dg.op(
        name=names.op("render_shard"),
        out=dg.Out(io_manager_key=names.steps),
        required_resource_keys={names.resource(STORE)},
    )
    def render_shard(context: dg.OpExecutionContext, shard: list[Any]) -> dict[str, Any]:
        store = open_stores(context, names).shop
        channels, _ = _read(settings, store)
        made, report = make_renditions(store, map(Master._make, shard), channels)
        key = run_key(context.run_id, f"renditions.{context.get_mapping_key()}.parquet")
        store.put(key, write_parquet(made), content_type=PARQUET)
        return {"rows": key, "report": report.to_json()}

    return render_shard


def _build_merge(settings: Settings, names: Names) -> dg.OpDefinition:
    """The op that adds the shards' rows to the table, and their reports up."""
    key = names.key("renditions")

    @dg.op(
        name=names.op("merge_renditions"),
        out=dg.Out(io_manager_key=names.steps),
        required_resource_keys={names.resource(STORE)},
    )
    def merge_shards(context: dg.OpExecutionContext, shards: list[Any]) -> dict[str, Any]:
        store = open_stores(context, names).shop
        channels, manifest = _read(settings, store)
        report = RenditionReport()
        for shard in shards:
            report.add(RenditionReport.from_json(shard["report"]))
        if manifest is not None:
            made = (read_parquet(store.get(shard["rows"]).data) for shard in shards)
            table = merge_renditions(store, manifest, channels, made)
            context.set_data_version(key, dg.DataVersion(table.sha256))
            context.add_output_metadata(_build_metadata(store, report, table.row_count))
        return report.to_json()

    return merge_shards


def _build_metadata(
    store: ObjectStore, report: RenditionReport, row_count: int
) -> dict[str, dg.MetadataValue | int | str]:
    return {
        "object_uri": store.uri_for(RENDITIONS_KEY),
        "dagster/row_count": row_count,
        "rendered_pictures": report.masters,
        "stored_files": report.stored,
        "stored_bytes": report.stored_bytes,
        "failed_pictures": len(report.problems),
    }


def load_channels_of_run(settings: Settings) -> ChannelsFile:
    """The channels file as it is now, whatever it was when the code location was loaded.

    Raises:
        SettingsError: no setting names one any more.
        SourceError, ChannelsFileError, ShotsFileError: it cannot be had, or not be used.
    """
    channels = load_channels(settings)
    if channels is None:
        raise SettingsError(
            variable_of("channels"), "is not set any more; reload the code location"
        )
    return channels


def _read(settings: Settings, store: ObjectStore) -> tuple[ChannelsFile, StoredManifest | None]:
    return load_channels_of_run(settings), open_manifest(store)
