"""Commands that are killed, interrupted, or wait for one another, as real processes."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flux_assets_tests.fixtures.command_line import open_terminal
from flux_assets_tests.fixtures.live_shops import Command, LiveShop, open_live_shop

pytestmark = pytest.mark.slow

INTERRUPTED = "Interrupted. Paid pictures are kept; run it again to go on."
IN_FLIGHT = 2


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[LiveShop]:
    """So many pictures that nobody buys them all while a test looks."""
    with open_live_shop(tmp_path, products=300, latency=2) as shop:
        yield shop


def _start_waiting(shop: LiveShop, executor: str = "in_process") -> Command:
    """A refresh that has said for whom it waits."""
    command = shop.start("refresh", FLUX_ASSETS_EXECUTOR=executor)
    shop.wait(lambda: "Waiting for the pool" in command.log or None, "the wait", command)
    return command


def _check_runs(shop: LiveShop) -> list[tuple[str, str]]:
    findings = shop.run("check", "--json").json["checks"]
    return [(it["verdict"], it["detail"]) for it in findings if it["name"] == "dagster runs"]


def test_who_waits_for_a_killed_refresh_ends_it_and_goes_on_without_paying_twice(
    shop: LiveShop,
) -> None:
    first = shop.start_buying()
    second = _start_waiting(shop)
    first_run, second_run = shop.run_ids()
    assert f"run {first_run[:8]} has the slot since" in second.log
    first.kill()
    billed = len(shop.bill())
    shop.wait(lambda: len(shop.bill()) > billed or None, "a call", second)
    assert shop.status_of(first_run) == "FAILURE"
    assert shop.status_of(second_run) == "STARTED"
    second.send(signal.SIGTERM)
    assert second.end() == 128 + signal.SIGTERM
    assert len(shop.bill()) - len(shop.workplace.pictures()) <= IN_FLIGHT


@pytest.mark.parametrize("by", ["runs", "check", "refresh"])
def test_a_killed_refresh_is_ended_by_whoever_comes_next(shop: LiveShop, by: str) -> None:
    shop.start_buying().kill()
    [run_id] = shop.run_ids()
    match by:
        case "runs":
            told = shop.run("runs", "--json").json
            assert [it["run_id"] for it in told["ended"]] == [run_id]
            assert (told["runs"], told["pool"]["slots"]) == ([], [])
        case "check":
            [(verdict, detail), (_, then)] = _check_runs(shop)
            assert (verdict, run_id in detail) == ("ok", True)
            assert then == "none is under way"
        case "refresh":
            assert shop.start_buying().log.startswith(f"Run {run_id[:8]}: The run is over")
    assert shop.status_of(run_id) == "FAILURE"


@pytest.mark.parametrize(
    ("number", "executor"),
    [
        (signal.SIGINT, "in_process"),
        (signal.SIGTERM, "in_process"),
        (signal.SIGTERM, "multiprocess"),
    ],
)
def test_waiting_is_idle_talks_and_ends_at_once(
    shop: LiveShop, number: signal.Signals, executor: str
) -> None:
    shop.start_buying()
    waiting = _start_waiting(shop, executor)
    before = waiting.cpu_seconds()
    _wait_for_words(shop, waiting, times=_count_waits(waiting) + 2)
    assert waiting.cpu_seconds() - before < 2, "of ten seconds"
    waiting.send(number)
    assert waiting.end(20) == 128 + number  # a second, on a machine that has nothing else to do
    assert waiting.log.splitlines()[-1] == INTERRUPTED
    assert "Traceback" not in waiting.log


def _wait_for_words(shop: LiveShop, command: Command, *, times: int) -> None:
    shop.wait(lambda: _count_waits(command) >= times or None, "more words", command)


def _count_waits(command: Command) -> int:
    return command.log.count("Waiting for the pool")


@pytest.mark.parametrize("executor", ["in_process", "multiprocess"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_purchase_lands_what_it_paid_for(
    shop: LiveShop, number: signal.Signals, executor: str
) -> None:
    buying = shop.start_buying(FLUX_ASSETS_EXECUTOR=executor)
    buying.send(number)
    assert buying.end() == 128 + number
    assert buying.log.count(INTERRUPTED) == 1
    assert "Traceback" not in buying.log
    assert len(shop.bill()) == len(shop.workplace.pictures())


def test_ctrl_c_at_a_terminal_ends_a_refresh(shop: LiveShop) -> None:
    with open_terminal() as terminal:
        buying = shop.start_buying(terminal=terminal.descriptor)
        os.write(terminal.keyboard, b"\x03")
        assert buying.end() == 128 + signal.SIGINT
    assert terminal.shown().count(INTERRUPTED) == 1
    assert "Traceback" not in terminal.shown()
    assert len(shop.bill()) == len(shop.workplace.pictures())


def test_a_database_that_is_locked_too_long_stops_a_run_which_the_next_one_ends(
    shop: LiveShop,
) -> None:
    buying = shop.start_buying()
    [run_id] = shop.run_ids()
    home = shop.workplace.folder / ".flux_assets/dagster/history"
    with ExitStack() as stack:
        for name in ("runs.db", "runs/index.db", f"runs/{run_id}.db"):
            lock = sqlite3.connect(home / name, timeout=60, isolation_level=None)
            stack.callback(lock.close)
            lock.execute("BEGIN EXCLUSIVE")
        assert buying.end(240) == 1
        assert "another process holds it locked" in buying.log
        assert "Traceback" not in buying.log
    assert len(shop.bill()) == len(shop.workplace.pictures())
    [ended] = shop.run("runs", "--json").json["ended"]
    assert ended["run_id"] == run_id
    shop.start_buying()


def test_a_killed_runs_steps_that_live_keep_their_slot_and_the_next_one_waits(
    shop: LiveShop,
) -> None:
    first = shop.start_buying(FLUX_ASSETS_EXECUTOR="multiprocess")
    first.kill()
    [run_id] = shop.run_ids()
    told = shop.run("runs", "--json").json
    [run] = told["runs"]
    assert (run["life"], told["ended"]) == ("alive", [])
    [step] = [it for it in run["processes"] if it["step"]]
    assert {it["life"] for it in run["processes"] if not it["step"]} == {"dead"}
    second = _start_waiting(shop)
    assert f"process {step['pid']} on" in second.log
    billed = len(shop.bill())
    shop.wait(lambda: len(shop.bill()) > billed or None, "a call of the orphaned step", second)
    os.kill(step["pid"], signal.SIGKILL)
    shop.wait(lambda: shop.status_of(run_id) == "FAILURE" or None, "its end", second)
    billed = len(shop.bill())
    shop.wait(lambda: len(shop.bill()) > billed or None, "a call", second)
    second.send(signal.SIGINT)
    assert second.end() == 128 + signal.SIGINT
    assert len(shop.bill()) - len(shop.workplace.pictures()) <= IN_FLIGHT
