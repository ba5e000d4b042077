"""`product_feeds`: what channels read of the stored pictures, as numbered editions; free."""

import hashlib
import json
from collections.abc import Mapping, Sequence

import dagster as dg
from pydantic import Field

from flux_assets.defs.images import OWNERS
from flux_assets.defs.markdown import markdown_table
from flux_assets.defs.names import Names
from flux_assets.defs.publishing import GROUP, load_channels_of_run
from flux_assets.defs.publishing_checks import (
    PINS_CHECK,
    build_check_specs,
    judge_channel,
    judge_pins,
    rules_check,
)
from flux_assets.defs.resources import STORE, open_stores
from flux_assets.defs.run_choices import accepts_drop
from flux_assets.publishing.channel_editions import ChannelReport
from flux_assets.publishing.edition import Picture
from flux_assets.publishing.editions import edition_key, hash_edition, list_newest
from flux_assets.publishing.feeds.files import list_keys
from flux_assets.publishing.shop_feeds import publish_feeds
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

_STARTED_BY = ("dagster/sensor_name", "dagster/schedule_name")
_COLUMNS = ("channel", "edition", "shown", "changed", "waiting", "until", "withdrawn", "problem")
_Metadata = dict[str, dg.MetadataValue | int | str]


class PublishConfig(dg.Config):
    """What this run may do; left as it is, only what is safe without asking."""

    accept_drop: bool = Field(
        default=False,
        description="Go on although many products of a channel would show nothing any more.",
    )


def build_product_feeds(
    settings: Settings, names: Names, channel_names: Sequence[str]
) -> dg.AssetsDefinition:
    """The asset `product_feeds`.

    Args:
        settings: of the shop.
        names: of its definitions.
        channel_names: those that have a check of their own here.
    """
    key = names.key("product_feeds")

    @dg.asset(
        key=key,
        deps=[names.key("renditions")],
        group_name=GROUP,
        owners=OWNERS,
        io_manager_key=names.steps,
        required_resource_keys={names.resource(STORE)},
        check_specs=build_check_specs(key, channel_names),
        description=(
            "Each enabled channel's newest edition and the files that it reads: what the channel's "
            "rules and people's decisions let be shown, switched over as slowly as it says. Free."
        ),
    )
    def product_feeds(
        context: dg.AssetExecutionContext, config: PublishConfig
    ) -> dg.MaterializeResult:  # type: ignore[type-arg] # dagster compares with the bare class
        store = open_stores(context, names).shop
        channels = load_channels_of_run(settings)
        reports = publish_feeds(
            settings,
            store,
            channels,
            by=f"Dagster run {context.run.run_id}",
            why=_tell_why(context.run),
            accept_drop=config.accept_drop or accepts_drop(context.run, names),
        )
        for name in sorted(reports.keys() - set(channel_names)):
            context.log.warning(
                "channel %s has no check here yet; reload the code location, and it has", name
            )
        return dg.MaterializeResult(
            data_version=_version_of(store),
            metadata=_build_metadata(store, reports),
            check_results=[
                *(
                    judge_channel(rules_check(name), reports.get(name), names.publish_job)
                    for name in channel_names
                ),
                judge_pins(PINS_CHECK, settings, store, channels, reports),
            ],
        )

    return product_feeds


def _tell_why(run: dg.DagsterRun) -> str:
    """Upon what a run publishes: what started it, else its job."""
    started_by = next((run.tags[tag] for tag in _STARTED_BY if tag in run.tags), "")
    by_hand = "assets chosen by hand" if run.job_name.startswith("__") else run.job_name
    return started_by or by_hand


def _version_of(store: ObjectStore) -> dg.DataVersion:
    """Of each channel's newest edition, which never changes; enabled or not."""
    newest = json.dumps(list_newest(store), sort_keys=True)
    return dg.DataVersion(hashlib.sha256(newest.encode()).hexdigest())


def _build_metadata(store: ObjectStore, reports: Mapping[str, ChannelReport]) -> _Metadata:
    table = markdown_table(_COLUMNS, [_sum_up(name, it) for name, it in reports.items()])
    metadata: _Metadata = {"channels": dg.MetadataValue.md(table)}
    for name, report in reports.items():
        of_channel = _describe(store, name, report)
        metadata |= {f"{name}/{told}": value for told, value in of_channel.items()}
    return metadata


def _sum_up(name: str, report: ChannelReport) -> tuple[object, ...]:
    published = report.published
    return (
        name,
        published.edition.number if published.edition else "none yet",
        len(published.plan.products),
        published.changes.products,
        len(published.plan.waiting),
        report.waiting_until,
        len(published.plan.withdrawn),
        published.problem or "",
    )


def _describe(store: ObjectStore, name: str, report: ChannelReport) -> _Metadata:
    """What is told of one channel, each number by its own name."""
    published, plan = report.published, report.published.plan
    told: _Metadata = {
        "shown": len(plan.products),
        "changed": published.changes.products,
        "waiting": len(plan.waiting),
        "withdrawn": len(plan.withdrawn),
    }
    if published.edition is None:
        return told
    number = published.edition.number
    told |= {
        "edition": number,
        "sha256": hash_edition(store, name, number),
        "edition_uri": store.uri_for(edition_key(name, number)),
        "feed_uri": store.uri_for(list_keys(published.edition)[0]),
    }
    if report.waiting_until:
        told["waiting_until"] = report.waiting_until
    if published.changes.first:
        rows = [
            (it.product_id, report.titles.get(it.product_id, ""), it.slot, *map(_show, it[2:]))
            for it in published.changes.first
        ]
        header = ("product", "title", "slot", "showed", "shows")
        told["changes"] = dg.MetadataValue.md(markdown_table(header, rows))
    return told


def _show(picture: Picture | None) -> str:
    return f"{picture.shot} {picture.fingerprint[:8]}" if picture else "nothing"
