"""What one edition shows otherwise than another: place by place, to be looked at."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import attrgetter
from typing import NamedTuple

from flux_assets.publishing.edition import Edition, Picture, ShownProduct

MOST_NAMED = 20
"""How many changes are kept to be named; the others are counted."""


class Change(NamedTuple):
    """What a slot of a product shows now, and what it showed in the same place."""

    product_id: str
    slot: str
    before: Picture | None
    after: Picture | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionChanges:
    """How many `products` show something else, and the `first` changes, by product id."""

    products: int = 0
    first: tuple[Change, ...] = ()


NO_CHANGES = EditionChanges()


def count_changes(before: Edition | None, after: Edition) -> EditionChanges:
    """Sum up what an edition changes; without one before, all is new."""
    products, first = 0, list[Change]()
    for _, of_product in groupby(find_changes(before, after), key=attrgetter("product_id")):
        products += 1
        first += [*of_product][: MOST_NAMED - len(first)]
    return EditionChanges(products=products, first=tuple(first))


def find_changes(before: Edition | None, after: Edition) -> Iterator[Change]:
    """Each change, by product id and slot; a picture that only moved within a slot is none."""
    earlier = before.products if before else {}
    for product_id in sorted({*earlier, *after.products}):
        old, new = earlier.get(product_id), after.products.get(product_id)
        if old != new:
            yield from _compare(product_id, old, new)


def _compare(
    product_id: str, old: ShownProduct | None, new: ShownProduct | None
) -> Iterator[Change]:
    showings = [*(old.showings if old else ()), *(new.showings if new else ())]
    for slot in sorted({it.slot for it in showings}):
        left = [*(old.of_slot(slot) if old else ())]
        come = [*(new.of_slot(slot) if new else ())]
        stays = {it.identity for it in left} & {it.identity for it in come}
        left, come = ([it for it in each if it.identity not in stays] for each in (left, come))
        for picture in [*left]:
            successor = next((it for it in come if it.shot == picture.shot), None)
            if successor:
                yield Change(product_id, slot, picture, successor)
                left.remove(picture)
                come.remove(successor)
        for picture, successor in zip_longest(left, come):
            yield Change(product_id, slot, picture, successor)
