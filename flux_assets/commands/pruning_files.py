"""Files beside the pictures that may be deleted, shown and deleted as `flux-assets prune` does."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from rich.markup import escape

from flux_assets.commands.people import answers
from flux_assets.defs.markdown import markdown_table
from flux_assets.manifest.old_files import delete_files
from flux_assets.manifest.old_parts import PARTS_PROBE_KEY, find_old_parts
from flux_assets.storage.object_store import ObjectInfo, ObjectStore

_SHOWN = 10


Delete = Callable[[Callable[[], str]], Iterable[tuple[ObjectInfo, str]]]
"""Deletes the files, unless what it is given names an obstacle; gives each with its problem."""


class OldFiles:
    """The files of one kind, and what became of them.

    Args:
        kind: what one of them is called.
        files: those that may be deleted.
        delete: does it.
    """

    def __init__(self, kind: str, files: Sequence[ObjectInfo], delete: Delete) -> None:
        self._kind = kind
        self._delete = delete
        self.files = files
        self.deleted = 0
        self.failed: list[tuple[str, str]] = []

    def delete(self, find_obstacle: Callable[[], str]) -> None:
        """Delete them.

        Args:
            find_obstacle: asked again and again; why the next files must stay, else empty.

        Raises:
            PruneError: the store lets nothing be deleted.
        """
        for info, problem in self._delete(find_obstacle) if self.files else ():
            self.deleted += not problem
            if problem:
                self.failed.append((info.key, problem))

    def report(self) -> str:
        """What would go, as Markdown."""
        size = show_megabytes(sum(info.size_bytes for info in self.files))
        parts = [f"**{self._count(len(self.files))} to delete, {size}**"]
        if self.files:
            rows = [(info.key, show_megabytes(info.size_bytes)) for info in self.files[:_SHOWN]]
            parts.append(markdown_table(("the first keys", "size"), rows))
        return "\n\n".join(parts)

    def show(self) -> None:
        """Tell what became of them."""
        answers.print(f"{self._kind.capitalize()}s deleted: {self.deleted}.")
        if self.failed:
            count = self._count(len(self.failed))
            answers.print(f"[bold red]{count} could not be deleted[/]; run it again:")
        for key, problem in self.failed[:_SHOWN]:
            answers.print(f"{escape(key)}: {escape(problem)}", soft_wrap=True)

    def to_json(self) -> dict[str, Any]:
        """The same for a program."""
        return {
            "files": len(self.files),
            "size_bytes": sum(info.size_bytes for info in self.files),
            "first": [info.key for info in self.files[:_SHOWN]],
            "deleted": self.deleted,
            "failed": [{"key": key, "problem": problem} for key, problem in self.failed],
        }

    def _count(self, files: int) -> str:
        return f"{files} {self._kind}{'' if files == 1 else 's'}"


def find_table_parts(
    store: ObjectStore, *, min_age: timedelta, find_run: Callable[[], str]
) -> OldFiles:
    """The parts of tables that no table names any more.

    Args:
        store: the shop's.
        min_age: as for `find_old_parts`.
        find_run: names a run under way, whatever it makes: it may read an older table.

    Raises:
        PruneError: they cannot be told from the others.
        StoreError: the store cannot be listed.
    """
    files = find_old_parts(store, min_age=min_age)

    def delete(find_obstacle: Callable[[], str]) -> Iterable[tuple[ObjectInfo, str]]:
        return delete_files(
            store, files, probe=PARTS_PROBE_KEY, find_obstacle=lambda: find_obstacle() or find_run()
        )

    return OldFiles("table part", files, delete)


def show_megabytes(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e6:,.1f} MB"
