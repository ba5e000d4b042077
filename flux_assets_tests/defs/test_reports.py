import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flux_assets.bill.credits import CreditSpan
from flux_assets.buying.summary import RunSummary, Shortfall, SlowCall
from flux_assets.catalog.product import Catalog, Product, RejectedRow
from flux_assets.defs.markdown import markdown_table
from flux_assets.defs.reports import (
    catalog_report,
    pick_samples,
    plan_report,
    prompts_table,
    shortfalls_table,
    summary_report,
)
from flux_assets.planning.plan import Plan
from flux_assets.planning.plan_table import STATUSES, PlanRow, PlanStatus, build_plan_table
from flux_assets_tests.fixtures.records import LIMITS, identify, make_request

_MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])

AWKWARD = [
    "a|b",
    "a\\|b",
    "a\\",
    "two\nlines\r\n\r\nand more",
    "line\u2028separator",
    "`code | not closed",
    "**bold** _it_ *al* __init__ ~~gone~~",
    "<script>alert(1)</script>",
    "![tracker](https://evil.example/x.png)",
    "[link](javascript:alert(1))",
    "# no heading",
    "&lt;&amp;&#124;",
    "---",
    "",
]


def _read_table(markdown: str) -> list[list[str]]:
    """A table's cells as a reader sees them; fails where there is anything but plain text."""
    rows: list[list[str]] = []
    for token in _MARKDOWN.parse(markdown):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            kinds = {part.type for part in token.children or []}
            assert kinds <= {"text", "text_special"}, token.content
            rows[-1].append("".join(part.content for part in token.children or []))
    return rows


def _plain(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", AWKWARD, ids=ascii)
def test_no_text_can_break_a_table_or_mean_anything_in_it(text: str) -> None:
    table = markdown_table(("product", "reason"), [(text, "first"), ("second", text)])
    assert _read_table(table) == [
        ["product", "reason"],
        [_plain(text), "first"],
        ["second", _plain(text)],
    ]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("|\\`*_[]()<>!&;~# \nab:/"), st.text()), max_size=3))
def test_any_text_is_shown_as_it_is(rows: list[tuple[str, str]]) -> None:
    readable = [[_plain("".join(filter(str.isprintable, text))) for text in row] for row in rows]
    assert _read_table(markdown_table(("a", "b"), readable))[1:] == readable


def test_a_catalogs_report_counts_every_row_and_shows_what_to_do() -> None:
    rejected = tuple(
        RejectedRow(
            file="c.csv", line=line, column="Title | x", reason="no_title", message="give it one"
        )
        for line in range(2, 25)
    )
    report = catalog_report(
        Catalog(
            name="c.csv",
            dialect="shopify",
            encoding="utf-8",
            delimiter=",",
            rows=30,
            products=(Product(product_id="p1", title="Chair", line=25),),
            rejected_rows=rejected,
            skipped={"variant": 6},
            warnings=("titles were joined",),
        )
    )
    rows = _read_table(re.sub(r"^\*\*.*\*\*$|^and .*$", "", report, flags=re.MULTILINE))
    for row in (["rows", "30"], ["products", "1"], ["rejected rows", "23"], ["dialect", "shopify"]):
        assert row in rows
    assert ["skipped: variant", "6"] in rows
    assert ["2", "Title | x", "no_title", "give it one"] in rows
    assert sum(row[-1] == "give it one" for row in rows) == 20
    assert "**titles were joined**" in report
    assert report.endswith("and 3 more")


def _plan(*statuses: PlanStatus, orphaned: int = 0) -> Plan:
    rows = [
        PlanRow(*identify(make_request(str(number))), status)
        for number, status in enumerate(statuses)
    ]
    return Plan(table=build_plan_table(rows), orphaned=orphaned, limits=LIMITS)


def test_a_plans_report_names_every_status_the_cost_and_the_time() -> None:
    counts = {status: number for number, status in enumerate(STATUSES, start=1)}
    statuses = [status for status, count in counts.items() for _ in range(count)]
    headline, table, *_ = plan_report(_plan(*statuses, orphaned=7), 3).split("\n\n")
    assert headline == (
        "**3 pictures to buy, about 0.21 USD and 0.5 minutes** (bound by requests_per_minute (180))"
    )
    assert [row[:2] for row in _read_table(table)[1:]] == [
        *([status, str(count)] for status, count in counts.items()),
        ["orphaned", "7"],
    ]


def test_a_plans_report_counts_what_changed_and_in_which_category() -> None:
    plan = _plan("changed", "changed", "new", "stored")
    reasons = ["prompt, take", "prompt", "", ""]
    categories = ["Rings", "Chairs", "Rings", "Lamps"]
    rows = tuple(
        row._replace(reason=reason, category=category)
        for row, reason, category in zip(plan.rows, reasons, categories, strict=True)
    )
    _, _, changes, by_category = plan_report(replace(plan, table=build_plan_table(rows)), 3).split(
        "\n\n"
    )
    assert _read_table(changes) == [["changed by", "pictures"], ["prompt", "2"], ["take", "1"]]
    assert _read_table(by_category) == [
        *(["to buy in category", "pictures"], ["Rings", "2"], ["Chairs", "1"]),
    ]


def test_a_long_plan_is_told_in_hours() -> None:
    assert "166.7 hours" in plan_report(_plan(), 1_800_000)


def test_prompts_are_shown_as_they_are_sent() -> None:
    request = make_request("p|1", "hero", "A chair | on white")
    assert _read_table(prompts_table([(request, "(longest)")])) == [
        ["product", "shot", "characters", "prompt"],
        ["p|1", "hero", "18 (longest)", "A chair | on white"],
    ]


@pytest.mark.parametrize(
    ("count", "places"),
    [(0, []), (3, [0, 1, 2]), (10, list(range(10))), (40, list(range(0, 40, 4)))],
)
def test_ten_sample_prompts_are_spread_over_all(count: int, places: list[int]) -> None:
    picked = pick_samples([5] * count)
    assert list(picked) == places


def test_the_shortest_and_the_longest_prompt_are_among_the_samples() -> None:
    lengths = [50] * 40
    lengths[13], lengths[27] = 9, 900
    picked = pick_samples(lengths)
    assert list(picked) == [*range(0, 40, 4), 13, 27]
    assert {place: label for place, label in picked.items() if label} == {
        13: "(shortest)",
        27: "(longest)",
    }


def _shortfall(number: int) -> Shortfall:
    return Shortfall(
        product_id=f"p{number}", shot="hero", fingerprint="", kind="refused", reason="a | b"
    )


def test_a_runs_report_shows_cost_outcomes_credits_reasons_and_the_slowest_calls() -> None:
    summary = RunSummary(
        calls=4,
        possibly_paid_twice=1,
        left_over_cap=9,
        credits=CreditSpan(before=9_600, after=4_800),
        slowest=[SlowCall(seconds=75.5, product_id="p7", shot="hero")],
        stop_reason="out of credits",
    )
    summary.counts.update({"generated": 2, "failed": 0, "refused": 2})
    summary.shortfalls += [_shortfall(1), _shortfall(2)]
    report = summary_report(summary, cost_usd_per_image=0.07)
    stopped, headline, outcomes, left, twice, told, reasons, shortfalls, slowest = report.split(
        "\n\n"
    )
    assert stopped == "**Stopped: out of credits**"
    assert headline == "**4 calls, at most about 0.28 USD**"
    assert _read_table(outcomes)[1:] == [["generated", "2"], ["refused", "2"]]
    assert left.startswith("9 pictures are left for other runs")
    assert "--accept-changes" in left
    assert twice == "possibly paid twice: 1"
    assert told.startswith("account credits: 9,600 before, 4,800 after")
    assert _read_table(reasons)[1:] == [["refused", "2", "a | b"]]
    assert _read_table(shortfalls)[1:] == [
        *(["p1", "hero", "refused", "a | b"], ["p2", "hero", "refused", "a | b"]),
    ]
    assert _read_table(slowest)[1:] == [["p7", "hero", "75.5"]]


def test_a_long_list_of_shortfalls_is_cut_and_says_so() -> None:
    *table, more = shortfalls_table([_shortfall(number) for number in range(23)]).split("\n\n")
    assert len(_read_table("\n\n".join(table))) == 21
    assert more == "and 3 more"
    assert "more" not in shortfalls_table([_shortfall(number) for number in range(20)])
