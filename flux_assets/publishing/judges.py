"""Who says what a channel may show: its rules, people, and whether what is undecided is shown."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from flux_assets.publishing.channels_schema import Policy
from flux_assets.publishing.decision import DecisionVerdict
from flux_assets.publishing.edition import Picture, Showing


class Judgement(NamedTuple):
    """What a channel's rules say of a picture in a slot."""

    is_blocked: bool = False
    warnings: tuple[str, ...] = ()


Judging = Callable[[str, Picture], Judgement]
"""What a channel's rules say of a picture in a slot, given the slot's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judges:
    """Who says what may be shown: the channel's rules, and people.

    `keeps_warnings` says that the rules are not asked now: what they warned of holds still.
    """

    judge: Judging
    verdict_of: Callable[[str, str], DecisionVerdict]
    policy: Policy
    keeps_warnings: bool = False

    def decision_of(self, picture: Picture) -> DecisionVerdict:
        """What was decided of these very bytes."""
        return self.verdict_of(picture.fingerprint, picture.master_sha256)

    def why_not(self, slot: str, picture: Picture) -> Literal["rejected", "blocked", ""]:
        """Why a shown picture has to leave."""
        if self.decision_of(picture) == "rejected":
            return "rejected"
        return "blocked" if self.judge(slot, picture).is_blocked else ""

    def may_come(
        self, slot: str, picture: Picture, shown: AbstractSet[tuple[str, str]] = frozenset()
    ) -> bool:
        """Whether a picture may be shown now; those already `shown` need no approval."""
        if self.why_not(slot, picture):
            return False
        is_shown = (picture.fingerprint, picture.master_sha256) in shown
        is_approved = self.decision_of(picture) == "approved"
        return self.policy == "all_but_rejected" or is_approved or is_shown

    def sign(self, showing: Showing) -> Showing:
        """A showing with what holds of it now; itself, where that is what it says."""
        warnings = showing.warnings
        if not self.keeps_warnings:
            warnings = self.judge(showing.slot, showing.picture).warnings
        decision = self.decision_of(showing.picture)
        if (decision, warnings) == (showing.decision, showing.warnings):
            return showing
        return replace(showing, decision=decision, warnings=warnings)
