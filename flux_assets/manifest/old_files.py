"""Deleting files that can be made again, unless somebody puts them again meanwhile."""

from collections.abc import Callable, Iterator, Sequence

from flux_assets.errors import FluxAssetsError, ObjectNotFoundError, StoreError
from flux_assets.manifest.wanted import PruneError
from flux_assets.storage.object_store import ObjectInfo, ObjectStore
from flux_assets.storage.parallel import map_in_parallel

_BATCH = 500


def delete_files(
    store: ObjectStore,
    files: Sequence[ObjectInfo],
    *,
    probe: str,
    find_obstacle: Callable[[], str],
) -> Iterator[tuple[ObjectInfo, str]]:
    """Delete each file that is still as old as it was, and tell what stood against it, else "".

    Args:
        store: the shop's.
        files: as they were listed just now.
        probe: a key where no file is: deleting it is refused where any other is.
        find_obstacle: asked again and again; why the next files must stay, else empty.

    Raises:
        PruneError: the store lets nothing be deleted.
    """
    try:
        store.delete(probe)
    except StoreError as error:
        raise PruneError(str(error)) from error
    for start in range(0, len(files), _BATCH):
        batch = files[start : start + _BATCH]
        obstacle = find_obstacle()
        if obstacle:
            yield from ((info, obstacle) for info in batch)
        else:
            yield from map_in_parallel(lambda info: (info, _delete(store, info)), batch)


def _delete(store: ObjectStore, known: ObjectInfo) -> str:
    try:
        if store.head(known.key).modified_at > known.modified_at:
            return "it was put again meanwhile, and is about to be named"
        store.delete(known.key)
    except ObjectNotFoundError:
        return ""
    except FluxAssetsError as error:
        return str(error)
    return ""
