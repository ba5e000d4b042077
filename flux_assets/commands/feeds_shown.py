"""What became of the channels' feeds, as `flux-assets publish` tells it."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape

from flux_assets.commands.people import answers, people
from flux_assets.publishing.channel_editions import ChannelReport
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.feeds.files import list_keys
from flux_assets.publishing.judged import JudgedPicture
from flux_assets.publishing.publish import Published
from flux_assets.storage.object_store import ObjectStore

_SHOWN = 5


def show_feeds(store: ObjectStore, reports: Mapping[str, ChannelReport]) -> None:
    """Each channel's edition, its files, and what gets no place in it."""
    for channel, report in reports.items():
        edition = report.published.edition
        if edition is None:
            answers.print(f"[bold]{channel}[/]: there is nothing to show yet.")
            continue
        told = _describe(edition, report.published)
        answers.print(f"[bold]{channel}[/]: {told}", soft_wrap=True)
        for key in list_keys(edition):
            answers.print(f"  {escape(store.uri_for(key))}", soft_wrap=True)
    show_left_out(reports)


def show_left_out(reports: Mapping[str, ChannelReport]) -> None:
    """What gets no place in a channel's feed, and why; what channels share is told once."""
    blocked = {
        channel: tuple(
            f"product {it.product_id!r}, {it.picture.shot} as {it.slot}: {it.reasons}"
            for it in report.blocked
        )
        for channel, report in reports.items()
    }
    _tell("kept out by its rules", blocked)
    left_out = {
        channel: tuple(f"line {it.line}, {it.offer_id!r}: {it.problem}" for it in report.left_out)
        for channel, report in reports.items()
    }
    _tell("without pictures", left_out)
    for report in reports.values():
        if report.published.problem:
            told = escape(str(report.published.problem))
            people.print(f"[bold red]Error:[/] {told}", soft_wrap=True)


def list_example(store: ObjectStore, reports: Mapping[str, ChannelReport]) -> Iterator[str]:
    """Where the first channel's feed lies, and one picture that it names."""
    editions = (report.published.edition for report in reports.values())
    edition = next((it for it in editions if it and it.products), None)
    if edition is not None:
        yield from map(store.uri_for, list_keys(edition))
        yield store.uri_for(next(edition.list_named()).object_key)


def _describe(edition: Edition, published: Published) -> str:
    plan, count = published.plan, len(edition.products)
    became = {
        "new": plan.added,
        "switched": plan.switched,
        "waiting for their day": plan.waiting,
        "gone": plan.gone,
        "withdrawn": plan.withdrawn,
    }
    said = ", ".join(f"{len(of)} {what}" for what, of in became.items() if of)
    shows = f"edition {edition.number} shows {count} {'product' if count == 1 else 'products'}"
    if published.is_new:
        return f"new {shows}{f': {said}' if said else ''}."
    return f"{shows}, as before{f'; {said}' if said else ''}."


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
            "blocked": [
                {
                    "product_id": it.product_id,
                    "shot": it.picture.shot,
                    "slot": it.slot,
                    "reasons": _list_reasons(it),
                }
                for it in report.blocked
            ],
            "left_out": [it._asdict() for it in report.left_out],
            "problem": str(report.published.problem or ""),
        }
        for channel, report in reports.items()
    }


def _list_reasons(blocked: JudgedPicture) -> list[str]:
    return [it.reason for it in blocked.findings if it.verdict == "block"]


def _tell(what: str, lines: Mapping[str, tuple[str, ...]]) -> None:
    channels: dict[tuple[str, ...], list[str]] = {}
    for channel, listed in lines.items():
        channels.setdefault(listed, []).append(channel)
    for listed, of in channels.items():
        names = ", ".join(of)
        for line in listed[:_SHOWN]:
            people.print(f"[bold yellow]{names}, {what}:[/] {escape(line)}", soft_wrap=True)
        if len(listed) > _SHOWN:
            more = f"and {len(listed) - _SHOWN} more of {names} {what}"
            people.print(f"{more}; `flux-assets publish --json` names them all", soft_wrap=True)
