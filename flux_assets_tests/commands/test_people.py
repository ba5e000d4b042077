"""What a person's terminal is given of texts that others wrote."""

import io
import logging
from pathlib import Path

import click
import pytest
from rich.console import RenderableType
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from flux_assets.commands.failures import run_cli
from flux_assets.commands.people import people, tell_logs, tell_usage
from flux_assets.defs.markdown import markdown_table
from flux_assets.errors import CatalogError
from flux_assets_tests.fixtures.command_line import make_workplace

ATTACKS = {
    "clear the screen": "\x1b[2J\x1b[H",
    "window title": "\x1b]0;owned\x07",
    "one byte for two": "\x9b31m",
    "carriage return": "all is well\rbad",
    "backspace": "bad\b\b\bgood",
    "right to left": "\u202egnp.exe",
    "isolate": "\u2067abc\u2069",
    "marks": "a\u200eb\u200fc\u061cd",
    "line separator": "one\u2028two",
}
OBEYED = set(map(chr, [*range(32), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, 0x2028, 0x2029]))
OBEYED |= set(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x2070)]))
SEEN = "Größe, 牛仔裤, ملابس, 👨‍👩‍👧"  # with joiners, which scripts and emoji need


def shown(renderable: RenderableType, *, color: bool = False) -> str:
    """What reaches a terminal, or a file."""
    file = io.StringIO()
    console = type(people)(
        file=file, force_terminal=color, color_system="standard" if color else None, emoji=False
    )
    console.print(renderable, soft_wrap=True)
    return file.getvalue()


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("form", ["text", "markdown", "table", "rich"])
def test_a_text_s_control_characters_reach_nobody(attack: str, form: str) -> None:
    table = Table("title")
    table.add_row(attack)
    forms: dict[str, RenderableType] = {
        "text": escape(attack),
        "markdown": Markdown(markdown_table(("title",), [(attack,)])),
        "table": table,
        "rich": Text(attack),
    }
    assert not (OBEYED - {"\n"}) & set(shown(forms[form]))


def test_our_own_colours_and_every_script_stay() -> None:
    told = shown(f"[bold red]Error:[/] {SEEN}", color=True)
    assert "\x1b[" in told
    assert SEEN in told


def test_a_text_is_not_turned_into_an_emoji() -> None:
    assert ":heart:" in shown(":heart:")


def test_logs_and_usage_errors_go_the_same_way(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logging, "lastResort", logging.lastResort)
    monkeypatch.setattr(people, "_file", None)
    tell_logs()
    logger = logging.Logger("alone")  # noqa: LOG001 - without anybody's handlers
    logger.warning("a photo: \x1b[2J[x]")
    tell_usage(click.UsageError("no such option: \x1b[2J--[x]"))
    assert capsys.readouterr().err == ("a photo: [2J[x]\nError: no such option: --[x]\n")


def test_a_traceback_shows_a_text_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.group(invoke_without_command=True)
    def fail() -> None:
        raise CatalogError("export.csv", "no title: \x1b[2J\u202e[x]")

    monkeypatch.setattr(people, "_file", None)
    monkeypatch.setattr("sys.argv", ["flux-assets", "--traceback"])
    with pytest.raises(CatalogError):
        run_cli(fail, lambda: None)
    told = capsys.readouterr().err
    assert "Traceback (most recent call last):" in told
    assert "export.csv: no title: [2J[x]" in told


def test_a_hostile_catalog_can_be_planned_on_a_terminal(tmp_path: Path) -> None:
    workplace = make_workplace(tmp_path / "project")
    titles = "".join(f'P-{number},"Mug {text}"\n' for number, text in enumerate(ATTACKS.values()))
    (workplace.folder / "data/catalog.csv").write_text(
        f'product_id,title\n{titles}"X\x1b[2J\u202e",\n', "utf-8", newline=""
    )
    shots = 'shots: {hero: {prompt: "{{ title }}"}}'
    (workplace.folder / "data/shots.yaml").write_text(shots, "utf-8")
    done = workplace.run("plan", "--prompts")
    assert done.exit_code == 0, done.stderr
    assert not (OBEYED - {"\n"}) & set(done.stdout + done.stderr)
    assert "P-8" in done.stdout
