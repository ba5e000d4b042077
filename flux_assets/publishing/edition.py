"""An edition: one immutable, numbered version of a channel's feed, and all that its files say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from flux_assets.publishing.channels_schema import Policy
from flux_assets.publishing.decision import DecisionVerdict

MOST_EARLIER = 3
"""How many pictures a place remembers that it showed before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One rendition of one stored picture.

    The stored picture is its request fingerprint and the sha256 of its bytes (`master_sha256`);
    `sha256` is the rendition's own, `mark` what its mark says. `measures` is the JSON of what
    rules ask of it, as it was when it was last current.
    """

    shot: str
    fingerprint: str
    master_sha256: str
    rendition_id: str
    object_key: str
    sha256: str
    width_px: int
    height_px: int
    mark: str
    measures: str = field(default="{}", compare=False)

    @property
    def identity(self) -> tuple[str, str, str]:
        """Which picture, in which form."""
        return self.fingerprint, self.master_sha256, self.rendition_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What one place of a product shows, and what it showed `before`, the newest first.

    `since` is the number of the edition that the picture came with; `decision` and `warnings`,
    the rules that warn of it, are as they were when the edition was made. That any of these
    changes makes no other edition.
    """

    slot: str
    picture: Picture
    before: tuple[Picture, ...] = ()
    since: int = field(default=0, compare=False)
    decision: DecisionVerdict = field(default="undecided", compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a channel knows by its own id; `title` is the export's cell, if the feed writes it."""

    offer_id: str
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownProduct:
    """One product with what it shows, in the slots' and shots' order; it always shows something.

    `title` is its plain title, where the feed has texts that describe its pictures.
    """

    product_id: str
    offers: tuple[Offer, ...]
    showings: tuple[Showing, ...]
    title: str = ""

    def of_slot(self, slot: str) -> tuple[Picture, ...]:
        """What one slot shows."""
        return tuple(it.picture for it in self.showings if it.slot == slot)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedForm:
    """How an edition's files are written; another form is another edition.

    `formats` are those of `feeds`; `public_url` is the base of all addresses; `legacy` says that
    Shopify's older headers are written, and `alt_text_suffix` follows each title that describes a
    picture.
    """

    formats: tuple[str, ...]
    public_url: str
    legacy: bool = False
    alt_text_suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One version of a channel's feed; `products` are in the order of their ids.

    Of its `day` (UTC, by the store's clock) `switched` products have switched so far, this edition
    included; `base` is how many were shown when the day began, of which the day's share is taken.
    `policy` is the channel's; `by`, `at` and `why` tell who made it, when, and upon what; `claim`
    is its maker's own mark.
    """

    channel: str
    number: int
    day: str
    base: int
    switched: int
    form: FeedForm
    products: Mapping[str, ShownProduct]
    policy: Policy = "all_but_rejected"
    by: str = ""
    at: str = ""
    why: str = ""
    claim: str = ""

    def says_as(self, other: "Edition") -> bool:
        """Whether both have the same files, and remember the same."""
        return self.form == other.form and self.products == other.products

    def url_of(self, picture: Picture) -> str:
        """A picture's public address; Google's rules want `,` and `&` percent-quoted."""
        return f"{self.form.public_url}/{quote(picture.object_key)}"

    def list_named(self) -> Iterator[Picture]:
        """Every picture that it shows, or could go back to."""
        for product in self.products.values():
            for showing in product.showings:
                yield showing.picture
                yield from showing.before
