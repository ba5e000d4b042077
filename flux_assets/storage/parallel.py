"""One function over many items by several threads, holding only a few of them at a time."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")

_THREADS = 16
_HELD = 32 * _THREADS


def map_in_parallel(
    function: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Iterator[_Result]:
    """Each item's result, in their order; the items are taken as the results are."""
    remaining = iter(items)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="parallel") as pool:
        while batch := list(islice(remaining, _HELD)):
            yield from pool.map(function, batch)
