"""The checks of `product_feeds`: one of each channel's rules, and one of what is pinned."""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg

from flux_assets.defs.markdown import defuse_markdown, markdown_table, name_products
from flux_assets.errors import OverridesError, SourceError
from flux_assets.publishing.channel_editions import ChannelReport
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.hidden_pins import find_hidden_pins
from flux_assets.publishing.judged import JudgedPicture
from flux_assets.publishing.offers import OfferLeftOut
from flux_assets.settings import Settings
from flux_assets.storage.object_store import ObjectStore

PINS_CHECK = "every_pin_can_be_shown"
_SHOWN = 20


def rules_check(channel: str) -> str:
    """The name of a channel's check."""
    return f"{channel}_rules"


def build_check_specs(key: dg.AssetKey, channel_names: Sequence[str]) -> list[dg.AssetCheckSpec]:
    """The checks that a run of `product_feeds` makes itself."""
    told = {PINS_CHECK: "Every pinned picture may be shown where its shot is."}
    for name in channel_names:
        told[rules_check(name)] = f"What {name} shows keeps its rules; its offers have pictures."
    return [
        dg.AssetCheckSpec(name, asset=key, description=description)
        for name, description in told.items()
    ]


def judge_channel(
    check: str, report: ChannelReport | None, publish_job: str
) -> dg.AssetCheckResult:
    """What a channel's rules kept out, warn of or had to take down, and offers without pictures.

    An error where something that was shown is blocked now, or where the feed stays as it is since
    it would lose too much; else a warning.

    Args:
        check: its name.
        report: what became of the channel; None where it is enabled no more.
        publish_job: the job that accepts a drop.
    """
    if report is None:
        told = "the channel is not enabled, or there is no picture yet"
        return dg.AssetCheckResult(check_name=check, passed=True, description=told)
    sentences = [*_tell(report, publish_job)]
    is_error = report.published.problem is not None or bool(report.shown_blocked)
    return dg.AssetCheckResult(
        check_name=check,
        passed=not sentences,
        severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
        description="; ".join(sentences) or None,
        metadata=_build_metadata(report),
    )


def judge_pins(
    check: str,
    settings: Settings,
    store: ObjectStore,
    channels: ChannelsFile,
    reports: Mapping[str, ChannelReport],
) -> dg.AssetCheckResult:
    """Warn of the pinned pictures that people or rules keep from being shown, by name."""
    warn = dg.AssetCheckSeverity.WARN
    try:
        hidden = find_hidden_pins(settings, store, channels, reports)
    except (SourceError, OverridesError) as error:
        told = defuse_markdown(str(error))
        return dg.AssetCheckResult(check_name=check, passed=False, severity=warn, description=told)
    names = name_products(_name(it.product_id, it.title) for it in hidden)
    table = markdown_table(("product", "title", "shot", "channel", "why"), hidden[:_SHOWN])
    return dg.AssetCheckResult(
        check_name=check,
        passed=not hidden,
        severity=warn,
        description=f"pinned, but may not be shown: {names}; take off the pin, or the reason"
        if hidden
        else None,
        metadata={"pins": dg.MetadataValue.md(table)} if hidden else {},
    )


def _tell(report: ChannelReport, publish_job: str) -> Iterator[str]:
    """What is not in order, the worst first; nothing where all is."""
    if report.published.problem:
        problem = defuse_markdown(str(report.published.problem))
        yield f"{problem} In Dagster, run the job `{publish_job}` with `accept_drop: true`"
    if report.shown_blocked:
        [first, *_] = report.shown_blocked
        stays = "is still shown" if report.published.problem else "was shown until now"
        names = _name_pictures(report, report.shown_blocked)
        yield f"{stays}, and the rules block it: {names} ({defuse_markdown(first.reasons)})"
    if kept_out := _find_kept_out(report):
        names = _name_pictures(report, kept_out)
        yield f"kept out by the rules: {names} ({defuse_markdown(kept_out[0].reasons)})"
    warned = report.warned
    if warned.count:
        rules = ", ".join(f"{rule} ({count})" for rule, count in warned.by_rule.most_common())
        yield f"the rules warn of {_name_pictures(report, warned.first, warned.count)}: {rules}"
    if report.left_out:
        [first_offer, *_] = report.left_out
        names = name_products(it.offer_id or f"line {it.line}" for it in report.left_out)
        problem = defuse_markdown(first_offer.problem)
        yield f"offers without pictures: {names} (line {first_offer.line}: {problem})"


def _build_metadata(report: ChannelReport) -> dict[str, dg.MetadataValue | int]:
    kept_out = _find_kept_out(report)
    metadata: dict[str, dg.MetadataValue | int] = {
        "shown_and_blocked": len(report.shown_blocked),
        "kept_out": len(kept_out),
        "warned": report.warned.count,
        "offers_without_pictures": len(report.left_out),
    }
    pictures = [*report.shown_blocked, *kept_out, *report.warned.first][:_SHOWN]
    if pictures:
        rows = [_describe_picture(report, it) for it in pictures]
        header = ("product", "title", "shot", "slot", "verdict", "why")
        metadata["pictures"] = dg.MetadataValue.md(markdown_table(header, rows))
    if report.left_out:
        offers = [_describe_offer(report, it) for it in report.left_out[:_SHOWN]]
        of_offers = ("line", "offer", "product", "title", "why")
        metadata["offers"] = dg.MetadataValue.md(markdown_table(of_offers, offers))
    return metadata


def _find_kept_out(report: ChannelReport) -> list[JudgedPicture]:
    """What is blocked, and was not shown before."""
    shown = {(it.product_id, it.slot, it.picture.identity) for it in report.shown_blocked}
    return [
        it for it in report.blocked if (it.product_id, it.slot, it.picture.identity) not in shown
    ]


def _describe_picture(report: ChannelReport, it: JudgedPicture) -> tuple[str, ...]:
    title = report.titles.get(it.product_id, "")
    return it.product_id, title, it.picture.shot, it.slot, it.verdict, it.reasons


def _describe_offer(report: ChannelReport, offer: OfferLeftOut) -> tuple[object, ...]:
    title = report.titles.get(offer.product_id, "")
    return offer.line, offer.offer_id, offer.product_id, title, offer.problem


def _name_pictures(
    report: ChannelReport, pictures: Sequence[JudgedPicture], count: int | None = None
) -> str:
    ids = dict.fromkeys(it.product_id for it in pictures)
    named = name_products(_name(it, report.titles.get(it, "")) for it in ids)
    return f"{count} pictures, as of {named}" if count and count > len(pictures) else named


def _name(product_id: str, title: str) -> str:
    return f"{title} ({product_id})" if title else product_id
