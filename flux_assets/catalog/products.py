"""Families of rows -> products: one for each family, for each of its colours, or for each row."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flux_assets.catalog.cells import (
    TextRules,
    cut_title,
    read_description,
    read_lines,
    read_title,
    show_columns,
)
from flux_assets.catalog.dialect import Dialect
from flux_assets.catalog.entries import Entry
from flux_assets.catalog.facts import first_text
from flux_assets.catalog.families import Family
from flux_assets.catalog.identity import is_shortened
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.nothing import says_nothing
from flux_assets.catalog.options import Texts
from flux_assets.catalog.paths import CATEGORY_READERS
from flux_assets.catalog.photo_cells import first_photo
from flux_assets.catalog.product import OneSetPer, Product, RejectionReason
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.starts import Start, start_colors, start_product, start_rows
from flux_assets.catalog.variants import Variant, read_variants
from flux_assets.errors import ParameterError
from flux_assets.image_api.parameters import parse_parameter

MAX_ID_CHARACTERS = 255

# Dagster refuses partition keys with `...` or control characters; surrogates cannot be written.
_FIELDS_OF_FACTS = frozenset({"color", "material"})
_UNUSABLE_IN_ID = re.compile(r"\.\.\.|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(slots=True, kw_only=True)
class Assembly:
    """Takes families one by one; each of their rows starts products, is rejected or skipped.

    A product that was kept is never replaced: of two with one id, the first family's stays.
    `own_ids` says how often each variant's own id occurs, and is needed for one set per row.
    """

    dialect: Dialect
    layout: Layout
    account: Account
    one_set_per: OneSetPer
    own_ids: Mapping[str, int]
    rules: TextRules
    _lines: dict[str, int] = field(default_factory=dict)

    def add(self, family: Family) -> list[Product]:
        """Take the next family, and give the products that it is.

        Where its first row is rejected, the others are no news.
        """
        kept: list[Product] = []
        variants = read_variants(family, self.layout, self.one_set_per)
        first = self._read_row(variants[0])
        started = {family.first}
        if first is not None:
            starts = self._choose_starts(family, variants)
            started = {start.variant.entry for start in starts}
            for start in starts:
                is_first = start.variant is variants[0]
                described = first if is_first else self._read_row(start.variant)
                if described is not None:
                    is_own = self.one_set_per == "row"
                    base = start.variant.entry if is_own else family.first
                    kept += self._keep(start, described, base)
        if family.first not in started:
            self.account.skipped["parent" if family.children else "variant"] += 1
        self._count_skipped(entry for entry in family.further if entry not in started)
        return kept

    def take_over(self, family: Family) -> bool:
        """Take the next family, whose one product is known; not if another one has its id."""
        product_id = family.first.product_id
        if product_id in self._lines:
            return False
        self._lines[product_id] = family.first.line
        self._count_skipped(family.further)
        return True

    def _count_skipped(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self.account.skipped[entry.role.joins] += 1

    def _choose_starts(self, family: Family, variants: Sequence[Variant]) -> list[Start]:
        if self.one_set_per == "row":
            return start_rows(family, variants, self.own_ids, self.dialect, self.layout)
        if self.one_set_per == "color":
            return start_colors(family, variants, self.dialect)
        return start_product(variants, self.dialect)

    def _read_row(self, variant: Variant) -> dict[str, Any] | None:
        """The fields of any product that starts on a row; or None and a rejected row."""
        lines = read_lines(variant.texts)
        fields = self.layout.fields
        title, said, title_key = read_title(lines, fields["title"], self.rules)
        if not title:
            self._reject(variant.entry, fields["title"][0], "no_title", _untitled(said))
            return None
        shown = cut_title(title, self.rules)
        if shown != title:
            self.account.long_titles.append(variant.entry.line)
        described = self.layout.described[title_key]
        columns = show_columns(variant.texts, lines, self.layout.columns)
        if not self._has_valid_parameters(variant.entry, columns):
            return None
        return {
            "title": shown,
            "line": variant.entry.line,
            "description": read_description(lines, described["description"], self.rules),
            "category": self._read_category(lines, described["category"]),
            "brand": first_text(lines, fields["brand"]),
            "price": first_text(lines, fields["price"], says_nothing),
            "image_url": self._read_photo(variant.texts),
            "columns": columns,
        }

    def _has_valid_parameters(self, entry: Entry, columns: Mapping[str, str]) -> bool:
        for parameter in self.layout.parameters:
            text = columns[parameter].strip()
            try:
                if text:
                    parse_parameter(parameter, text)
            except ParameterError as error:
                message = (
                    f"{error}. Correct the cell, or, if this column is no parameter, write "
                    f"columns: {{{parameter}: null}} in the shots file"
                )
                key = self.layout.columns[parameter]
                self._reject(entry, key, "override_out_of_range", message)
                return False
        return True

    def _read_category(self, lines: Texts, keys: Iterable[str]) -> str:
        """The first that is words."""
        read_category = CATEGORY_READERS[self.dialect.category]
        for key in keys:
            if category := read_category(lines[key]):
                return category
        return ""

    def _read_photo(self, texts: Texts) -> str:
        """The first photo that any of the columns names; their markup may hold the address."""
        photos = (first_photo(texts[key]) for key in self._image_keys())
        return next(filter(None, photos), "")

    def _image_keys(self) -> tuple[str, ...]:
        keys = self.layout.fields["image_url"]
        if self.one_set_per == "product" or "image_url" in self.layout.mapped:
            return keys
        return (*self.layout.variant_image, *keys)

    def _keep(self, start: Start, described: dict[str, Any], base: Entry) -> list[Product]:
        """Take all products that start on a row; or none, and reject the row."""
        entry = start.variant.entry
        for product_id in start.colors:
            problem = self._problem_of(product_id)
            if problem:
                reason, message = problem
                key = entry.id_key or self.layout.fields["product_id"][-1]
                self._reject(entry, key, reason, message, product_id)
                return []
        described["columns"].update(
            (name, text) for name, text in start.facts.items() if name not in _FIELDS_OF_FACTS
        )
        kept = [
            Product(
                **described,
                product_id=product_id,
                former_ids=_list_former_ids(product_id, base),
                color=color,
                material=start.facts["material"],
            )
            for product_id, color in start.colors.items()
        ]
        self._lines.update((product.product_id, product.line) for product in kept)
        return kept

    def _problem_of(self, product_id: str) -> tuple[RejectionReason, str] | None:
        """Why no product can have this id."""
        if not product_id:
            message = "the row has no id of its own; give the variant one in the shop and export"
            return "no_id", f"{message} again"
        if "+" in product_id and is_shortened(product_id.partition("~")[0]):
            return "unusable_id", (
                f"a spreadsheet has cut the product id to {product_id!r}, so that several products "
                "may have it; export again, and open the file with this column as text"
            )
        unusable = _UNUSABLE_IN_ID.search(product_id)
        if unusable or len(product_id) > MAX_ID_CHARACTERS:
            problem = (
                f"contains {unusable[0]!a}"
                if unusable
                else f"is longer than {MAX_ID_CHARACTERS} characters"
            )
            message = f"the product id {problem}, which no partition can be named by; change it"
            return "unusable_id", message
        if product_id in self._lines:
            return "duplicate_id", (
                f"the product id {product_id!r} is already that of line {self._lines[product_id]}, "
                "which is kept; "
                "give one of the two another id, or remove it"
            )
        return None

    def _reject(
        self,
        entry: Entry,
        key: str,
        reason: RejectionReason,
        message: str,
        product_id: str = "",
    ) -> None:
        column = self.layout.headers[key]
        self.account.reject(entry.line, column, reason, message, product_id or entry.product_id)


def _untitled(said: str) -> str:
    if not said:
        return "the product has no title; give it one in the shop and export again"
    return (
        f"the product's title is {said[:60]!r}, which says nothing of what it is; give it one in "
        "the shop, with the brand or the kind of product if this is its name, and export again"
    )


def _list_former_ids(product_id: str, base: Entry) -> tuple[str, ...]:
    """As of the row that its id is made from, with what was added to that row's."""
    if not base.former_ids or not product_id.startswith(base.product_id):
        return ()
    added = product_id[len(base.product_id) :]
    return tuple(former + added for former in base.former_ids)
