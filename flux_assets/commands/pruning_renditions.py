"""What was made of pictures and is shown no more, as `flux-assets prune --renditions` does it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from rich.markup import escape

from flux_assets.commands.people import answers
from flux_assets.defs.markdown import markdown_table
from flux_assets.publishing.editions import list_newest
from flux_assets.publishing.kept import KeptForChannels
from flux_assets.publishing.old_renditions import (
    KEPT_RENDITIONS,
    KeptRendition,
    delete_renditions,
    find_old_renditions,
)
from flux_assets.storage.object_store import ObjectStore

_SHOWN = 10
_KEPT: dict[KeptRendition, str] = {
    "named": "in tables/renditions.parquet, or in an edition of FLUX_ASSETS_ROLLBACK_DAYS",
    "younger": "not as old as --older-than-days asks, or not 7 days",
}


class OldRenditions:
    """The files that may be deleted, and what became of them.

    Raises:
        PruneError: they cannot be told from the others.
        StoreError: the store cannot be listed.
    """

    def __init__(self, store: ObjectStore, kept: KeptForChannels, *, min_age: timedelta) -> None:
        self._store = store
        self._kept = kept
        self.plan = find_old_renditions(store, kept, min_age=min_age)
        self.deleted = 0
        self.failed: list[tuple[str, str]] = []

    def delete(self, find_obstacle: Callable[[], str]) -> None:
        """Delete them, as long as nobody publishes meanwhile.

        Raises:
            PruneError: the store lets nothing be deleted.
        """
        if not self.plan.files:
            return
        for info, problem in delete_renditions(
            self._store, self.plan, find_obstacle=lambda: find_obstacle() or self._find_edition()
        ):
            self.deleted += not problem
            if problem:
                self.failed.append((info.key, problem))

    def report(self) -> str:
        """What would go, as Markdown."""
        plan = self.plan
        size = show_megabytes(plan.size_bytes)
        parts = [f"**{_count(len(plan.files))} to delete, {size}**"]
        if plan.files:
            rows = [(info.key, show_megabytes(info.size_bytes)) for info in plan.files[:_SHOWN]]
            parts.append(markdown_table(("the first keys", "size"), rows))
        kept = [(plan.kept[it], _KEPT[it]) for it in KEPT_RENDITIONS if plan.kept.get(it)]
        if kept:
            parts.append(markdown_table(("kept", "because"), kept))
        return "\n\n".join(parts)

    def show(self) -> None:
        """Tell what became of them."""
        answers.print(f"Renditions deleted: {self.deleted}.")
        if self.failed:
            told = f"[bold red]{_count(len(self.failed))} could not be deleted[/]; run it again:"
            answers.print(told)
        for key, problem in self.failed[:_SHOWN]:
            answers.print(f"{escape(key)}: {escape(problem)}", soft_wrap=True)

    def to_json(self) -> dict[str, Any]:
        """The same for a program."""
        failed = [{"key": key, "problem": problem} for key, problem in self.failed]
        return {**self.plan.to_json(), "deleted": self.deleted, "failed": failed}

    def _find_edition(self) -> str:
        newest = list_newest(self._store)
        for channel, number in newest.items():
            if number != self._kept.newest.get(channel):
                return f"channel {channel} has its edition {number} by now; run it again"
        return ""


def _count(files: int) -> str:
    return f"{files} {'rendition' if files == 1 else 'renditions'}"


def show_megabytes(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e6:,.1f} MB"
