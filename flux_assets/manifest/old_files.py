"""Deleting old files by the hundred, as long as nothing stands against it."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from flux_assets.errors import FluxAssetsError, ObjectNotFoundError, StoreError
from flux_assets.manifest.wanted import PruneError
from flux_assets.storage.object_store import ObjectInfo, ObjectStore
from flux_assets.storage.parallel import map_in_parallel

_BATCH = 500
_Old = TypeVar("_Old")


def delete_each(
    store: ObjectStore,
    old: Sequence[_Old],
    delete: Callable[[_Old], str],
    *,
    probe: str,
    find_obstacle: Callable[[], str],
) -> Iterator[tuple[_Old, str]]:
    """Delete each, several at once, and tell what stood against it, else "".

    Args:
        store: the shop's.
        old: as they were found just now.
        delete: does it, and gives what stood against it.
        probe: a key where nothing is: deleting it is refused where anything else is.
        find_obstacle: asked again and again; why the next ones must stay, else empty.

    Raises:
        PruneError: the store lets nothing be deleted.
    """
    try:
        store.delete(probe)
    except StoreError as error:
        raise PruneError(str(error)) from error
    for start in range(0, len(old), _BATCH):
        batch = old[start : start + _BATCH]
        obstacle = find_obstacle()
        if obstacle:
            yield from ((it, obstacle) for it in batch)
        else:
            yield from map_in_parallel(lambda it: (it, delete(it)), batch)


def delete_files(
    store: ObjectStore,
    files: Sequence[ObjectInfo],
    *,
    probe: str,
    find_obstacle: Callable[[], str],
) -> Iterator[tuple[ObjectInfo, str]]:
    """The same of files that can be made again; what somebody puts again meanwhile stays."""

    def delete(known: ObjectInfo) -> str:
        try:
            if store.head(known.key).modified_at > known.modified_at:
                return "it was put again meanwhile, and is about to be named"
            store.delete(known.key)
        except ObjectNotFoundError:
            return ""
        except FluxAssetsError as error:
            return str(error)
        return ""

    return delete_each(store, files, delete, probe=probe, find_obstacle=find_obstacle)
