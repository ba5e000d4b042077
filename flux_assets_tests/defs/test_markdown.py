"""A vendor's message, a title or an id inside Markdown shows itself, and loads nothing."""

import pytest
from markdown_it import MarkdownIt

from flux_assets.buying.summary import RunSummary, Shortfall
from flux_assets.catalog import read_catalog
from flux_assets.defs.events import build_observation
from flux_assets.defs.markdown import name_products
from flux_assets.defs.names import Names
from flux_assets.defs.reports import catalog_report, summary_report

IMAGES = [
    "![seen](https://spy.example/p.png)",
    "![seen][1]\n\n[1]: https://spy.example/p.png",
    "<img src='https://spy.example/p.png'>",
    "\\![seen](https://spy.example/p.png)",
    "a*b_c`d|e [x](https://spy.example)",
]
LOADED = {"image", "link_open", "html_inline", "html_block", "em_open", "strong_open"}


def rendered(markdown: str) -> tuple[set[str], str]:
    """What a text becomes: the kinds of its parts, and what is read of it."""
    parts = [
        part
        for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
        for part in token.children or [token]
    ]
    return {part.type for part in parts}, "".join(part.content for part in parts if part.content)


@pytest.mark.parametrize("text", IMAGES)
def test_a_product_s_event_says_the_vendor_s_message_as_it_is(text: str) -> None:
    shortfall = Shortfall(
        product_id="1", shot="hero", fingerprint="", kind="refused", reason=f"refused: {text}"
    )
    kinds, told = rendered(str(build_observation(shortfall, names=Names()).description))
    assert not kinds & LOADED
    assert told == f"refused: {' '.join(text.split())}"


@pytest.mark.parametrize("text", IMAGES)
def test_a_run_s_report_says_why_it_was_stopped_as_it_is(text: str) -> None:
    report = summary_report(RunSummary(stop_reason=text), cost_usd_per_image=0.07)
    kinds, told = rendered(report.split("\n\n", maxsplit=1)[0])
    assert not kinds & (LOADED - {"strong_open"})
    assert told == f"Stopped: {' '.join(text.split())}"


def test_a_catalog_s_warnings_load_nothing() -> None:
    data = (
        "product_id,title,![x](https://spy.example/p.png)\n1,Hat,![y](https://spy.example/q.png)\n"
    )
    kinds, _ = rendered(catalog_report(read_catalog(data.encode(), "![n](https://spy.example)")))
    assert not kinds & {"image", "link_open", "html_inline", "html_block"}


@pytest.mark.parametrize("text", IMAGES)
def test_a_check_s_result_names_products_as_they_are(text: str) -> None:
    kinds, told = rendered(name_products([text, text, "SKU_1"]))
    assert not kinds & LOADED
    assert told == f"{' '.join(text.split())}, SKU_1"


def test_a_description_reads_the_same_where_it_is_rendered_and_where_it_is_not() -> None:
    named = name_products(["OUT-13", "SKU_1", "a (b), 50 %"])
    assert named == rendered(named)[1] == "OUT-13, SKU_1, a (b), 50 %"


@pytest.mark.parametrize("name", ["a`b", "``", "`", "_x_", "a*b*", "&amp;", "[1:2]", "~~x~~", "\\"])
def test_an_id_of_signs_is_named_as_it_is(name: str) -> None:
    kinds, told = rendered(f"without a picture: {name_products([name])}")
    assert not kinds & LOADED
    assert told == f"without a picture: {name}"
