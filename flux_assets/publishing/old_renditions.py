"""Deleting files that were made of pictures and that no channel can show any more.

Unlike a picture, such a file costs nothing but computing time to make again. What must not happen
is that one goes which a run is about to note: a run notes what it has made, or found there, hours
later, so that nothing that was put of late goes, and whoever finds an older file puts it again.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, get_args

from flux_assets.manifest.old_files import delete_files
from flux_assets.manifest.wanted import PruneError
from flux_assets.publishing.kept import KeptForChannels
from flux_assets.publishing.rendition_table import RENDITIONS_KEY
from flux_assets.publishing.table_damage import read_keys
from flux_assets.storage.object_store import (
    RENDITION_KEY,
    RENDITIONS_PREFIX,
    ObjectInfo,
    ObjectStore,
)

YOUNGEST = timedelta(days=7)
"""A younger file never goes: a run that has not ended may have put it, and not noted it yet."""

KeptRendition = Literal["named", "younger"]
KEPT_RENDITIONS: tuple[KeptRendition, ...] = get_args(KeptRendition)
_SHOWN = 10
_PROBE_KEY = f"{RENDITIONS_PREFIX}prune/permission/{'f' * 32}.jpg"
"""Where no file is: deleting it removes nothing, and is refused where any other is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionPlan:
    """Which files may be deleted, in the order of their keys, and how many are kept for what.

    `named` ones are in the table of renditions, or in an edition that counts.
    """

    files: tuple[ObjectInfo, ...]
    kept: Mapping[KeptRendition, int]

    @property
    def size_bytes(self) -> int:
        """Of all that may be deleted."""
        return sum(file.size_bytes for file in self.files)

    def to_json(self) -> dict[str, Any]:
        """The part `renditions` of what `flux-assets prune --renditions --json` prints."""
        return {
            "files": len(self.files),
            "size_bytes": self.size_bytes,
            "first": [file.key for file in self.files[:_SHOWN]],
            "kept": {reason: self.kept.get(reason, 0) for reason in KEPT_RENDITIONS},
        }


def find_old_renditions(
    store: ObjectStore, kept: KeptForChannels, *, min_age: timedelta
) -> RenditionPlan:
    """Find the files that neither the table of renditions nor an edition that counts names.

    Args:
        store: the shop's.
        kept: what editions name.
        min_age: how long ago they were put at least, by the store's own clock; never less than
            YOUNGEST.

    Raises:
        PruneError: there is no table, or it cannot be relied on.
        StoreError: the store cannot be listed.
    """
    named = read_keys(store)
    count = Counter[KeptRendition]()
    latest = store.now() - max(min_age, YOUNGEST)
    old = []
    for info in store.list(RENDITIONS_PREFIX):
        if not RENDITION_KEY.fullmatch(info.key):
            continue
        if named is None:
            raise PruneError(
                f"there is no {RENDITIONS_KEY}, which names what channels are about to show; "
                "`flux-assets publish` writes it"
            )
        if info.key in named or info.key in kept.keys:
            count["named"] += 1
        elif info.modified_at > latest:
            count["younger"] += 1
        else:
            old.append(info)
    files = tuple(sorted(old, key=lambda info: info.key))
    return RenditionPlan(files=files, kept=count)


def delete_renditions(
    store: ObjectStore, plan: RenditionPlan, *, find_obstacle: Callable[[], str]
) -> Iterator[tuple[ObjectInfo, str]]:
    """As `delete_files`."""
    yield from delete_files(store, plan.files, probe=_PROBE_KEY, find_obstacle=find_obstacle)
