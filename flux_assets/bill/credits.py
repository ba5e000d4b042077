"""What the API's replies tell of the account's credits while a step buys."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from flux_assets.image_api.protocol import Credits


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditSpan:
    """Credits left by the first and by the last reply; each lags its own call behind."""

    before: float
    after: float

    def to_json(self) -> dict[str, float]:
        """The plain form that passes between steps."""
        return {"before": self.before, "after": self.after}

    @classmethod
    def from_json(cls, plain: Mapping[str, float]) -> "CreditSpan":
        """Read back what `to_json` wrote."""
        return cls(before=plain["before"], after=plain["after"])

    def joined(self, other: "CreditSpan | None") -> "CreditSpan":
        """The span of two parts of a run; credits only become fewer in it."""
        if other is None:
            return self
        return CreditSpan(before=max(self.before, other.before), after=min(self.after, other.after))


class AccountCredits:
    """Keeps the span of the credits that replies tell; for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._span: CreditSpan | None = None

    @property
    def span(self) -> CreditSpan | None:
        """None where no reply has told any."""
        return self._span

    def note(self, credits_told: Credits | None) -> None:
        """Take note of one reply's."""
        if credits_told is None:
            return
        left = credits_told.limit - credits_told.used
        with self._lock:
            self._span = CreditSpan(before=left, after=left).joined(self._span)
