"""What was made of pictures and is shown no more, as `flux-assets prune --renditions` does it."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from flux_assets.commands.pruning_files import OldFiles
from flux_assets.defs.markdown import markdown_table
from flux_assets.publishing.editions import list_newest
from flux_assets.publishing.kept import KeptForChannels
from flux_assets.publishing.old_renditions import (
    KEPT_RENDITIONS,
    KeptRendition,
    delete_renditions,
    find_old_renditions,
)
from flux_assets.storage.object_store import ObjectInfo, ObjectStore

_KEPT: dict[KeptRendition, str] = {
    "named": "in tables/renditions.parquet, or in an edition of FLUX_ASSETS_ROLLBACK_DAYS",
    "younger": "not as old as --older-than-days asks, or not 7 days",
}


class OldRenditions(OldFiles):
    """The files that may be deleted, and what became of them.

    Raises:
        PruneError: they cannot be told from the others.
        StoreError: the store cannot be listed.
    """

    def __init__(self, store: ObjectStore, kept: KeptForChannels, *, min_age: timedelta) -> None:
        self._store = store
        self._kept = kept
        self._plan = find_old_renditions(store, kept, min_age=min_age)
        super().__init__("rendition", self._plan.files, self._delete_unless_shown)

    def report(self) -> str:
        """What would go, and what is kept, as Markdown."""
        kept = [
            (self._plan.kept[it], _KEPT[it]) for it in KEPT_RENDITIONS if self._plan.kept.get(it)
        ]
        table = [markdown_table(("kept", "because"), kept)] if kept else []
        return "\n\n".join([super().report(), *table])

    def to_json(self) -> dict[str, Any]:
        """The same for a program."""
        return {**self._plan.to_json(), **super().to_json()}

    def _delete_unless_shown(
        self, find_obstacle: Callable[[], str]
    ) -> Iterable[tuple[ObjectInfo, str]]:
        """Delete them, as long as nobody publishes meanwhile."""
        return delete_renditions(
            self._store, self._plan, find_obstacle=lambda: find_obstacle() or self._find_edition()
        )

    def _find_edition(self) -> str:
        newest = list_newest(self._store)
        for channel, number in newest.items():
            if number != self._kept.newest.get(channel):
                return f"channel {channel} has its edition {number} by now; run it again"
        return ""
