"""A shop's kind of export: what `dialects.toml` says of it, where anybody can add one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

RowKind = Literal["variant", "parent", "single", "image", "translation", "never"]
# What a file's rows are to each other where no column names their parent.
Rows = Literal["each", "same_id", "same_group", "below"]
Names = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OptionRule:
    """One way in which a shop writes options; patterns are searched in normalised headers.

    Of `pairs`, the first pattern finds the columns of names and the second those of values, each
    with what they have in common as `n`; `columns` finds columns whose value is the option of the
    group `name`; `packed` finds a name and a value, and the next ones, in the cells of `cells`.
    `without` is no part of a value, `nothing` is a value that says nothing, and `list_sign` parts
    several values. Where a pair's two cells hold several options, `parts` is what parts both.
    """

    pairs: tuple[str, str] | None = None
    columns: str = ""
    cells: tuple[str, ...] = ()
    packed: str = ""
    without: str = ""
    nothing: str = ""
    list_sign: str = ""
    parts: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedVariants:
    """A column of a parent's row that names its variants, where another one has a value."""

    column: str
    pattern: str
    where: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One kind of export; names are squashed headers, in order of preference.

    An export is of this dialect if, for one of the `signatures`, it has one of each set's names.
    `fields` are the columns of a product's fields, and `columns` those that say what a row is:
    `row_type`, `parent`, `published`, `hidden`, `store_view`, `group`. What `generic_fields` and
    `generic_columns` add is what any export may call them; `ignored` columns are none of those.

    `row_types` are the kinds of row by what `row_type` says, before those that all dialects
    share. `rows` says which rows are one product where no parent is named; of "same_id" only the
    ids of `same_id_of` count, if any are given, and a row without any of `variant_marks` then
    only adds a picture. `listed_variants` finds the ids of variants that a parent's row lists.
    Only where `id_falls_back` does a row without the first id column's value take the next one's,
    since two columns' ids could be equal by chance. `each_row_is_published` says that a variant
    may be on sale though the first one is not, `joins_siblings` that variants of a parent which
    the export lacks are one product, `variants_agree` that a product has the colour that all its
    variants have, and `variants_are_typed` that a parent alone makes no variant.

    Where each variant is to have its own pictures, `variant_id` are the columns of its id, if
    that is not the product's. A cell it leaves empty is as in its product's first row, unless
    the column's name starts with one of `own_columns`; `first_row_columns` are always as there.
    `variant_image` are the columns of a picture that shows the variant and no other.
    """

    name: str
    title: str = ""
    note: str = ""
    signatures: tuple[tuple[frozenset[str], ...], ...] = ()
    fields: Names = field(default_factory=dict)
    columns: Names = field(default_factory=dict)
    generic_fields: Names = field(default_factory=dict)
    generic_columns: Names = field(default_factory=dict)
    ignored: frozenset[str] = frozenset()
    row_types: Mapping[str, RowKind] = field(default_factory=dict)
    not_on_sale: frozenset[str] = frozenset()
    rows: Rows = "each"
    same_id_of: frozenset[str] = frozenset()
    variant_marks: frozenset[str] = frozenset()
    listed_variants: tuple[ListedVariants, ...] = ()
    variant_reason: str = "variant"
    id_falls_back: bool = False
    each_row_is_published: bool = False
    joins_siblings: bool = False
    variants_agree: bool = True
    variants_are_typed: bool = False
    category: Literal["plain", "listed", "magento"] = "plain"
    options: tuple[OptionRule, ...] = ()
    variant_id: tuple[str, ...] = ()
    variant_image: tuple[str, ...] = ()
    own_columns: tuple[str, ...] = ()
    first_row_columns: tuple[str, ...] = ()

    def names_of(self, field: str) -> tuple[str, ...]:
        """All that this export may call the column of a product's field, its own names first."""
        return (*self.fields.get(field, ()), *self.generic_fields.get(field, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectTable:
    """All dialects, the most particular first and Google's last, and the words that they share.

    `attributes` gives the product's field for an option's squashed name, in any language.
    `not_on_sale` are values of a column such as `published`, `no` those that deny a column such
    as `hidden`, and `yes` those that affirm it; `tells_variants` are types of rows that only an
    export with variants has. All are lower case, without blanks at their ends.
    """

    dialects: tuple[Dialect, ...]
    generic: Dialect
    row_types: Mapping[str, RowKind]
    not_on_sale: frozenset[str]
    no: frozenset[str]
    yes: frozenset[str]
    tells_variants: frozenset[str]
    attributes: Mapping[str, str]
