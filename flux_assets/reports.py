"""Readable accounts of a catalog, a plan and a run, as Markdown for the UI and the terminal."""

import re
from collections.abc import Iterable, Sequence

from flux_assets.catalog.product import Catalog, RejectedRow
from flux_assets.image_request import ImageRequest
from flux_assets.overrides import OverrideProblem
from flux_assets.plan import STATUSES, Plan
from flux_assets.summary import KINDS, RunSummary, Shortfall

_MEANINGS = {
    "new": "to buy: the first picture of a product and shot",
    "changed": "to buy: the product, the shot or a parameter changed",
    "stored": "in the store already",
    "accepted": "paid, to be fetched without a new call",
    "refused": "the vendor would not make it",
    "failed": "failed as often as it may be sent",
    "held": "in another run's hands, or its outcome is unknown",
    "lost": "paid, and its picture can never be had",
    "missing": "was stored, and its picture is gone",
}
_MARKDOWN = re.compile(r"[\\`*_\[\]<>&|~]")
_SHOWN = 20
_SAMPLE_PROMPTS = 10


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; cells are kept from breaking it."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def catalog_report(catalog: Catalog) -> str:
    """How an export was read, and its first rejected rows."""
    counts = [
        ("rows", catalog.rows),
        ("products", len(catalog.products)),
        ("rejected rows", len(catalog.rejected_rows)),
        *((f"skipped: {reason}", count) for reason, count in catalog.skipped.items()),
        ("dialect", catalog.dialect),
        ("encoding", catalog.encoding),
    ]
    parts = [markdown_table(("catalog", catalog.name), counts)]
    parts += [f"**{warning}**" for warning in catalog.warnings]
    if catalog.rejected_rows:
        parts.append(rejected_rows_table(catalog.rejected_rows))
    return "\n\n".join(parts)


def rejected_rows_table(rows: Sequence[RejectedRow]) -> str:
    """The first rejected rows, with what to do."""
    table = markdown_table(
        ("line", "column", "reason", "what to do"),
        [(row.line, row.column, row.reason, row.message) for row in rows[:_SHOWN]],
    )
    return table + _and_more(len(rows))


def override_problems_table(problems: Sequence[OverrideProblem]) -> str:
    """The first rows of the overrides that cannot be used."""
    table = markdown_table(
        ("line", "column", "product", "problem"),
        [(row.line, row.column, row.product_id, row.message) for row in problems[:_SHOWN]],
    )
    return table + _and_more(len(problems))


def plan_report(plan: Plan, prompts: Sequence[tuple[str, str, str]] = ()) -> str:
    """Counts, cost and time of a plan, and sample prompts as (product_id, shot, prompt)."""
    counts = [
        *((str(status), plan.counts[status], _MEANINGS[status]) for status in STATUSES),
        ("orphaned", plan.orphaned, "pictures of products or shots that are gone"),
    ]
    headline = (
        f"**{plan.to_buy} pictures to buy, about {plan.cost_usd:.2f} USD and "
        f"{plan.minutes:g} minutes** (bound by {plan.binding_limit})"
    )
    parts = [headline, markdown_table(("status", "pictures", "meaning"), counts)]
    if prompts:
        parts.append(prompts_table(prompts))
    return "\n\n".join(parts)


def prompts_table(prompts: Iterable[tuple[str, str, str]]) -> str:
    """Prompts as they are sent, given as (product_id, shot, prompt)."""
    return markdown_table(("product", "shot", "prompt"), prompts)


def sample_prompts(requests: Sequence[ImageRequest]) -> list[tuple[str, str, str]]:
    """Ten prompts, spread over all requests, as (product_id, shot, prompt)."""
    step = max(1, len(requests) // _SAMPLE_PROMPTS)
    chosen = requests[::step][:_SAMPLE_PROMPTS]
    return [(request.product_id, request.shot, request.prompt) for request in chosen]


def summary_report(summary: RunSummary, *, cost_usd_per_image: float) -> str:
    """What a run came to, and its first requests without a picture."""
    cost_usd = summary.calls * cost_usd_per_image
    counts = [(kind, summary.counts[kind]) for kind in KINDS if summary.counts[kind]]
    calls = f"{summary.calls} {'call' if summary.calls == 1 else 'calls'}"
    parts = [
        f"**{calls}, at most about {cost_usd:.2f} USD**",
        markdown_table(("outcome", "pictures"), counts),
    ]
    if summary.stop_reason:
        parts.insert(0, f"**Stopped: {summary.stop_reason}**")
    if summary.possibly_paid_twice:
        parts.append(f"possibly paid twice: {summary.possibly_paid_twice}")
    if summary.shortfalls:
        parts.append(shortfalls_table(summary.shortfalls))
    return "\n\n".join(parts)


def shortfalls_table(shortfalls: Sequence[Shortfall]) -> str:
    """The first requests without a picture, each with its reason."""
    table = markdown_table(
        ("product", "shot", "outcome", "reason"),
        [(item.product_id, item.shot, item.kind, item.reason) for item in shortfalls[:_SHOWN]],
    )
    return table + _and_more(len(shortfalls))


def _and_more(count: int) -> str:
    return f"\n\nand {count - _SHOWN} more" if count > _SHOWN else ""


def _cell(cell: object) -> str:
    return " ".join(_MARKDOWN.sub(r"\\\g<0>", str(cell)).split())
