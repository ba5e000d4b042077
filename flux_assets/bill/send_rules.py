"""When a request whose earlier send came to nothing may be sent again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from flux_assets.bill.ledger_entry import LedgerEntry
from flux_assets.settings import Settings

Standing = Literal["buy", "accepted", "stored", "refused", "failed", "held", "lost"]
"""What may be done with a request: `buy` it, or leave it for the reason that is named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendRules:
    """What the settings and the user allow."""

    max_attempts: int
    on_unknown_outcome: Literal["resubmit", "hold"]
    retry_refused: bool = False

    @classmethod
    def of(cls, settings: Settings, *, retry_refused: bool = False) -> Self:
        """The rules of this environment."""
        return cls(
            max_attempts=settings.max_attempts,
            on_unknown_outcome=settings.on_unknown_outcome,
            retry_refused=retry_refused,
        )

    def standing_of(
        self, entry: LedgerEntry, *, is_abandoned: Callable[[LedgerEntry], bool]
    ) -> Standing:
        """What may be done with a request that has this entry.

        An unknown outcome without a send that counts has been released by a person.

        Args:
            entry: as it stands in the ledger.
            is_abandoned: whether a claim's holder is proven dead.
        """
        sent_enough = entry.attempts >= self.max_attempts
        match entry.state:
            case "accepted" | "stored" | "lost":
                return entry.state
            case "refused":
                return "buy" if self.retry_refused else "refused"
            case "failed":
                return "failed" if sent_enough else "buy"
            case "claimed" if not is_abandoned(entry):
                return "held"
            case "claimed" | "unknown":
                left_to_a_person = self.on_unknown_outcome == "hold" and entry.attempts > 0
                return "held" if sent_enough or left_to_a_person else "buy"
