"""What a run came to: counts of outcomes, and every request that has no picture, with why."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, get_args

from flux_assets.bill.credits import CreditSpan
from flux_assets.buying.outcome import WITH_PICTURE, Outcome, OutcomeKind
from flux_assets.storage.frames import name_values

KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)
_ENDS: frozenset[OutcomeKind] = frozenset({"generated", "recovered", "refused", "failed", "lost"})
_FAILURES: frozenset[OutcomeKind] = frozenset({"failed", "lost"})
_SUMS = ("calls", "possibly_paid_twice", "attempted", "failed", "left_over_cap")
_SLOWEST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """One request that ended without a picture."""

    product_id: str
    shot: str
    fingerprint: str
    kind: OutcomeKind
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCall:
    """How long one picture's call took."""

    seconds: float
    product_id: str
    shot: str


_SHORTFALL = tuple(item.name for item in fields(Shortfall))
_SLOW_CALL = tuple(item.name for item in fields(SlowCall))


@dataclass(slots=True, kw_only=True)
class RunSummary:
    """Adds outcomes up; `stop_reason` says why the run sent nothing more, else it is empty.

    `attempted` counts the requests that this run did something for; `failed` those of them that
    ended `failed` or `lost`, or were sent and never answered. `slowest` are the slowest calls,
    slowest first. `left_over_cap` is as of `ChosenWork`, `accept_drop` as of `Choices`. `notes` say
    what became of chosen products without a picture.
    """

    counts: Counter[OutcomeKind] = field(default_factory=Counter)
    calls: int = 0
    possibly_paid_twice: int = 0
    attempted: int = 0
    failed: int = 0
    left_over_cap: int = 0
    accept_drop: bool = False
    shortfalls: list[Shortfall] = field(default_factory=list)
    slowest: list[SlowCall] = field(default_factory=list)
    credits: CreditSpan | None = None
    stop_reason: str = ""
    notes: list[str] = field(default_factory=list)

    @property
    def failed_percent(self) -> float:
        """How many of the attempted requests failed."""
        return 100 * self.failed / self.attempted if self.attempted else 0.0

    def add(self, outcome: Outcome) -> None:
        """Count one outcome."""
        request = outcome.request
        self.counts[outcome.kind] += 1
        self.calls += outcome.calls
        self.possibly_paid_twice += outcome.possibly_paid_twice
        unanswered = outcome.kind == "held" and outcome.calls > 0
        if unanswered or (outcome.kind in _ENDS and not outcome.is_known):
            self.attempted += 1
            self.failed += unanswered or outcome.kind in _FAILURES
        if outcome.kind == "generated" and outcome.lineage is not None:
            seconds = outcome.lineage.latency_seconds
            self._keep_slowest(
                [SlowCall(seconds=seconds, product_id=request.product_id, shot=request.shot)]
            )
        if outcome.kind not in WITH_PICTURE:
            self.shortfalls.append(
                Shortfall(
                    product_id=request.product_id,
                    shot=request.shot,
                    fingerprint=request.fingerprint,
                    kind=outcome.kind,
                    reason=outcome.reason,
                )
            )

    def to_json(self) -> dict[str, Any]:
        """The plain form that passes between steps."""
        return {
            "counts": {kind: self.counts[kind] for kind in KINDS},
            **{name: getattr(self, name) for name in _SUMS},
            "accept_drop": self.accept_drop,
            "shortfalls": [
                {name: getattr(item, name) for name in _SHORTFALL} for item in self.shortfalls
            ],
            "slowest": [
                {name: getattr(item, name) for name in _SLOW_CALL} for item in self.slowest
            ],
            "credits": self.credits.to_json() if self.credits else None,
            "stop_reason": self.stop_reason,
            "notes": self.notes,
        }

    @classmethod
    def merge(cls, parts: Iterable[Mapping[str, Any]]) -> Self:
        """Add up what `to_json` gave for the parts of a run, of an older release maybe."""
        whole = cls()
        for part in parts:
            whole.counts.update(part["counts"])
            for name in _SUMS:
                setattr(whole, name, getattr(whole, name) + part.get(name, 0))
            whole.accept_drop = whole.accept_drop or part.get("accept_drop", False)
            whole.stop_reason = whole.stop_reason or part["stop_reason"]
            whole.shortfalls.extend(
                Shortfall(**name_values(row, _SHORTFALL)) for row in part["shortfalls"]
            )
            whole.notes.extend(part.get("notes", ()))
            whole._keep_slowest(
                SlowCall(**name_values(row, _SLOW_CALL)) for row in part.get("slowest", ())
            )
            if part.get("credits"):
                whole.credits = CreditSpan.from_json(part["credits"]).joined(whole.credits)
        return whole

    def _keep_slowest(self, calls: Iterable[SlowCall]) -> None:
        both = sorted([*self.slowest, *calls], key=lambda call: call.seconds, reverse=True)
        self.slowest = both[:_SLOWEST]
