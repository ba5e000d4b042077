import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from flux_assets.catalog.product import Catalog, Product, RejectedRow
from flux_assets.plan import STATUSES, Plan
from flux_assets.reports import (
    catalog_report,
    markdown_table,
    plan_report,
    sample_prompts,
    shortfalls_table,
    summary_report,
)
from flux_assets.summary import RunSummary, Shortfall
from flux_assets_tests.fixtures.records import make_request

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


def test_a_plans_report_names_every_status_the_cost_and_the_prompts() -> None:
    counts = {status: number for number, status in enumerate(STATUSES, start=10)}
    plan = Plan(
        planned=(),
        counts=counts,
        orphaned=7,
        cost_usd=1.5,
        minutes=2.0,
        binding_limit="max_in_flight (96)",
    )
    report = plan_report(plan, [("p|1", "hero", "A chair | on white")])
    headline, *tables = report.split("\n\n")
    assert headline == (
        "**21 pictures to buy, about 1.50 USD and 2 minutes** (bound by max_in_flight (96))"
    )
    rows = _read_table("\n\n".join(tables))
    assert len(tables) == 2
    assert [row[:2] for row in rows[1 : len(STATUSES) + 2]] == [
        *([status, str(count)] for status, count in counts.items()),
        ["orphaned", "7"],
    ]
    assert rows[-1] == ["p|1", "hero", "A chair | on white"]


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(0, []), (3, [0, 1, 2]), (10, list(range(10))), (40, list(range(0, 40, 4)))],
)
def test_sample_prompts_are_spread_over_all_requests(count: int, chosen: list[int]) -> None:
    requests = [make_request(str(number), prompt=f"Chair {number}") for number in range(count)]
    assert sample_prompts(requests) == [
        (str(number), "hero", f"Chair {number}") for number in chosen
    ]


def _shortfall(number: int) -> Shortfall:
    return Shortfall(
        product_id=f"p{number}", shot="hero", fingerprint="", kind="refused", reason="a | b"
    )


def test_a_runs_report_shows_cost_outcomes_and_what_has_no_picture() -> None:
    summary = RunSummary(calls=3, possibly_paid_twice=1, stop_reason="out of credits")
    summary.counts.update({"generated": 2, "failed": 0, "refused": 1})
    summary.shortfalls.append(_shortfall(1))
    report = summary_report(summary, cost_usd_per_image=0.07)
    stopped, headline, outcomes, twice, shortfalls = report.split("\n\n")
    assert stopped == "**Stopped: out of credits**"
    assert headline == "**3 calls, at most about 0.21 USD**"
    assert _read_table(outcomes)[1:] == [["generated", "2"], ["refused", "1"]]
    assert twice == "possibly paid twice: 1"
    assert _read_table(shortfalls)[1:] == [["p1", "hero", "refused", "a | b"]]


def test_a_long_list_of_shortfalls_is_cut_and_says_so() -> None:
    *table, more = shortfalls_table([_shortfall(number) for number in range(23)]).split("\n\n")
    assert len(_read_table("\n\n".join(table))) == 21
    assert more == "and 3 more"
    assert "more" not in shortfalls_table([_shortfall(number) for number in range(20)])
