"""What a run came to: counts of outcomes, and every request that has no picture, with why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, get_args

from flux_assets.outcome import WITH_PICTURE, Outcome, OutcomeKind

KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """One request that ended without a picture."""

    product_id: str
    shot: str
    fingerprint: str
    kind: OutcomeKind
    reason: str


@dataclass(slots=True, kw_only=True)
class RunSummary:
    """Adds outcomes up; `stop_reason` says why the run sent nothing more, else it is empty."""

    counts: Counter[OutcomeKind] = field(default_factory=Counter)
    calls: int = 0
    possibly_paid_twice: int = 0
    shortfalls: list[Shortfall] = field(default_factory=list)
    stop_reason: str = ""

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        self.counts[outcome.kind] += 1
        self.calls += outcome.calls
        self.possibly_paid_twice += outcome.possibly_paid_twice
        if outcome.kind not in WITH_PICTURE:
            self.shortfalls.append(
                Shortfall(
                    product_id=outcome.request.product_id,
                    shot=outcome.request.shot,
                    fingerprint=outcome.request.fingerprint,
                    kind=outcome.kind,
                    reason=outcome.reason,
                )
            )

    def to_json(self) -> dict[str, Any]:
        """The plain form that passes between steps."""
        return {
            "counts": {kind: self.counts[kind] for kind in KINDS},
            "calls": self.calls,
            "possibly_paid_twice": self.possibly_paid_twice,
            "shortfalls": [
                [item.product_id, item.shot, item.fingerprint, item.kind, item.reason]
                for item in self.shortfalls
            ],
            "stop_reason": self.stop_reason,
        }

    @classmethod
    def merge(cls, parts: Iterable[Mapping[str, Any]]) -> Self:
        """Add up what `to_json` gave for the parts of a run."""
        whole = cls()
        for part in parts:
            whole.counts.update(part["counts"])
            whole.calls += part["calls"]
            whole.possibly_paid_twice += part["possibly_paid_twice"]
            whole.stop_reason = whole.stop_reason or part["stop_reason"]
            whole.shortfalls.extend(
                Shortfall(product_id=product_id, shot=shot, fingerprint=key, kind=kind, reason=why)
                for product_id, shot, key, kind, why in part["shortfalls"]
            )
        return whole
