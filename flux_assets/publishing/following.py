"""The edition that would follow a channel's newest one, and why it may not be made."""

from dataclasses import dataclass

from flux_assets.errors import FluxAssetsError
from flux_assets.publishing.decisions import Decisions
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.edition_plan import EditionPlan


class EditionDropError(FluxAssetsError):
    """An edition would show so much less than the last that what it stands on looks wrong."""

    def __init__(
        self, channel: str, *, what: str, shown: int, lost: int, max_percent: float
    ) -> None:
        super().__init__(
            f"channel {channel}: {lost} of the {shown} {what} that are shown would show nothing "
            f"({100 * lost / shown:.0f} %), and FLUX_ASSETS_MAX_PRODUCT_DROP_PERCENT allows "
            f"{max_percent:g}; its feed stays, but for what was rejected. If the export and the "
            "channel's rules are right, publish once with --accept-drop."
        )
        self.channel = channel
        self.shown = shown
        self.lost = lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A channel's newest edition, and the one that would follow it; nobody has claimed it yet."""

    last: Edition | None
    edition: Edition
    plan: EditionPlan
    problem: EditionDropError | None
    decisions: Decisions

    @property
    def is_new(self) -> bool:
        """Whether it says anything that the newest one does not."""
        return not self.edition.says_as(self.last) if self.last else bool(self.edition.products)


def find_drop(last: Edition, plan: EditionPlan, max_percent: float) -> EditionDropError | None:
    """Whether too many products would show nothing, or too many offers be gone, unrejected.

    Args:
        last: the channel's newest edition.
        plan: upon it.
        max_percent: of either that may go.
    """
    rejected = {*plan.gone} - {*plan.lost}
    offers = {
        offer.offer_id
        for product_id, product in last.products.items()
        for offer in product.offers
        if product_id not in rejected
    }
    kept = {offer.offer_id for product in plan.products.values() for offer in product.offers}
    losses = {
        "products": (len(plan.lost), len(last.products)),
        "offers": (len(offers - kept), len(offers)),
    }
    for what, (lost, shown) in losses.items():
        if 100 * lost > max_percent * shown:
            return EditionDropError(
                last.channel, what=what, shown=shown, lost=lost, max_percent=max_percent
            )
    return None
