import re
import runpy
from pathlib import Path
from typing import Any

import click
import pytest

from flux_assets.commands.main import cli
from flux_assets.settings import Settings, variable_of

PROJECT = Path(__file__).parents[1]
DOCS = PROJECT / "docs"
README = PROJECT / "README.md"
TEXTS = [README, *sorted(DOCS.glob("*.md"))]
GENERATE: dict[str, Any] = runpy.run_path(str(DOCS / "generate.py"))


def _name(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("name", GENERATE["PAGES"])
def test_a_page_that_is_made_from_the_code_is_as_the_code_has_it(name: str) -> None:
    page = (DOCS / name).read_text("utf-8")
    made = GENERATE["fill"](page, GENERATE["PAGES"][name]())
    assert page == made, "run `make docs-pages`"


@pytest.mark.parametrize("marks", ["", "{end}{start}", "{start}", "{start}{end}{end}"])
def test_a_page_without_its_marks_is_not_written(marks: str) -> None:
    page = marks.format(start=GENERATE["_START"], end=GENERATE["_END"])
    with pytest.raises(ValueError, match="the page needs"):
        GENERATE["fill"](page, "made")


def _promises() -> list[str]:
    section = README.read_text("utf-8").partition("## What you get\n")[2].partition("\n## ")[0]
    return section.split("\n- ")[1:]


def test_the_readme_is_short_and_its_figures_are_those_of_the_pages_it_names() -> None:
    assert len(README.read_text("utf-8").splitlines()) <= 120
    assert len(_promises()) == 4
    for promise in _promises():
        page = re.findall(r"docs/(\w+)\.md", promise)[0]
        measured = " ".join((DOCS / f"{page}.md").read_text("utf-8").split())
        figures = re.findall(r"\*\*(\d[^*]*)\*\*", promise)
        assert figures
        assert [it for it in figures if f" {it} " not in measured] == [], promise


@pytest.mark.parametrize(
    ("number", "row"),
    [
        (1, "one title of 100,000 changed: calls"),
        (1, "one title of 100,000 changed: the job, beside no change"),
        (3, "time of a plan, 10,000 products x 3 shots"),
    ],
)
def test_a_promise_of_the_readme_gives_the_row_that_make_bench_measured(
    number: int, row: str
) -> None:
    page = (DOCS / "performance.md").read_text("utf-8")
    ours = re.findall(rf"^\| {re.escape(row)} +\| ([^|]*?) +\|", page, re.MULTILINE)
    assert len(ours) == 1
    assert f"**{ours[0]}**" in _promises()[number]


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    known = {variable_of(field) for field in Settings.model_fields}
    named = set(re.findall(r"\bFLUX_ASSETS_[A-Z0-9_]*[A-Z0-9]\b", path.read_text("utf-8")))
    assert named - known == set()


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_every_command_that_is_named_exists_with_its_flags(path: Path) -> None:
    for line in re.findall(r"\bflux-assets ([^`#\n]*)", path.read_text("utf-8")):
        command: click.Command = cli
        words = re.sub(r"^--component \S+ ", "", line).split()
        while words and isinstance(command, click.Group) and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        assert command is not cli or not re.match(r"[a-z]+( |$)", line), line
        known = {"--help"}.union(*(parameter.opts for parameter in command.params))
        assert {word for word in words if word.startswith("--")} <= known, line


@pytest.mark.parametrize("path", TEXTS, ids=_name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    text = path.read_text("utf-8")
    tests = re.findall(r"[\w/]*\btest_\w+\.py\b", text)
    assert [it for it in tests if not (PROJECT / "flux_assets_tests" / it).is_file()] == []
    named = re.findall(r"`((?:flux_assets|deploy|benchmarks|data)/[\w./]+)`", text)
    assert [it for it in named if not (PROJECT / it).exists()] == []
