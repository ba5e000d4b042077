"""What a catalog gives: products, rejected rows, and the account of how it was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

RejectionReason = Literal[
    "no_id", "duplicate_id", "no_title", "unusable_id", "override_out_of_range", "malformed_row"
]
LeftOutReason = Literal["unpublished", "variant", "variant_without_parent"]
OneSetPer = Literal["product", "color", "row"]

# What a row is, and whether it is on sale: a shots file maps these like a product's fields.
ROW_COLUMNS = ("row_type", "parent", "published")


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One valid catalog entry; every value is text as the export wrote it, stripped of HTML.

    `line` is where the row that it starts on begins. `columns` holds every other column of that
    row, by its normalised name (lower case, every run of other characters an underscore:
    `Variant Grams` is `variant_grams`), for the templates and the per-product parameters.
    `former_ids` are those that an earlier release may have given it.
    """

    product_id: str
    title: str
    line: int
    description: str = ""
    category: str = ""
    brand: str = ""
    color: str = ""
    material: str = ""
    price: str = ""
    image_url: str = ""
    former_ids: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedRow:
    """A catalog row that was not taken: where it is and why."""

    file: str
    line: int
    column: str
    reason: RejectionReason
    message: str
    product_id: str = ""


class LeftOut(NamedTuple):
    """A row with an id that no product has: where it is and which kind of row it is."""

    line: int
    reason: LeftOutReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """A whole export, read: `rows` data rows became products, rejected rows or skipped rows.

    Each row is counted once, so `rows` is the number of rows that products start on, of rejected
    and of skipped rows. A row starts one product, except for one set of pictures per colour:
    there a row that lists the colours of variants which have no rows starts one for each.

    `skipped` counts rows that are rightly no product of their own, by reason: `variant`,
    `additional_image`, `not_visible` (a variant, in Magento), `store_view`, `no_product` (an
    option, a rule, a video, a header once more), `variant_without_parent`, `parent` (its variants'
    colours are the products instead), `unpublished` (with all rows of such a product) and `blank`.
    `encoding` and `delimiter` are as detected; the delimiter of what is no delimited text is the
    empty string.
    `left_out` has the first row of each id that is neither a product's nor a rejected row's.

    `suspected_encoding` is the encoding where it is a guess that may have turned letters into
    others: of such a catalog nothing is bought until a person names the encoding.
    """

    name: str
    dialect: str
    encoding: str
    delimiter: str
    rows: int
    products: tuple[Product, ...]
    rejected_rows: tuple[RejectedRow, ...]
    skipped: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    suspected_encoding: str = ""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
