"""What each row of an export is to a product: itself, a variant, a picture, or nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from flux_assets.catalog.dialect import Dialect, RowKind, Rows
from flux_assets.catalog.identity import names_no_other
from flux_assets.catalog.options import Texts


class RowRole(NamedTuple):
    """What a row is to the product of its id.

    `joins` names what the row is to an earlier row of the same id, or to its parent ("" makes
    it a duplicate), and `is_extra` says that it only adds to that one, a picture or a
    translation. Rows of one `group` are of the same id, whatever their own. `parent` is what a
    variant with an id of its own calls the product it belongs to, and `alone` what it is where
    that product is not in the export ("" makes it a product, "sibling" too, with those that
    name the same parent as its variants); `references` are the names that such rows know this
    one by. `lists_colors` says that one cell may name the colours of several variants.
    """

    joins: str = ""
    is_extra: bool = False
    group: str = ""
    parent: str | None = None
    alone: str = ""
    references: tuple[str, ...] = ()
    lists_colors: bool = False

    @property
    def is_never_a_product(self) -> bool:
        """Whether the row stands for nothing that could have a picture."""
        return self.is_extra or self.joins == "no_product"


_OWN = RowRole()
_OWN_OF_COLORS = RowRole(lists_colors=True)
_VARIANT = RowRole(joins="variant")
_ADDITIONAL_IMAGE = RowRole(joins="additional_image", is_extra=True)
_STORE_VIEW = RowRole(joins="store_view", is_extra=True)
_NO_PRODUCT = RowRole(joins="no_product", parent="", alone="no_product")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A column that names the variants of a row, where the other one, if any, has the value."""

    key: str
    pattern: re.Pattern[str]
    where: str
    value: str

    def read(self, texts: Texts) -> tuple[str, ...]:
        """The ids of the row's variants."""
        if self.value and texts.get(self.where, "").strip().casefold() != self.value:
            return ()
        found = (sku.strip() for sku in self.pattern.findall(texts[self.key]))
        return tuple(sku for sku in found if sku)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRules:
    """A dialect's idea of rows, with the keys of one file's columns.

    `rows` is the dialect's own, unless any export's words for types of rows are all there is: then
    a variant belongs to the product above it.
    `row_types` and `not_on_sale` are all words that count, and `no` those by which a `hidden`
    column says that the product is not. Where the file lacks the parents, `joins_siblings` says
    that their variants are one product all the same, unless a column that only says yes or no, in
    one of the words of `flags`, is taken for one of parents.
    """

    dialect: Dialect
    rows: Rows
    row_types: Mapping[str, RowKind]
    not_on_sale: frozenset[str]
    no: frozenset[str]
    flags: frozenset[str] = frozenset()
    row_type: tuple[str, ...] = ()
    parent: tuple[str, ...] = ()
    published: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    store_view: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    same_id_of: frozenset[str] = frozenset()
    variant_marks: tuple[str, ...] = ()
    listed: tuple[Listed, ...] = ()
    joins_siblings: bool = False
    _kinds: dict[str, RowKind | None] = field(default_factory=dict)

    @property
    def needs_parent(self) -> bool:
        """Whether a variant's row has to name its product in a column, and none is known."""
        return self.rows == "each" and not self.parent and not self.listed

    def is_published(self, texts: Texts) -> bool:
        """Whether no column says that the row is not on sale."""
        for key in self.published:
            if texts[key].strip().casefold() in self.not_on_sale:
                return False
        return all(texts[key].strip().casefold() in self.no for key in self.hidden)

    def role_of(self, texts: Texts, id_key: str, line: int, above: int) -> RowRole:
        """What a row is to its product.

        Args:
            texts: the row.
            id_key: the column of its product id; empty if it has none.
            line: where it stands.
            above: where the last row stands that was no variant; 0 if there is none.
        """
        if self.rows == "each" and not (self.row_type or self.store_view or self.parent):
            return self._listing_role(texts)
        kind = self._kind_of(texts)
        if kind == "never":
            return _NO_PRODUCT
        is_translation = kind == "translation" or any(texts[k].strip() for k in self.store_view)
        if kind in {"variant", "image"}:
            return self._typed_role(
                texts, id_key, above, is_image=kind == "image", is_translation=is_translation
            )
        if is_translation:
            return _STORE_VIEW
        own_id = texts[id_key].strip() if id_key else ""
        if kind is None and not self.dialect.variants_are_typed:
            parent = _parent_of(texts, self.parent)
            if parent and parent != own_id:
                return RowRole(
                    joins="variant",
                    parent=parent,
                    alone="sibling" if self._joins_siblings(parent) else "",
                    references=self._references_of(texts),
                )
        return self._untyped_role(texts, id_key, line, above, has_variants=kind == "parent")

    def _joins_siblings(self, parent: str) -> bool:
        return self.joins_siblings and parent.casefold() not in self.flags

    def _typed_role(
        self, texts: Texts, id_key: str, above: int, *, is_image: bool, is_translation: bool
    ) -> RowRole:
        if self.rows == "below":
            parent = f"#{above}" if above else ""
        elif self.rows == "same_id" or self.listed:
            parent = texts[id_key].strip() if id_key else ""
        else:
            parent = _parent_of(texts, self.parent)
        if is_image:
            return RowRole(
                joins="additional_image", is_extra=True, parent=parent, alone="additional_image"
            )
        reason = self.dialect.variant_reason
        return RowRole(
            joins=reason,
            parent=parent,
            alone="variant_without_parent" if reason == "variant" else reason,
            is_extra=is_translation,
        )

    def _untyped_role(
        self, texts: Texts, id_key: str, line: int, above: int, *, has_variants: bool
    ) -> RowRole:
        if self.rows == "below":
            if above and not (self.row_type or id_key or _first_cell(texts, self.title)):
                parent = f"#{above}"
                return RowRole(joins="variant", parent=parent, alone="variant_without_parent")
            # Some versions of Squarespace's export repeat the id instead of leaving it out.
            joins = "" if self.row_type else "variant"
            return RowRole(joins=joins, references=(f"#{line}",), lists_colors=has_variants)
        if self.listed:
            return self._listing_role(texts)
        if self.row_type or self.parent:
            return RowRole(references=self._references_of(texts), lists_colors=has_variants)
        return self._same_role(texts, id_key)

    def _listing_role(self, texts: Texts) -> RowRole:
        """A product's own row, which may list its variants."""
        if not self.listed:
            return _OWN_OF_COLORS
        listed = self._listed_by(texts)
        return RowRole(references=listed, lists_colors=True) if listed else _OWN

    def _same_role(self, texts: Texts, id_key: str) -> RowRole:
        """What a row is to others that share its id, or its group."""
        if self.rows == "same_group" and (group := _parent_of(texts, self.group)):
            return RowRole(joins="variant", group=group.casefold())
        if self.rows != "same_id" or (self.same_id_of and id_key not in self.same_id_of):
            return _OWN_OF_COLORS
        if self.dialect.variant_marks and not _first_cell(texts, self.variant_marks):
            return _ADDITIONAL_IMAGE
        return _VARIANT

    def _kind_of(self, texts: Texts) -> RowKind | None:
        text = _first_cell(texts, self.row_type)
        if not text:
            return None
        if text not in self._kinds:
            words = (text, *text.split(","))
            found = (self.row_types.get(word.strip().casefold()) for word in words)
            kinds = [kind for kind in found if kind]
            ranked: tuple[RowKind, ...] = ("never", "variant", "image", "translation", "parent")
            self._kinds[text] = next(
                (kind for kind in ranked if kind in kinds), kinds[0] if kinds else None
            )
        return self._kinds[text]

    def _references_of(self, texts: Texts) -> tuple[str, ...]:
        """The ids that a variant may name this row by, the product's own first."""
        cells = {key: texts[key].strip() for key in self.ids}
        plain = (text for text in cells.values() if text)
        return (*plain, *(f"{key}:{text}" for key, text in cells.items() if text))

    def _listed_by(self, texts: Texts) -> tuple[str, ...]:
        for listed in self.listed:
            if skus := listed.read(texts):
                return skus
        return ()


def _parent_of(texts: Texts, keys: Sequence[str]) -> str:
    parent = _first_cell(texts, keys)
    return "" if parent and names_no_other(parent) else parent


def _first_cell(texts: Texts, keys: Sequence[str]) -> str:
    for key in keys:
        if text := texts[key].strip():
            return text
    return ""
