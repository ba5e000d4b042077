"""Who made the last editions of a channel, when and upon what, and how much each changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.publishing.editions import list_numbers, open_edition
from flux_assets.storage.object_store import ObjectStore

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

_SAID = ("product_id", "slot", "fingerprint", "master_sha256", "rendition_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionSummary:
    """One edition in a line; `changes` counts the products that show something else in it."""

    number: int
    at: str
    by: str
    why: str
    changes: int


class EditionSummaries:
    """The summaries of a store's editions, each worked out once, for an edition never changes.

    Args:
        store: where they lie.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._known: dict[tuple[str, int], EditionSummary] = {}

    def list_last(self, channel: str, most: int) -> list[EditionSummary]:
        """Some of the newest ones, the newest first.

        Raises:
            StoreError: one cannot be read, or is damaged.
        """
        numbers = list_numbers(self._store, channel)[-most - 1 :]
        if any((channel, number) not in self._known for number in numbers[-most:]):
            for summary in self._read(channel, numbers):
                self._known[channel, summary.number] = summary
        return [self._known[channel, number] for number in reversed(numbers[-most:])]

    def _read(self, channel: str, numbers: list[int]) -> Iterator[EditionSummary]:
        before: pd.Series[int] | None = None
        for number in numbers:
            edition = open_edition(self._store, channel, number)
            said = _digest_products(edition.read_columns(_SAID).to_pandas())
            head = edition.read_head()
            yield EditionSummary(
                number=number,
                at=str(head["at"]),
                by=str(head["by"]),
                why=str(head["why"]),
                changes=len(said) if before is None else _count_different(before, said),
            )
            before = said


def _digest_products(rows: "pd.DataFrame") -> "pd.Series[int]":
    """A number for each product, the same where it shows the same."""
    import pandas as pd

    digests = pd.util.hash_pandas_object(rows, index=False)
    return digests.groupby(rows["product_id"]).sum()


def _count_different(before: "pd.Series[int]", after: "pd.Series[int]") -> int:
    same = before.index.intersection(after.index)
    changed = int((before[same] != after[same]).sum())
    return changed + len(before) + len(after) - 2 * len(same)
