"""One function over many items by several processes, for work that is Python's own.

A process is another Python, fed through its pipes. Unlike one of `multiprocessing`, it can be
started within a worker of Celery, and it runs nothing of the script that the user started.
"""

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from itertools import chain, islice
from queue import SimpleQueue
from typing import IO, Generic, TypeVar, cast

from flux_assets.storage.parallel import count_cores, map_on_cores

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

FEWEST_ITEMS = 8
"""With fewer, it takes longer to start processes than they save."""
_MOST_PROCESSES = 4
"""Each takes some 180 MiB, and whoever takes their results keeps no more of them busy."""

_FAILURES = (OSError, EOFError, pickle.PickleError)

_log = logging.getLogger(__name__)


def map_in_processes(
    function: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """Each item's result, in their order; made here where there is one core, or few items.

    What a process does not do, as it cannot start or the system ends it, is done here as well.

    Args:
        function: can be pickled, as its items and results can.
        items: are taken as the results are, with few of them under way.
    """
    remaining = iter(items)
    first = list(islice(remaining, FEWEST_ITEMS))
    count = min(count_cores(), _MOST_PROCESSES)
    if count == 1 or len(first) < FEWEST_ITEMS:
        yield from map(function, chain(first, remaining))
        return
    with ExitStack() as started:
        idle: SimpleQueue[_Process[_Item, _Result] | None] = SimpleQueue()
        for _ in range(count):
            idle.put(_start(function, started))

        def do(item: _Item) -> _Result:
            process = idle.get()
            try:
                if process is not None:
                    return process.ask(item)
            except _FAILURES as error:
                _log.warning("a process failed (%r), so this one does its work", error)
                process = None
            finally:
                idle.put(process)
            return function(item)

        yield from map_on_cores(do, chain(first, remaining), count)


class _Process(Generic[_Item, _Result]):
    """One that waits for items."""

    def __init__(self) -> None:
        # -P: a module of the folder that it is started in is none of ours. In a group of its own it
        # is ended by whoever started it, and not by Ctrl-C in the middle of an item.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flux_assets.storage.process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self._items = cast("IO[bytes]", self._process.stdin)
        self._results = cast("IO[bytes]", self._process.stdout)

    def send(self, item: object) -> None:
        pickle.dump(item, self._items, pickle.HIGHEST_PROTOCOL)
        self._items.flush()

    def ask(self, item: _Item) -> _Result:
        self.send(item)
        result: _Result = pickle.load(self._results)  # noqa: S301 - of a process of our own
        return result

    def end(self) -> None:
        self._process.kill()
        for pipe in (self._items, self._results):
            with suppress(OSError):  # what it did not take
                pipe.close()
        self._process.wait()


def _start(
    function: Callable[[_Item], _Result], started: ExitStack
) -> _Process[_Item, _Result] | None:
    try:
        process: _Process[_Item, _Result] = _Process()
        started.callback(process.end)
        process.send(function)
    except _FAILURES as error:
        _log.warning("no process can be started (%r), so this one does its work", error)
        return None
    return process
