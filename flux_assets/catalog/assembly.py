"""Rows -> products: what each row is, what it lacks, and what a product's rows agree on."""

import re
from collections import Counter
from dataclasses import dataclass, field, replace

from flux_assets.catalog.dialects import Dialect
from flux_assets.catalog.facts import Facts, agree_facts, first_key, first_text, read_facts
from flux_assets.catalog.grouping import RowRole, Texts
from flux_assets.catalog.html_text import plain_text
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.paths import first_url
from flux_assets.catalog.product import Product, RejectedRow, RejectionReason
from flux_assets.catalog.table import Row
from flux_assets.errors import ParameterError
from flux_assets.parameters import parse_parameter

MAX_ID_CHARACTERS = 255

# Dagster refuses partition keys with `...` or control characters; surrogates cannot be written.
_UNUSABLE_IN_ID = re.compile(r"\.\.\.|[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Variation:
    """A row that only belongs to a product, which may come later in the file."""

    parent: str
    line: int
    facts: Facts


@dataclass(slots=True, kw_only=True)
class Assembly:
    """Takes an export's rows in order; counts each once: product, rejected or skipped."""

    name: str
    dialect: Dialect
    layout: Layout
    delimiter: str
    rows: int = 0
    rejected_rows: list[RejectedRow] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)
    # None stands for a product whose first row was rejected: its further rows are no news.
    _products: dict[str, Product | None] = field(default_factory=dict)
    # What a product's rows say of colour, material and options, the first row first.
    _facts: dict[str, list[Facts]] = field(default_factory=dict)
    _variations: list[_Variation] = field(default_factory=list)
    _references: dict[str, str] = field(default_factory=dict)
    _joined_titles: list[int] = field(default_factory=list)
    _unnamed_cells: list[int] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Take the next row."""
        self.rows += 1
        if row.problem:
            self._reject(row, "", "malformed_row", row.problem)
            return
        cells = self._fit(row)
        if cells is None:
            return
        texts = dict(zip(self.layout.keys, cells, strict=True))
        id_key = first_key(texts, self.layout.fields["product_id"])
        product_id = texts[id_key].strip() if id_key else ""
        role = self.dialect.role_of(texts, id_key)
        if role.skipped or not any(map(str.strip, cells)):
            self.skipped[role.skipped or "blank"] += 1
        elif role.parent is not None:
            facts = self._read_facts(texts, texts)
            self._variations.append(_Variation(parent=role.parent, line=row.line, facts=facts))
        elif self._has_usable_id(row, id_key, product_id):
            self._place(row, texts, role, id_key, product_id)

    def build_products(self) -> tuple[Product, ...]:
        """All products in the file's order, once every row was added."""
        for variation in self._variations:
            product_id = self._references.get(variation.parent, "")
            self.skipped["variant" if product_id else "variant_without_parent"] += 1
            if product_id in self._facts:
                self._facts[product_id].append(variation.facts)
        for product_id, facts in self._facts.items():
            product = self._products[product_id]
            if product is not None and len(facts) > 1:
                agreed = agree_facts(facts, self.dialect)
                self._products[product_id] = replace(
                    product,
                    color=agreed.pop("color"),
                    material=agreed.pop("material"),
                    columns={**product.columns, **agreed},
                )
        return tuple(product for product in self._products.values() if product is not None)

    def build_warnings(self) -> list[str]:
        """What was read, but may be meant otherwise."""
        orphans = [
            variation.line
            for variation in self._variations
            if variation.parent not in self._references
        ]
        no_parent = "variations are of products that this export lacks; export those too"
        joined = "titles went on in columns without a name, and were joined"
        unnamed = "rows have cells in columns without a name, which were left out; quote commas"
        return [
            f"{len(lines)} {text} (first: line {lines[0]})"
            for lines, text in (
                (self._joined_titles, joined),
                (self._unnamed_cells, unnamed),
                (orphans, no_parent),
            )
            if lines
        ]

    def _fit(self, row: Row) -> list[str] | None:
        """Exactly one cell for each column, or None and a rejected row."""
        cells, width = row.cells, len(self.layout.keys)
        named = self.layout.named_width
        if any(map(str.strip, cells[named:])):
            if self.layout.title_is_last:
                title = self.delimiter.join(cells[named - 1 :])
                cells = [*cells[: named - 1], title.rstrip(self.delimiter)]
                self._joined_titles.append(row.line)
            elif any(map(str.strip, cells[width:])):
                message = (
                    f"the row has {len(cells)} cells under {width} headers, so its columns may be "
                    "shifted; put a cell that contains the delimiter in quotes"
                )
                self._reject(row, "", "malformed_row", message)
                return None
            else:
                self._unnamed_cells.append(row.line)
        return cells[:width] + [""] * (width - len(cells))

    def _has_usable_id(self, row: Row, id_key: str, product_id: str) -> bool:
        if not product_id:
            message = "the row has no product id; give the product one in the shop and export again"
            column = self.layout.headers[self.layout.fields["product_id"][-1]]
            self._reject(row, column, "no_id", message)
            return False
        unusable = _UNUSABLE_IN_ID.search(product_id)
        if unusable or len(product_id) > MAX_ID_CHARACTERS:
            problem = (
                f"contains {unusable[0]!a}"
                if unusable
                else f"is longer than {MAX_ID_CHARACTERS} characters"
            )
            message = f"the product id {problem}, which no partition can be named by; change it"
            column = self.layout.headers[id_key]
            self._reject(row, column, "unusable_id", message, product_id)
            return False
        return True

    def _place(self, row: Row, texts: Texts, role: RowRole, id_key: str, product_id: str) -> None:
        """Make a row with an id a new product, or say what it is to the one there is."""
        known = product_id in self._products
        first = self._products.get(product_id)
        if known and role.joins:
            self.skipped[role.joins] += 1
            if first is not None and self.dialect.has_variants:
                self._facts[product_id].append(self._read_facts(texts, first.columns))
        elif first is not None:
            message = (
                f"the product id {product_id!r} is already that of line {first.line}, which is "
                "kept; give one of the two another id, or remove it"
            )
            column = self.layout.headers[id_key]
            self._reject(row, column, "duplicate_id", message, product_id)
        else:
            facts = self._read_facts(texts, texts)
            product = self._build_product(row, texts, product_id, facts)
            if product is not None or role.joins:
                self._products[product_id] = product
            if product is not None and self.dialect.has_variants:
                self._facts[product_id] = [facts]
            for reference in role.references:
                self._references.setdefault(reference, product_id)

    def _build_product(
        self, row: Row, texts: Texts, product_id: str, facts: Facts
    ) -> Product | None:
        """The product of its first row, or None and a rejected row."""
        cleaned = {
            key: plain_text(text) if "<" in text or "&" in text else text
            for key, text in texts.items()
        }
        fields = self.layout.fields
        title = first_text(cleaned, fields["title"])
        if not title:
            message = "the product has no title; give it one in the shop and export again"
            column = self.layout.headers[fields["title"][0]]
            self._reject(row, column, "no_title", message, product_id)
            return None
        columns = {column: cleaned[key] for column, key in self.layout.columns.items()}
        if not self._has_valid_parameters(row, columns, product_id):
            return None
        agreed = agree_facts([facts], self.dialect)
        color, material = agreed.pop("color"), agreed.pop("material")
        return Product(
            product_id=product_id,
            title=title,
            line=row.line,
            description=first_text(cleaned, fields["description"]),
            category=self._read_category(cleaned),
            brand=first_text(cleaned, fields["brand"]),
            color=color,
            material=material,
            price=first_text(cleaned, fields["price"]),
            image_url=first_url(first_text(cleaned, fields["image_url"])),
            columns=columns | agreed,
        )

    def _has_valid_parameters(self, row: Row, columns: dict[str, str], product_id: str) -> bool:
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
                column = self.layout.headers[self.layout.columns[parameter]]
                self._reject(row, column, "override_out_of_range", message, product_id)
                return False
        return True

    def _read_category(self, cleaned: Texts) -> str:
        """The first that is words: Google's and PrestaShop's may be bare numbers."""
        for key in self.layout.fields["category"]:
            category = self.dialect.read_category(" ".join(cleaned[key].split()))
            if any(map(str.isalpha, category)):
                return category
        return ""

    def _read_facts(self, texts: Texts, first: Texts) -> Facts:
        return read_facts(texts, first, self.dialect, self.layout)

    def _reject(
        self,
        row: Row,
        column: str,
        reason: RejectionReason,
        message: str,
        product_id: str = "",
    ) -> None:
        self.rejected_rows.append(
            RejectedRow(
                file=self.name,
                line=row.line,
                column=column,
                reason=reason,
                message=message,
                product_id=product_id,
            )
        )
