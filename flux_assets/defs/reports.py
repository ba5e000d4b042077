"""Readable accounts of a catalog, a plan and a run, as Markdown for the UI and the terminal."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from operator import attrgetter

from flux_assets.buying.summary import KINDS, RunSummary, Shortfall
from flux_assets.catalog.product import Catalog, RejectedRow
from flux_assets.defs.markdown import escape_markdown, markdown_table
from flux_assets.image_api.request import ImageRequest
from flux_assets.manifest.findings import FindingKind, StoreFindings
from flux_assets.planning.changes import count_changes, count_pruned
from flux_assets.planning.plan import Plan, estimate
from flux_assets.planning.plan_table import STATUSES, TO_BUY
from flux_assets.prompts.overrides import OverrideProblem
from flux_assets.storage.frames import read_rows
from flux_assets.storage.parquet import StoredTable

_MEANINGS = {
    "new": "to buy: the first picture of a product and shot",
    "changed": "to buy: the product, the shot or a parameter changed",
    "stored": "in the store already",
    "accepted": "paid, to be fetched without a new call",
    "refused": "the vendor would not make it",
    "failed": "failed as often as it may be sent",
    "held": "in another run's hands, its outcome is unknown, or its photo is doubted",
    "lost": "paid, and its picture was asked for in vain",
    "missing": "was stored, and its picture is gone",
}
_FOUND: Mapping[FindingKind, str] = {
    "missing": "the ledger says stored, and the picture is gone: restore it, or `ledger release`",
    "damaged": "the picture is not what was stored: restore the object",
    "unreadable": "a ledger entry or a table cannot be read",
    "without_lineage": "a picture that no ledger entry says is stored; --repair writes it",
    "manifest": "a row of the manifest that disagrees with the ledger; --repair mends it",
    "rendition": "a file for channels is gone, or not what was put there",
    "rendition_table": "tables/renditions.parquet is damaged; --repair builds it again",
    "edition": "a channel's newest edition is damaged: restore an earlier version of the object",
    "unfetched": "paid, and not to be had so far: `flux-assets ledger` says why",
    "undecoded": "paid and kept aside: this release cannot decode it, and a later one may",
    "extra_reply": "a paid reply beside its entry: a second one, or released; nothing to do",
    "superseded": "older pictures, kept to go back to; `prune` can delete them",
    "orphaned": "pictures of products or shots that are gone; `prune --orphaned`",
    "deleted": "older pictures that were deleted since; nothing to do",
}
_SHOWN = 20
_SAMPLE_PROMPTS = 10
_FINGERPRINT_DIGITS = 12
_GUESSED = 10
_TITLED = ("line", "product_id", "title")


def catalog_report(
    catalog: Catalog, products: StoredTable | None = None, *, advice: str = ""
) -> str:
    """How an export was read, and its first rejected rows.

    Args:
        catalog: as read.
        products: the table of them, where the catalog has none.
        advice: what a shop with so many products is told.
    """
    product_count = len(catalog.products) if products is None else products.count_rows()
    counts = [
        ("rows", catalog.rows),
        ("products", product_count),
        ("rejected rows", len(catalog.rejected_rows)),
        *((f"skipped: {reason}", count) for reason, count in catalog.skipped.items()),
        ("dialect", catalog.dialect),
        ("encoding", f"{catalog.encoding}{', a guess' if catalog.suspected_encoding else ''}"),
    ]
    parts = [markdown_table(("catalog", catalog.name), counts)]
    warnings = (*catalog.warnings, *filter(None, [advice]))
    parts += [f"**{escape_markdown(warning)}**" for warning in warnings]
    if catalog.suspected_encoding:
        titled: Iterable[tuple[int, str, str]] = map(attrgetter(*_TITLED), catalog.products)
        if products is not None:
            titled = read_rows(products.read(_TITLED), _TITLED)
        rows = list(islice((row for row in titled if not row[-1].isascii()), _GUESSED))
        parts.append(markdown_table(("line", "product", "title, if the guess is right"), rows))
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


def doubted_table(doubted: Sequence[tuple[str, str, str]]) -> str:
    """The first products whose photo is doubted, each with its shot and the reason."""
    table = markdown_table(("product", "shot", "doubted"), doubted[:_SHOWN])
    return table + _and_more(len(doubted))


def plan_report(plan: Plan, to_buy: int) -> str:
    """Counts of a plan, what buying so many of its pictures takes, and what they are bought for."""
    takes = estimate(to_buy, plan.limits)
    counts = plan.counts
    table = [
        *((str(status), counts[status], _MEANINGS[status]) for status in STATUSES),
        ("orphaned", plan.orphaned, "pictures of products or shots that are gone"),
    ]
    table = [row for row in table if row[1] or row[0] in {"new", "changed", "stored"}]
    headline = (
        f"**{to_buy} {'picture' if to_buy == 1 else 'pictures'} to buy, "
        f"about {takes.cost_usd:.2f} USD and {_duration(takes.minutes)}** "
        f"(bound by {takes.binding_limit})"
    )
    parts = [headline, markdown_table(("status", "pictures", "meaning"), table)]
    pruned = count_pruned(plan)
    if pruned:
        was = "was" if pruned == 1 else "were"
        parts.insert(1, f"**{pruned} of them {was} stored before and pruned: to be paid again**")
    changes = count_changes(plan)
    if changes:
        parts.append(markdown_table(("changed by", "pictures"), changes.items()))
    categories = Counter(plan.select(TO_BUY)["category"].value_counts(sort=False).to_dict())
    if len(categories) > 1:
        named = [(name or "(none)", count) for name, count in categories.most_common(_SHOWN)]
        parts.append(markdown_table(("to buy in category", "pictures"), named))
        parts[-1] += _and_more(len(categories))
    return "\n\n".join(parts)


def reasons_table(counts: Mapping[str, int]) -> str:
    """How many products and shots have no picture, by reason."""
    return markdown_table(("without a picture: reason", "pictures"), counts.items())


def prompts_table(samples: Iterable[tuple[ImageRequest, str]]) -> str:
    """Prompts as they are sent, each with what it is an example of."""
    return markdown_table(
        ("product", "shot", "characters", "prompt"),
        [
            (item.product_id, item.shot, f"{len(item.prompt)} {label}", item.prompt)
            for item, label in samples
        ],
    )


def pick_samples(lengths: Sequence[int]) -> dict[int, str]:
    """The places of ten prompts, spread over all, and of the shortest and the longest, so labelled.

    Args:
        lengths: of every prompt, in characters.
    """
    if not lengths:
        return {}
    step = max(1, len(lengths) // _SAMPLE_PROMPTS)
    picked = dict.fromkeys(range(0, len(lengths), step)[:_SAMPLE_PROMPTS], "")
    shortest = min(range(len(lengths)), key=lengths.__getitem__)
    longest = max(range(len(lengths)), key=lengths.__getitem__)
    return picked | {shortest: "(shortest)"} | {longest: "(longest)"}


def summary_report(summary: RunSummary, *, cost_usd_per_image: float) -> str:
    """What a run came to: outcomes, cost, credits, why pictures failed, and the slowest calls."""
    cost_usd = summary.calls * cost_usd_per_image
    counts = [(kind, summary.counts[kind]) for kind in KINDS if summary.counts[kind]]
    calls = f"{summary.calls} {'call' if summary.calls == 1 else 'calls'}"
    parts = [
        f"**{calls}, at most about {cost_usd:.2f} USD**",
        markdown_table(("outcome", "pictures"), counts),
    ]
    if summary.stop_reason:
        parts.insert(0, f"**Stopped: {escape_markdown(summary.stop_reason)}**")
    if summary.notes:
        parts.append(markdown_table(("of what was chosen",), [(note,) for note in summary.notes]))
    if summary.left_over_cap:
        parts.append(
            f"{summary.left_over_cap} pictures are left for other runs, as the cap says; changed "
            "ones are bought by a run with accept_changes (--accept-changes)"
        )
    if summary.possibly_paid_twice:
        parts.append(f"possibly paid twice: {summary.possibly_paid_twice}")
    if summary.credits:
        parts.append(
            f"account credits: {summary.credits.before:,.0f} before, {summary.credits.after:,.0f} "
            "after, as the API reports them (one call behind)"
        )
    if summary.shortfalls:
        parts += [_reasons_table(summary.shortfalls), shortfalls_table(summary.shortfalls)]
    if summary.slowest:
        slowest = [(call.product_id, call.shot, f"{call.seconds:g}") for call in summary.slowest]
        parts.append(markdown_table(("slowest product", "shot", "seconds"), slowest))
    return "\n\n".join(parts)


def _reasons_table(shortfalls: Sequence[Shortfall]) -> str:
    reasons = Counter((item.kind, item.reason) for item in shortfalls)
    rows = [(kind, count, reason) for (kind, reason), count in reasons.most_common(_SHOWN)]
    return markdown_table(("outcome", "pictures", "reason"), rows) + _and_more(len(reasons))


def shortfalls_table(shortfalls: Sequence[Shortfall]) -> str:
    """The first requests without a picture, each with its reason."""
    table = markdown_table(
        ("product", "shot", "outcome", "reason"),
        [(item.product_id, item.shot, item.kind, item.reason) for item in shortfalls[:_SHOWN]],
    )
    return table + _and_more(len(shortfalls))


def audit_report(findings: StoreFindings) -> str:
    """What an audit found, by kind, and the first keys of what is wrong or was paid twice."""
    headline = "Nothing is wrong" if findings.is_sound else "Something is wrong"
    looked_at = (
        f"**{headline}** ({findings.entries} ledger entries, {findings.pictures} pictures, "
        f"{findings.rows} rows of the manifest"
        f"{f', {findings.renditions} renditions' if findings.renditions else ''})"
    )
    parts = [looked_at]
    if findings.counts:
        rows = [
            (kind.replace("_", " "), findings.counts[kind], findings.repaired[kind], meaning)
            for kind, meaning in _FOUND.items()
            if findings.counts[kind]
        ]
        parts.append(markdown_table(("found", "count", "repaired", "meaning"), rows))
    named = [item for item in findings.first if item.detail]
    if named:
        shown = [
            (
                item.kind.replace("_", " "),
                item.key,
                f"{item.detail} (repaired)" if item.is_repaired else item.detail,
            )
            for item in named
        ]
        parts.append(markdown_table(("found", "key", "detail"), shown))
    return "\n\n".join(parts)


def waiting_table(requests: Sequence[Mapping[str, object]]) -> str:
    """The first requests that wait for a person, as `WaitingRequest.to_json` gives them."""
    names = ("product_id", "shot", "state", "sends", "when", "reason")
    table = markdown_table(
        ("product", *names[1:], "fingerprint"),
        [
            (*(request[name] for name in names), str(request["fingerprint"])[:_FINGERPRINT_DIGITS])
            for request in requests[:_SHOWN]
        ],
    )
    return table + _and_more(len(requests))


def _duration(minutes: float) -> str:
    return f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:.1f} hours"


def _and_more(count: int) -> str:
    return f"\n\nand {count - _SHOWN} more" if count > _SHOWN else ""
