"""Families of rows -> products: one for each family, for each of its colours, or for each row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flux_assets.catalog.dialects import Dialect
from flux_assets.catalog.entries import Entry
from flux_assets.catalog.facts import first_text
from flux_assets.catalog.families import Family
from flux_assets.catalog.grouping import Texts
from flux_assets.catalog.html_text import plain_text
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.photo_cells import first_photo
from flux_assets.catalog.product import OneSetPer, Product, RejectionReason
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.starts import Start, start_colors, start_product, start_rows
from flux_assets.catalog.variants import Variant, read_variants
from flux_assets.errors import ParameterError
from flux_assets.image_api.parameters import parse_parameter

MAX_ID_CHARACTERS = 255

# Dagster refuses partition keys with `...` or control characters; surrogates cannot be written.
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
    _products: dict[str, Product] = field(default_factory=dict)

    @property
    def products(self) -> tuple[Product, ...]:
        """All products in the file's order."""
        return tuple(sorted(self._products.values(), key=lambda product: product.line))

    def add(self, family: Family) -> None:
        """Take the next family; where its first row is rejected, the others are no news."""
        variants = read_variants(family, self.dialect, self.layout, self.one_set_per)
        first = self._read_row(variants[0])
        started = {family.first}
        if first is not None:
            starts = self._choose_starts(family, variants)
            started = {start.variant.entry for start in starts}
            for start in starts:
                is_first = start.variant is variants[0]
                described = first if is_first else self._read_row(start.variant)
                if described is not None:
                    self._keep(start, described)
        if family.first not in started:
            self.account.skipped["parent" if family.children else "variant"] += 1
        for entry in family.further:
            if entry not in started:
                self.account.skipped[entry.role.joins] += 1

    def _choose_starts(self, family: Family, variants: Sequence[Variant]) -> list[Start]:
        if self.one_set_per == "row":
            return start_rows(family, variants, self.own_ids, self.dialect, self.layout)
        if self.one_set_per == "color":
            return start_colors(family, variants, self.dialect)
        return start_product(variants, self.dialect)

    def _read_row(self, variant: Variant) -> dict[str, Any] | None:
        """The fields of any product that starts on a row; or None and a rejected row."""
        cleaned = {
            key: plain_text(text) if "<" in text or "&" in text else text
            for key, text in variant.texts.items()
        }
        fields = self.layout.fields
        title = first_text(cleaned, fields["title"])
        if not title:
            message = "the product has no title; give it one in the shop and export again"
            self._reject(variant.entry, fields["title"][0], "no_title", message)
            return None
        columns = {column: cleaned[key] for column, key in self.layout.columns.items()}
        if not self._has_valid_parameters(variant.entry, columns):
            return None
        return {
            "title": title,
            "line": variant.entry.line,
            "description": first_text(cleaned, fields["description"]),
            "category": self._read_category(cleaned),
            "brand": first_text(cleaned, fields["brand"]),
            "price": first_text(cleaned, fields["price"]),
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

    def _read_category(self, cleaned: Texts) -> str:
        """The first that is words: Google's and PrestaShop's may be bare numbers."""
        for key in self.layout.fields["category"]:
            category = self.dialect.read_category(" ".join(cleaned[key].split()))
            if any(map(str.isalpha, category)):
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
        return (*(key for key in self.dialect.variant_image if key in self.layout.headers), *keys)

    def _keep(self, start: Start, described: Mapping[str, Any]) -> None:
        """Take all products that start on a row; or none, and reject the row."""
        entry = start.variant.entry
        for product_id in start.colors:
            problem = self._problem_of(product_id)
            if problem:
                reason, message = problem
                key = entry.id_key or self.layout.fields["product_id"][-1]
                self._reject(entry, key, reason, message, product_id)
                return
        options = {
            name: text for name, text in start.facts.items() if name not in {"color", "material"}
        }
        columns = {**described["columns"], **options}
        for product_id, color in start.colors.items():
            self._products[product_id] = Product(
                **{**described, "columns": columns},
                product_id=product_id,
                color=color,
                material=start.facts["material"],
            )

    def _problem_of(self, product_id: str) -> tuple[RejectionReason, str] | None:
        """Why no product can have this id."""
        if not product_id:
            message = "the row has no id of its own; give the variant one in the shop and export"
            return "no_id", f"{message} again"
        unusable = _UNUSABLE_IN_ID.search(product_id)
        if unusable or len(product_id) > MAX_ID_CHARACTERS:
            problem = (
                f"contains {unusable[0]!a}"
                if unusable
                else f"is longer than {MAX_ID_CHARACTERS} characters"
            )
            message = f"the product id {problem}, which no partition can be named by; change it"
            return "unusable_id", message
        if product_id in self._products:
            line = self._products[product_id].line
            return "duplicate_id", (
                f"the product id {product_id!r} is already that of line {line}, which is kept; "
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
