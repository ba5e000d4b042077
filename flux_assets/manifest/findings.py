"""What an audit of a store finds: how much of each kind, and the first of them by their key."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

FindingKind = Literal[
    "missing",
    "damaged",
    "unreadable",
    "without_lineage",
    "manifest",
    "rendition",
    "rendition_table",
    "edition",
    "unfetched",
    "undecoded",
    "extra_reply",
    "superseded",
    "orphaned",
    "deleted",
]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)
INFORMATION: frozenset[FindingKind] = frozenset(
    {"unfetched", "undecoded", "extra_reply", "superseded", "orphaned", "deleted"}
)
_KEPT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreFinding:
    """One object and what is to be said of it."""

    kind: FindingKind
    key: str
    detail: str
    is_repaired: bool = False


@dataclass(slots=True, kw_only=True)
class StoreFindings:
    """Counts every finding, and keeps the first few of each kind.

    `entries`, `pictures`, `rows` and `renditions` say how much was looked at: ledger entries,
    pictures, rows of the manifest, and files that were made of pictures.
    """

    entries: int = 0
    pictures: int = 0
    rows: int = 0
    renditions: int = 0
    counts: Counter[FindingKind] = field(default_factory=Counter)
    repaired: Counter[FindingKind] = field(default_factory=Counter)
    first: list[StoreFinding] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong, or no longer so."""
        return all(
            self.counts[kind] == self.repaired[kind]
            for kind in FINDING_KINDS
            if kind not in INFORMATION
        )

    def note(
        self, kind: FindingKind, key: str, detail: str = "", *, is_repaired: bool = False
    ) -> None:
        """Count one finding."""
        self.counts[kind] += 1
        self.repaired[kind] += is_repaired
        if self.counts[kind] <= _KEPT:
            found = StoreFinding(kind=kind, key=key, detail=detail, is_repaired=is_repaired)
            self.first.append(found)

    def to_json(self) -> dict[str, Any]:
        """The object that `flux-assets verify --json` prints."""
        return {
            "ok": self.is_sound,
            "entries": self.entries,
            "pictures": self.pictures,
            "manifest_rows": self.rows,
            "renditions": self.renditions,
            "findings": {
                kind: {
                    "count": self.counts[kind],
                    "repaired": self.repaired[kind],
                    "first": [
                        {"key": item.key, "detail": item.detail, "repaired": item.is_repaired}
                        for item in self.first
                        if item.kind == kind
                    ],
                }
                for kind in FINDING_KINDS
            },
        }
