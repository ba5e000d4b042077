"""Commands at a terminal, in a pipe, and into a file."""

import re
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import (
    COMMAND,
    Workplace,
    make_workplace,
    open_terminal,
)
from flux_assets_tests.fixtures.live_shops import open_live_shop

HERO = ("--shots", "hero")


@pytest.fixture
def workplace(tmp_path: Path) -> Workplace:
    """In a folder whose path is longer than a terminal is wide."""
    return make_workplace(tmp_path / "a-folder-with-a-long-name" / "another-one-beneath-it")


def test_a_plan_in_a_file_is_whole_and_nothing_else_is_in_it(workplace: Workplace) -> None:
    plan = workplace.folder / "plan.txt"
    shown = workplace.run_at_terminal("plan", output=plan, ONEMIN_API_KEY="a-real-key")
    assert shown.exit_code == 0
    assert "is set, but FLUX_ASSETS_MODE is sample" in " ".join(shown.stderr.split())
    assert "pictures to buy" not in shown.stderr
    lines = shown.stdout.splitlines()
    assert "75 pictures to buy, about 5.25 USD" in shown.stdout
    [prompt] = [line for line in lines if "(longest)" in line]
    assert prompt.endswith("unbranded surfaces."), "cut or broken"
    assert "\x1b" not in shown.stdout
    assert all(line == line.rstrip() for line in lines)


def test_numbers_come_before_prompts_and_more_prompts_when_asked_for(workplace: Workplace) -> None:
    plan = workplace.run("plan").stdout
    assert plan.index("pictures to buy") < plan.index("only_if") < plan.index("Oslo Lounge Chair")
    assert "`--prompts` shows more" in plan
    more = workplace.run("plan", "--prompts").stdout
    assert more.index("pictures to buy") < more.index("Oslo Lounge Chair")
    found = re.search(r"^(\S+), in all its shots:$", more, re.MULTILINE)
    assert found
    shots = re.findall(rf"^ {found[1]} +(\w+)", more[found.end() :], re.MULTILINE)
    assert shots == ["hero", "lifestyle", "banner", "on_the_table"]


@pytest.mark.parametrize("columns", [40, pytest.param(80, marks=pytest.mark.slow)])
def test_a_path_can_be_copied_from_a_terminal_of_any_width(
    workplace: Workplace, columns: int
) -> None:
    shown = workplace.run_at_terminal("refresh", *HERO, "--limit", "1", columns=columns)
    assert shown.exit_code == 0
    assert f"{workplace.store}/images/hero/" in shown.stderr.splitlines()
    assert "…" not in shown.stderr


def test_a_terminal_without_colours_is_sent_none(workplace: Workplace) -> None:
    colourful = workplace.run_at_terminal("check", NO_COLOR="")
    plain = workplace.run_at_terminal("check", NO_COLOR="1")
    assert plain.stderr == colourful.stderr


def test_a_refresh_into_a_file_says_there_what_it_came_to(workplace: Workplace) -> None:
    result = workplace.folder / "result.txt"
    shown = workplace.run_at_terminal("refresh", *HERO, "--limit", "2", output=result)
    assert "2 calls, at most about 0.14 USD" in shown.stdout
    assert "To come: 73 pictures that this run was not asked for." in shown.stdout
    assert "2 calls" not in shown.stderr


def test_a_pipe_that_is_closed_early_shows_nobody_a_traceback(workplace: Workplace) -> None:
    done = workplace.run_script(f"{COMMAND} plan --prompts | head -c 1")
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr


def read_bar(shown: str) -> list[tuple[int, int]]:
    """The counts that a progress bar has shown, one after the other."""
    found = re.findall(r"Pictures .*? (\d+)/(\d+), ", shown)
    return list(dict.fromkeys((int(landed), int(total)) for landed, total in found))


@pytest.mark.slow
def test_the_bar_moves_while_pictures_land_to_the_run_s_own_total(workplace: Workplace) -> None:
    shown = workplace.run_at_terminal(
        "refresh",
        *HERO,
        *("--limit", "8"),
        FLUX_ASSETS_SIMULATOR_LATENCY_SECONDS="0.7",
        FLUX_ASSETS_MAX_IN_FLIGHT="2",
    )
    counts = read_bar(shown.stderr)
    assert {total for _, total in counts} == {8}
    assert len([landed for landed, _ in counts if 0 < landed < 8]) >= 2
    assert [landed for landed, _ in counts] == sorted(landed for landed, _ in counts)
    assert re.search(r"\d+ a minute, 0 USD \(sample\), \d:\d\d left", shown.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
def test_the_bar_moves_in_a_live_run_with_every_executor(tmp_path: Path, executor: str) -> None:
    with (
        open_terminal() as terminal,  # waits at its end for all whom the shop ends before
        open_live_shop(tmp_path, products=300, latency=2) as shop,
    ):
        buying = shop.start_buying(
            terminal=terminal.descriptor, TERM="xterm", FLUX_ASSETS_EXECUTOR=executor
        )

        def has_moved() -> bool | None:
            landed = {landed for landed, total in read_bar(terminal.shown()) if total == 300}
            return len(landed) > 2 or None

        shop.wait(has_moved, "a bar that moves", buying)
        assert buying.process.poll() is None
        assert re.search(r"\d+ a minute, 0\.\d\d USD, \d+:\d\d left", terminal.shown())
        buying.kill()
