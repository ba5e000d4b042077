"""What became of the channels' feeds, as `flux-assets publish` tells it."""

from collections.abc import Iterable, Mapping
from typing import Any

from rich.markup import escape

from flux_assets.commands.people import answers, people
from flux_assets.publishing.channel_editions import BlockedPicture, ChannelReport
from flux_assets.publishing.feeds.files import list_keys
from flux_assets.storage.object_store import ObjectStore

_SHOWN = 5


def show_feeds(store: ObjectStore, reports: Mapping[str, ChannelReport]) -> None:
    """Each channel's edition, its files, and what gets no place in it."""
    for channel, report in reports.items():
        edition, plan = report.published.edition, report.published.plan
        if edition is None:
            answers.print(f"[bold]{channel}[/]: there is nothing to show yet.")
        else:
            made = "new edition" if report.published.is_new else "edition"
            answers.print(
                f"[bold]{channel}[/]: {made} {edition.number} shows {len(edition.products)} "
                f"products; {len(plan.added)} new, {len(plan.switched)} switched, "
                f"{len(plan.waiting)} wait for their day, {len(plan.gone)} gone, "
                f"{len(plan.withdrawn)} pictures withdrawn.",
                soft_wrap=True,
            )
            for key in list_keys(edition):
                answers.print(f"  {escape(store.uri_for(key))}", soft_wrap=True)
        _tell(
            channel,
            "kept out by its rules",
            (
                f"product {it.product_id!r}, {it.picture.shot} as {it.slot}: {_reasons_of(it)}"
                for it in report.blocked
            ),
        )
        _tell(
            channel,
            "without pictures",
            (f"line {it.line}, {it.offer_id!r}: {it.problem}" for it in report.left_out),
        )
        if report.published.problem:
            told = escape(str(report.published.problem))
            people.print(f"[bold red]Error:[/] {told}", soft_wrap=True)


def feeds_to_json(reports: Mapping[str, ChannelReport]) -> dict[str, Any]:
    """The same for a program."""
    return {
        channel: {
            "edition": report.published.edition.number if report.published.edition else None,
            "is_new": report.published.is_new,
            "shown": len(report.published.plan.products),
            "added": len(report.published.plan.added),
            "switched": len(report.published.plan.switched),
            "waiting": len(report.published.plan.waiting),
            "gone": len(report.published.plan.gone),
            "withdrawn": len(report.published.plan.withdrawn),
            "blocked": len(report.blocked),
            "left_out": len(report.left_out),
            "problem": str(report.published.problem or ""),
        }
        for channel, report in reports.items()
    }


def _reasons_of(blocked: BlockedPicture) -> str:
    return "; ".join(it.reason for it in blocked.findings if it.verdict == "block")


def _tell(channel: str, what: str, lines: Iterable[str]) -> None:
    listed = list(lines)
    for line in listed[:_SHOWN]:
        people.print(f"[bold yellow]{channel}, {what}:[/] {escape(line)}", soft_wrap=True)
    if len(listed) > _SHOWN:
        people.print(f"and {len(listed) - _SHOWN} more of {channel} {what}")
