"""What several processes do comes out as if this one had done it, whatever becomes of them."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.storage import processes
from flux_assets.storage.processes import FEWEST_ITEMS, map_in_processes

ITEMS = range(3 * FEWEST_ITEMS)


@pytest.fixture(autouse=True)
def _two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count_cores", lambda: 2)


def tell_process(item: int) -> tuple[int, int]:
    return item, os.getpid()


def tell_group(_item: int) -> int:
    return os.getpgrp()


def say_much(item: int) -> int:
    sys.stdout.write("not an answer\n" * 10_000)
    sys.stdout.flush()
    return item


class Ends:
    """Ends every process but the one that made it, at some items."""

    def __init__(self, *at: int) -> None:
        self.at = at
        self.own = os.getpid()

    def __call__(self, item: int) -> int:
        if item in self.at and os.getpid() != self.own:
            os.kill(os.getpid(), signal.SIGKILL)
        return item


def refuse_seven(item: int) -> int:
    if item == 7:
        raise ValueError("seven")
    return item


def test_many_items_are_spread_over_processes_and_keep_their_order() -> None:
    found = list(map_in_processes(tell_process, iter(ITEMS)))
    assert [item for item, _ in found] == list(ITEMS)
    used = {process for _, process in found}
    assert 1 <= len(used) <= 2
    assert os.getpid() not in used


@pytest.mark.parametrize("count", [0, 1, FEWEST_ITEMS - 1])
def test_few_items_are_done_here(count: int) -> None:
    assert list(map_in_processes(tell_process, range(count))) == [
        (item, os.getpid()) for item in range(count)
    ]


def test_all_is_done_here_where_there_is_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "count_cores", lambda: 1)
    assert {process for _, process in map_in_processes(tell_process, ITEMS)} == {os.getpid()}


@pytest.mark.parametrize("at", [(0,), (5, 6), tuple(ITEMS)], ids=["first", "some", "all"])
def test_what_a_process_was_ended_at_is_done_here(
    at: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    assert list(map_in_processes(Ends(*at), ITEMS)) == list(ITEMS)
    assert "a process failed (EOFError" in caplog.text


@pytest.mark.parametrize("interpreter", ["/no/such/python", "/bin/false"])
def test_all_is_done_here_where_no_process_can_be_started(
    interpreter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", interpreter)
    assert list(map_in_processes(tell_process, ITEMS)) == [(item, os.getpid()) for item in ITEMS]


def test_an_error_comes_as_if_it_were_raised_here() -> None:
    results = map_in_processes(refuse_seven, ITEMS)
    with pytest.raises(ValueError, match="seven"):
        list(results)


def test_ctrl_c_reaches_no_process_but_ours() -> None:
    assert os.getpgrp() not in set(map_in_processes(tell_group, ITEMS))


def test_what_is_written_meanwhile_is_no_result() -> None:
    assert list(map_in_processes(say_much, ITEMS)) == list(ITEMS)


def test_a_module_of_the_folder_it_starts_in_is_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pickle.py").write_text("raise SystemExit\n")
    monkeypatch.chdir(tmp_path)
    assert os.getpid() not in {process for _, process in map_in_processes(tell_process, ITEMS)}


def test_no_process_is_left_where_the_rest_is_not_wanted() -> None:
    results = map_in_processes(tell_process, ITEMS)
    _, process = next(results)
    assert isinstance(results, Iterator)
    results.close()  # type: ignore[attr-defined]  # it is a generator
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
