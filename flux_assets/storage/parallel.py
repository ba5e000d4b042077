"""One function over many items by several threads, holding only a few of them at a time."""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

THREADS = 16
"""How many work for `map_in_parallel`."""
_HELD = 32 * THREADS
_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""A container's own, in microseconds of time within a period of so many."""


def map_in_parallel(
    function: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """Each item's result, in their order; the items are taken as the results are."""
    remaining = iter(items)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="parallel") as pool:
        while batch := list(islice(remaining, _HELD)):
            yield from pool.map(function, batch)


def map_on_cores(
    function: Callable[[_Item], _Result], items: Iterable[_Item], threads: int | None = None
) -> Iterator[_Result]:
    """The same for work that keeps a core busy and holds much: never more than twice `threads`.

    These are one for each core unless given. The next item is taken once the first of those under
    way is done, so that no core waits.
    """
    threads = threads or count_cores()
    under_way: deque[Future[_Result]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="cores") as pool:
        for item in items:
            if len(under_way) == 2 * threads:
                yield under_way.popleft().result()
            under_way.append(pool.submit(function, item))
        while under_way:
            yield under_way.popleft().result()


def count_cores() -> int:
    """How many cores this process may use; of the whole machine where that cannot be told.

    A container is limited by its quota of time, while it sees all cores of its machine.
    """
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1  # macOS and Windows
    with suppress(OSError, ValueError):  # `max 100000` is no quota
        quota, period = map(int, _QUOTA.read_text("ascii").split())
        count = min(count, max(math.ceil(quota / period), 1))
    return count
