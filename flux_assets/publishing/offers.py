"""The offers of a channel: by which of its ids a product's pictures are known there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from flux_assets.catalog.characters import has_half, show_halves
from flux_assets.catalog.offers import CatalogOffer
from flux_assets.catalog.product import Product
from flux_assets.errors import PromptError
from flux_assets.prompts.templates import render
from flux_assets.publishing.channels import Feed
from flux_assets.publishing.edition import Offer
from flux_assets.publishing.feeds.google_xml import NOT_XML

_MAX_ID_CHARACTERS = 500


class OfferLeftOut(NamedTuple):
    """A row of the export whose offer gets no picture, and why in words."""

    product_id: str
    line: int
    offer_id: str
    reason: Literal["other_color", "unknown_color", "no_id", "unusable_id", "several_products"]
    problem: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOffers:
    """Each product's offers in a channel, by product id, and those that get no picture."""

    by_product: Mapping[str, tuple[Offer, ...]]
    left_out: tuple[OfferLeftOut, ...]


def build_offers(
    catalog: Iterable[CatalogOffer], feeds: Mapping[str, Feed]
) -> dict[str, ChannelOffers]:
    """Each channel's offers by product; one whose colour is not the pictured one gets none.

    Shopify knows products, by their handles, with their titles; every other channel knows rows.
    An id that rows of several products have is nobody's, for its pictures could be another's.

    Args:
        catalog: the export's rows, which are gone through once.
        feeds: by channel.
    """
    collectors = {channel: _Collector(feed) for channel, feed in feeds.items()}
    for row in catalog:
        for collector in collectors.values():
            collector.add(row)
    return {channel: collector.finish() for channel, collector in collectors.items()}


@dataclass(slots=True)
class _Collector:
    """One channel's offers, row by row."""

    feed: Feed
    _left_out: list[OfferLeftOut] = field(default_factory=list)
    _found: dict[str, dict[str, Offer]] = field(default_factory=dict)
    _owners: dict[str, set[str]] = field(default_factory=dict)
    _lines: dict[str, int] = field(default_factory=dict)

    @property
    def _knows_products(self) -> bool:
        return self.feed.format == "shopify_csv"

    def add(self, row: CatalogOffer) -> None:
        """Take the next row."""
        try:
            offer_id = _name(row, self.feed)
        except PromptError as error:
            self._left_out.append(_leave_out(row, "", "no_id", str(error)))
            return
        if not offer_id:
            self._left_out.append(_leave_out(row, "", "no_id", "the row has no id of its own"))
        elif problem := self._find_unwritable(offer_id):
            shown = show_halves(offer_id)
            self._left_out.append(_leave_out(row, shown, "unusable_id", problem))
        elif row.problem and not self._knows_products:
            self._left_out.append(_leave_out(row, offer_id, row.problem, _describe(row)))
        else:
            product_id = row.product.product_id
            title = show_halves(row.title) if self._knows_products else ""
            offer = Offer(offer_id=offer_id, title=title)
            self._found.setdefault(product_id, {}).setdefault(offer_id, offer)
            self._owners.setdefault(offer_id, set()).add(product_id)
            self._lines.setdefault(offer_id, row.line)

    def _find_unwritable(self, offer_id: str) -> str:
        """Why the feed's file cannot have an id; empty if it can."""
        if has_half(offer_id):
            return f"the id {offer_id!r} has half a character, which no file can have"
        if self.feed.format == "google_xml" and NOT_XML.search(offer_id):
            return f"the id {offer_id!r} has a character that no XML file can have"
        return ""

    def finish(self) -> ChannelOffers:
        """All of them."""
        of_several = {it for it, products in self._owners.items() if len(products) > 1}
        doubtful = set() if self._knows_products else of_several
        kept = {
            product_id: tuple(it for it in offers.values() if it.offer_id not in doubtful)
            for product_id, offers in self._found.items()
        }
        named = _name_doubtful(doubtful, self._owners, self._lines)
        return ChannelOffers(
            by_product={product_id: offers for product_id, offers in kept.items() if offers},
            left_out=(*self._left_out, *named),
        )


def _name(row: CatalogOffer, feed: Feed) -> str:
    """What the channel calls the row's offer.

    Raises:
        PromptError: the channel's template cannot be written over the row.
    """
    if feed.offer_id:
        product = row.product
        of_row = Product(
            product_id=product.product_id,
            title=product.title,
            line=row.line,
            description=product.description,
            category=product.category,
            brand=product.brand,
            color=row.color,
            material=product.material,
            columns=row.columns,
        )
        where = f"{feed.format} offer_id"
        return render(feed.offer_id, of_row, shot=where, max_characters=_MAX_ID_CHARACTERS).strip()
    return row.shop_id if feed.format == "shopify_csv" else row.own_id


def _describe(row: CatalogOffer) -> str:
    if row.problem == "other_color":
        shown = f"its colour is {row.color!r}, and {row.pictured_color!r} is pictured"
    else:
        shown = f"its colour is {row.color!r}, and which colour is pictured nobody knows"
    return f"{shown}; write one_set_per: color in the shots file for pictures of each colour"


def _leave_out(
    row: CatalogOffer,
    offer_id: str,
    reason: Literal["other_color", "unknown_color", "no_id", "unusable_id"],
    problem: str,
) -> OfferLeftOut:
    return OfferLeftOut(row.product.product_id, row.line, offer_id, reason, problem)


def _name_doubtful(
    doubtful: Iterable[str], owners: Mapping[str, set[str]], lines: Mapping[str, int]
) -> Iterator[OfferLeftOut]:
    for offer_id in sorted(doubtful):
        products = sorted(owners[offer_id])
        named = ", ".join(map(repr, products))
        problem = f"the id {offer_id!r} is that of rows of several products: {named}"
        yield OfferLeftOut(products[0], lines[offer_id], offer_id, "several_products", problem)
