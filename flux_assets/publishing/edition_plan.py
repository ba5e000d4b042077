"""What a channel's next edition shows: by the last one, the catalog, rules, decisions and a quota.

Nothing here reads or writes. What leaves does so at once: a product that is gone, a picture that
was rejected or is blocked. What comes in place of a shown picture waits for its share of the day.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter, is_
from typing import Literal, NamedTuple

from flux_assets.publishing.channels import Slot
from flux_assets.publishing.edition import (
    MOST_EARLIER,
    Edition,
    Offer,
    Picture,
    Showing,
    ShownProduct,
)
from flux_assets.publishing.judges import Judges

NOT_MADE = None
"""Stands for a picture that the manifest has and that no rendition was made of yet."""

_Place = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentProduct:
    """A product as it is now: its offers, and the manifest's picture for each slot and shot.

    A shot without a key is not wanted of it any more; NOT_MADE leaves what is shown as it is.
    """

    product_id: str
    offers: tuple[Offer, ...]
    pictures: Mapping[tuple[str, str], Picture | None]
    title: str = ""


class Withdrawal(NamedTuple):
    """A shown picture that leaves at once, and why."""

    product_id: str
    slot: str
    picture: Picture
    why: Literal["rejected", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionPlan:
    """What the next edition shows, and what becomes of the products on the way there.

    `switched` took their share of the day, `waiting` did not get one; `added` showed nothing
    before; `lost` are those that show nothing now though nobody rejected all they showed.
    """

    products: Mapping[str, ShownProduct]
    switched: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    withdrawn: tuple[Withdrawal, ...] = ()


def plan_edition(
    last: Edition | None,
    products: Iterable[CurrentProduct],
    *,
    slots: Sequence[Slot],
    judges: Judges,
    quota: int | None,
    fallback: Edition | None = None,
) -> EditionPlan:
    """Decide what the next edition shows; the same again gives nothing to do.

    Args:
        last: the channel's newest edition.
        products: those of the catalog and manifest now, each once.
        slots: the channel's.
        judges: what may be shown.
        quota: how many products may switch still today; None for all.
        fallback: an older edition, where a place does not remember enough of what it showed.
    """
    shown_last = last.products if last else {}
    planner = _Planner(slots=slots, judges=judges, fallback=fallback)
    changes: dict[str, tuple[ShownProduct, ShownProduct | None]] = {}
    following: dict[str, ShownProduct] = {}
    added = []
    for product in products:
        shown = shown_last.get(product.product_id)
        kept = planner.withdraw(product, shown)
        wanted = planner.want(product, kept, shown)
        if not product.offers:
            continue
        if kept is None:
            if wanted:
                following[product.product_id] = wanted
                added += [] if shown else [product.product_id]
        elif wanted and _identities(wanted) == _identities(kept):
            following[product.product_id] = kept
        else:
            changes[product.product_id] = (kept, wanted)
    ordered = sorted(changes, key=lambda product_id: _turn_of(product_id, changes[product_id][1]))
    share = ordered if quota is None else ordered[: max(quota, 0)]
    turns = set(share)
    for product_id, (kept, wanted) in changes.items():
        if shows := wanted if product_id in turns else kept:
            following[product_id] = shows
    gone = [product_id for product_id in shown_last if product_id not in following]
    rejected = planner.find_all_rejected(shown_last)
    return EditionPlan(
        products={product_id: following[product_id] for product_id in sorted(following)},
        switched=tuple(share),
        waiting=tuple(ordered[len(share) :]),
        added=tuple(added),
        gone=tuple(gone),
        lost=tuple(product_id for product_id in gone if product_id not in rejected),
        withdrawn=tuple(planner.withdrawn),
    )


def freeze(last: Edition) -> Iterator[CurrentProduct]:
    """The products of an edition as they are shown, where the catalog is not to be trusted.

    Planned with quota 0 and no rules, only what was rejected leaves.
    """
    for product in last.products.values():
        yield CurrentProduct(
            product_id=product.product_id,
            offers=product.offers,
            pictures={(it.slot, it.picture.shot): NOT_MADE for it in product.showings},
            title=product.title,
        )


@dataclass(slots=True, kw_only=True)
class _Planner:
    slots: Sequence[Slot]
    judges: Judges
    fallback: Edition | None
    withdrawn: list[Withdrawal] = field(default_factory=list)

    def withdraw(self, product: CurrentProduct, shown: ShownProduct | None) -> ShownProduct | None:
        """What is shown without what may not be: each gives way to the newest earlier one."""
        if shown is None:
            return None
        kept = []
        measured = {it.identity: it for it in product.pictures.values() if it}
        for known in shown.showings:
            showing = _measure(known, measured.get(known.picture.identity, known.picture))
            why = self.judges.why_not(showing.slot, showing.picture)
            if not why:
                kept.append(self.judges.sign(showing))
                continue
            withdrawal = Withdrawal(shown.product_id, showing.slot, showing.picture, why)
            self.withdrawn.append(withdrawal)
            slot = showing.slot
            for earlier in (*showing.before, *self._recall(shown.product_id, showing)):
                if self.judges.may_come(slot, earlier):
                    kept.append(self.judges.sign(_replace_picture(showing, slot, earlier)))
                    break
        if not kept:
            return None
        return _show(product, kept, shown)

    def want(
        self, product: CurrentProduct, kept: ShownProduct | None, shown: ShownProduct | None
    ) -> ShownProduct | None:
        """What the product shows once it has its turn."""
        known = {self._place_of(it): it for it in shown.showings} if shown else {}
        known |= {self._place_of(it): it for it in kept.showings} if kept else {}
        showings = []
        for slot in self.slots:
            chosen = self._choose(slot, product, kept)
            for picture in chosen[: slot.most]:
                place = (slot.name, picture.shot if slot.most > 1 else "")
                before = known.get(place)
                showings.append(self.judges.sign(_replace_picture(before, slot.name, picture)))
        if not showings:
            return None
        return _show(product, showings, shown)

    def find_all_rejected(self, products: Mapping[str, ShownProduct]) -> set[str]:
        """The products of which people rejected all that was shown."""
        rejected: dict[str, int] = {}
        for withdrawal in self.withdrawn:
            is_rejected = withdrawal.why == "rejected"
            rejected[withdrawal.product_id] = rejected.get(withdrawal.product_id, 0) + is_rejected
        return {it for it, count in rejected.items() if count == len(products[it].showings)}

    def _choose(
        self, slot: Slot, product: CurrentProduct, kept: ShownProduct | None
    ) -> list[Picture]:
        """One picture for each shot that has one to show: the manifest's, else what is shown."""
        showings = kept.showings if kept else ()
        shown = {(it.picture.fingerprint, it.picture.master_sha256) for it in showings}
        in_slot = {it.picture.shot: it.picture for it in showings if it.slot == slot.name}
        chosen = []
        for shot in slot.shots:
            if (slot.name, shot) not in product.pictures:
                continue
            picture = product.pictures[slot.name, shot]
            if picture is None or not self.judges.may_come(slot.name, picture, shown):
                picture = in_slot.get(shot)
            if picture is not None:
                chosen.append(picture)
        return chosen

    def _recall(self, product_id: str, showing: Showing) -> Iterator[Picture]:
        """What the fallback shows in a place."""
        older = self.fallback.products.get(product_id) if self.fallback else None
        for it in older.showings if older else ():
            if self._place_of(it) == self._place_of(showing):
                yield it.picture

    def _place_of(self, showing: Showing) -> _Place:
        """Which place of a product a showing is: of several in a slot, each shot's own.

        A slot that is not known is as any may be: only `additional` can show several.
        """
        slot = showing.slot
        several = next((it.most > 1 for it in self.slots if it.name == slot), slot == "additional")
        return slot, showing.picture.shot if several else ""


def _show(
    product: CurrentProduct, showings: Sequence[Showing], shown: ShownProduct | None
) -> ShownProduct:
    """A product with what it shows; the last edition's own object where nothing is new.

    A second one for each of some hundred thousand products takes as much memory as the first.
    """
    if shown and (shown.offers, shown.title) == (product.offers, product.title):
        before = shown.showings
        if len(before) == len(showings) and all(map(is_, before, showings)):
            return shown
    return ShownProduct(
        product_id=product.product_id,
        offers=product.offers,
        showings=tuple(showings),
        title=product.title,
    )


def _replace_picture(showing: Showing | None, slot: str, picture: Picture) -> Showing:
    """A place that shows another picture now, and remembers what it showed."""
    if showing is None:
        return Showing(slot=slot, picture=picture)
    if showing.picture.identity == picture.identity:
        return _measure(showing, picture)
    earlier = {it.identity: it for it in (showing.picture, *showing.before)}
    earlier.pop(picture.identity, None)
    return Showing(slot=slot, picture=picture, before=tuple(earlier.values())[:MOST_EARLIER])


def _measure(showing: Showing, picture: Picture) -> Showing:
    """The same showing, its picture as it is known now."""
    known = showing.picture
    is_same = picture == known and picture.measures == known.measures
    return showing if is_same else replace(showing, picture=picture)


def _identities(product: ShownProduct) -> list[tuple[str, tuple[str, str, str]]]:
    by_slot = sorted(product.showings, key=attrgetter("slot"))
    return [(it.slot, it.picture.identity) for it in by_slot]


def _turn_of(product_id: str, wanted: ShownProduct | None) -> str:
    """Where a change stands in the queue: the same at each run, and by chance."""
    said = json.dumps([product_id, _identities(wanted) if wanted else []])
    return hashlib.sha256(said.encode()).hexdigest()
