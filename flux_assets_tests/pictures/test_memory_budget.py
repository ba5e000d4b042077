import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from flux_assets.pictures.memory_budget import ENDLESS, MemoryBudget, open_pixel_budget
from flux_assets.settings import Settings

SECONDS = 60


class Holders:
    """Threads that hold parts of a budget until they are let go, and what they hold together."""

    def __init__(self, budget: MemoryBudget) -> None:
        self.budget = budget
        self.pool = ThreadPoolExecutor(16)
        self._lets: dict[str, threading.Event] = {}
        self._holds: dict[str, threading.Event] = {}
        self._done: dict[str, Future[None]] = {}

    def come(self, name: str, amount: float) -> None:
        """Ask in a thread of its own, and return once it holds its part or waits for it."""
        self._lets[name], self._holds[name] = threading.Event(), threading.Event()
        self._done[name] = self.pool.submit(self._hold, name, amount)
        while not (self.is_in(name) or self._is_waiting(name)):
            self._holds[name].wait(0.001)

    def leave(self, name: str) -> None:
        self._lets[name].set()
        self._done[name].result(SECONDS)

    def is_in(self, name: str) -> bool:
        return self._holds[name].is_set()

    def expect(self, name: str) -> None:
        """Wait until it is in."""
        assert self._holds[name].wait(SECONDS)

    def _is_waiting(self, name: str) -> bool:
        waiting = sum(not it.is_set() for it in self._holds.values())
        return len(self.budget._waiting) == waiting and not self.is_in(name)

    def _hold(self, name: str, amount: float) -> None:
        with self.budget.hold(amount):
            self._holds[name].set()
            assert self._lets[name].wait(SECONDS)


@pytest.fixture
def holders_of() -> Iterator[Callable[[float], Holders]]:
    made: list[Holders] = []

    def make(amount: float) -> Holders:
        made.append(Holders(MemoryBudget(amount)))
        return made[-1]

    yield make
    for holders in made:
        holders.pool.shutdown()


HoldersOf = Callable[[float], Holders]


def test_so_much_is_held_as_there_is_and_no_more(holders_of: HoldersOf) -> None:
    holders = holders_of(10)
    holders.come("a", 4)
    holders.come("b", 6)
    holders.come("c", 1)
    assert [holders.is_in(it) for it in "abc"] == [True, True, False]
    holders.leave("a")
    holders.expect("c")
    holders.leave("b")
    holders.leave("c")


def test_what_is_larger_than_the_budget_goes_alone(holders_of: HoldersOf) -> None:
    holders = holders_of(10)
    holders.come("small", 1)
    holders.come("huge", 1_000)
    assert not holders.is_in("huge")
    holders.leave("small")
    holders.expect("huge")
    holders.come("next", 1)
    assert not holders.is_in("next")
    holders.leave("huge")
    holders.expect("next")
    holders.leave("next")


def test_a_large_one_is_not_overtaken_by_small_ones(holders_of: HoldersOf) -> None:
    holders = holders_of(10)
    holders.come("first", 6)
    holders.come("large", 10)
    for name in ("small", "smaller"):
        holders.come(name, 1)
        assert not holders.is_in(name), "though there is room for it"
    holders.leave("first")
    holders.expect("large")
    assert not holders.is_in("small")
    for name in ("large", "small", "smaller"):
        holders.expect(name)
        holders.leave(name)


def test_an_error_gives_its_part_back() -> None:
    budget = MemoryBudget(10)

    @budget.hold(8)
    def fail() -> None:
        message = "damaged"
        raise OSError(message)

    for _ in range(3):
        with pytest.raises(OSError, match="damaged"):
            fail()
    with budget.hold(10):
        pass


def test_who_is_interrupted_as_it_waits_takes_nothing_and_keeps_nobody_waiting(
    holders_of: HoldersOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    holders = holders_of(10)
    holders.come("first", 6)

    def interrupt(_event: threading.Event, _timeout: float | None = None) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Event, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt), holders.budget.hold(5):
            pass
    holders.come("second", 4)
    holders.expect("second")
    holders.leave("second")
    holders.leave("first")


def test_without_an_end_all_go_at_once() -> None:
    @contextmanager
    def all_of(depth: int) -> Iterator[None]:
        with ENDLESS.hold(1e12):
            if depth:
                with all_of(depth - 1):
                    yield
            else:
                yield

    with all_of(20):
        pass
    with ENDLESS.hold(1):
        pass


def test_the_setting_counts_in_millions() -> None:
    assert open_pixel_budget(Settings(max_decoded_megapixels=1.5)).amount == 1_500_000
