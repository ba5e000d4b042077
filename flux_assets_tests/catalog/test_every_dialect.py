"""A random catalog, written in each dialect of the table, comes back as it was."""

import csv
import io
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog import read_catalog

TABLE: dict[str, Any] = tomllib.loads(
    files("flux_assets.catalog").joinpath("dialects.toml").read_text("utf-8")
)
DIALECTS: dict[str, dict[str, Any]] = {it["name"]: it for it in TABLE["dialects"]}
NUMBERED = ("Option Name 1", "Option Value 1")
# How each dialect writes an option, where it has no column for a colour.
PAIRS = {
    "shopify": ("Option1 Name", "Option1 Value"),
    "wix": ("productOptionName1", "productOptionDescription1"),
    "squarespace": NUMBERED,
    "square": NUMBERED,
    "etsy": ("VARIATION 1 NAME", "VARIATION 1 VALUES"),
    "woocommerce": ("Attribute 1 name", "Attribute 1 value(s)"),
    "medusa": ("Variant Option 1 Name", "Variant Option 1 Value"),
    "lightspeed": ("variant_option_one_name", "variant_option_one_value"),
    "jtl": ("Variationsname 1", "Variationswert 1"),
    "oxid": ("OXVARNAME", "OXVARSELECT"),
}
PACKED = {
    "bigcommerce": ("Options", "Type=Swatch|Name=Color|Value={color}[#123456]"),
    "ebay": ("Relationship details", "Color={color}|Size=S"),
    "magento": ("additional_attributes", "size=S,color={color}"),
    "prestashop": ("Feature(Name:Value:Position)", "Color:{color}:1, Size:S:2"),
    "shopware": ("options", "Farbe: {color}|Größe: S"),
    "lightspeed_ecom": ("US_Variant_Title", "Color: {color}"),
    "shopware5": ("configuratorOptions", "Farbe:{color}|Größe:S"),
}
NAMED = {
    "ecwid": "product_variation_option_Color",
    "heureka": "param: Barva",
    "yandex": "param: Цвет",
    "ebay": "C:Color",
    "shoptet": "variant:Barva",
    "upgates": "[PARAMETER „Barva“]",
}
# What each dialect calls a product without variants, one with variants, and a variant.
TYPES = {
    "wix": ("Product", "Product", "Variant"),
    "bigcommerce": ("Product", "Product", "Variant"),
    "bigcommerce_v2": ("Product", "Product", "  SKU"),
    "ebay": ("", "", "Variation"),
    "amazon": ("", "Parent", "Child"),
    "woocommerce": ("simple", "variable", "variation"),
    "magento": ("Catalog, Search", "Catalog, Search", "Not Visible Individually"),
    "pimcore": ("object", "object", "variant"),
    "ecwid": ("product", "product", "product_variation"),
    "upgates": ("0", "0", "1"),
}
WITHOUT_COLOR = {"bigcommerce_v2"}
DRAFTS = {"ebay": ("End", "Delete"), "amazon": ("Delete", "delete")}


@dataclass(frozen=True)
class Item:
    """A product as it is meant: its colour is that of all its variants."""

    number: int
    color: str
    variants: int
    draft: bool
    photo: bool


ITEMS = st.lists(
    st.builds(
        Item,
        number=st.integers(1, 99_999),
        color=st.sampled_from(["Red", "Forest Green", "Grau", "Écru", "синий"]),
        variants=st.integers(0, 3),
        draft=st.booleans(),
        photo=st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda item: item.number,
)


@dataclass(frozen=True)
class Writer:
    """Writes rows by the table's first names for everything."""

    dialect: dict[str, Any]
    draft_word: str

    def name_of(self, role: str) -> str:
        columns = self.dialect.get("columns", {})
        names = self.dialect["fields"].get(role) or columns.get(role)
        return str((names or TABLE["generic"]["fields"].get(role, [""]))[0]).replace("{lang}", "US")

    def header(self) -> list[str]:
        name = self.dialect["name"]
        wanted = [self.name_of(role) for role in ("product_id", "title", "image_url")]
        wanted += [self._color_column()] if name not in WITHOUT_COLOR else []
        wanted += PAIRS.get(name, ())
        wanted += [
            self.name_of(role)
            for role in ("row_type", "parent", "group", "variant_id", "same_id_of")
            if role in self.dialect.get("columns", {})
        ]
        wanted += [
            self._published(),
            *self.dialect.get("columns", {}).get("variant_marks", ())[-2:-1],
        ]
        wanted += ["configurable_variations"] if name == "magento" else []
        for term in self.dialect["recognised"][0]:
            known = term if isinstance(term, list) else [term]
            shown = [self.name_of(it[1:]) if it[0] == "@" else it.rstrip("*") for it in known]
            if not set(shown) & set(wanted):
                wanted.append(shown[0].replace("{lang}", "US"))
        if self.dialect.get("columns", {}).get("same_id_of"):
            wanted.append(self.dialect["fields"]["product_id"][-1])
        return list(dict.fromkeys(wanted))

    def rows(self, item: Item) -> Iterator[dict[str, str]]:
        name, product_id = self.dialect["name"], f"P-{item.number}"
        plain, parent, variant = TYPES.get(name, ("", "", ""))
        first = {
            self.name_of("title"): f"Lamp {item.number}",
            self.name_of("image_url"): f"https://img.example/{item.number}.jpg" * item.photo,
            **self._color(item.color),
            self._published(): self.draft_word if item.draft else "",
            **self._marks(item),
            self.name_of("product_id"): product_id,
            **self._type(parent if item.variants else plain),
        }
        ids = [f"{product_id}-{number}" for number in range(item.variants)]
        if name == "magento":
            first["configurable_variations"] = "|".join(f"sku={it},color=x" for it in ids)
        if "same_id_of" in self.dialect.get("columns", {}):
            first[self.dialect["fields"]["product_id"][-1]] = f"{product_id}-first"
        yield first
        if not self.has_variants:
            return
        for own_id in ids:
            yield self._variant(first, own_id, variant)

    @property
    def has_variants(self) -> bool:
        columns = self.dialect.get("columns", {})
        return bool({"row_type", "parent"} & columns.keys() or self.dialect.get("rows"))

    def _variant(self, first: dict[str, str], own_id: str, kind: str) -> dict[str, str]:
        columns = self.dialect.get("columns", {})
        rows, id_name = self.dialect.get("rows"), self.name_of("product_id")
        row = {**first, **self._type(kind)}
        if "same_id_of" in columns:
            return row | {self.dialect["fields"]["product_id"][-1]: own_id}
        if rows == "below":
            title = "" if "row_type" not in columns else first[self.name_of("title")]
            blank = {id_name: "", self.name_of("title"): title}
            return row | blank | {self.name_of("variant_id"): own_id * (kind != "")}
        if rows == "same_id":
            return row | {self.name_of("variant_id"): own_id}
        row |= {id_name: own_id}
        return row | ({self.name_of("parent"): first[id_name]} if "parent" in columns else {})

    def _type(self, kind: str) -> dict[str, str]:
        typed = "row_type" in self.dialect.get("columns", {})
        return {self.name_of("row_type"): kind} if typed else {}

    def _marks(self, item: Item) -> dict[str, str]:
        columns = self.dialect.get("columns", {})
        marks = dict.fromkeys(columns.get("variant_marks", ())[-2:-1], "1")
        return marks | (
            {self.name_of("group"): f"Lamp {item.number}"} if "group" in columns else {}
        )

    def _published(self) -> str:
        published = self.dialect.get("columns", {}).get("published")
        if self.dialect["name"] == "ebay":
            return "Action(SiteID=US|Country=US|Currency=USD|Version=1193|CC=UTF-8)"
        return str(published[0] if published else "status")

    def _color_column(self) -> str:
        name = self.dialect["name"]
        if name in PACKED:
            return PACKED[name][0]
        if name in PAIRS:
            return PAIRS[name][1]
        return NAMED.get(name) or self.name_of("color")

    def _color(self, color: str) -> dict[str, str]:
        name = self.dialect["name"]
        if name in WITHOUT_COLOR:
            return {}
        if name in PACKED:
            return {PACKED[name][0]: PACKED[name][1].format(color=color)}
        pair = {PAIRS[name][0]: "Color"} if name in PAIRS else {}
        return {self._color_column(): color} | pair


EACH_DIALECT = pytest.mark.parametrize("name", DIALECTS)
ANY_CATALOG = given(
    items=ITEMS, which=st.integers(0, 3), delimiter=st.sampled_from([",", ";", "\t"])
)


@EACH_DIALECT
@settings(deadline=None, max_examples=20)  # the first waits for what is loaded with it
@ANY_CATALOG
def test_a_catalog_comes_back_as_it_was_written(
    name: str, items: list[Item], which: int, delimiter: str
) -> None:
    check_catalog(name, items, which, delimiter)


@pytest.mark.slow
@EACH_DIALECT
@settings(deadline=None)
@ANY_CATALOG
def test_each_of_many_more_catalogs_comes_back(
    name: str, items: list[Item], which: int, delimiter: str
) -> None:
    check_catalog(name, items, which, delimiter)


def check_catalog(name: str, items: list[Item], which: int, delimiter: str) -> None:
    """Write it in a dialect, with one of its words for a draft, and read it."""
    words = DRAFTS.get(name, ("0", "false", "Draft", "archived"))
    writer = Writer(DIALECTS[name], words[which % len(words)])
    header = writer.header()
    file = io.StringIO()
    table = csv.DictWriter(file, header, restval="", delimiter=delimiter)
    table.writeheader()
    for item in items:
        table.writerows(writer.rows(item))
    catalog = read_catalog(file.getvalue().encode(), "export.csv")
    assert catalog.dialect == name
    assert catalog.rejected_rows == ()
    has_color = name not in WITHOUT_COLOR
    wanted = [
        (
            f"P-{it.number}",
            f"Lamp {it.number}",
            f"https://img.example/{it.number}.jpg" * it.photo,
            it.color * has_color,
        )
        for it in items
        if not it.draft
    ]
    assert [
        (it.product_id, it.title, it.image_url, it.color * has_color) for it in catalog.products
    ] == wanted
    variants = sum(it.variants for it in items if not it.draft) * writer.has_variants
    drafts = sum(1 + it.variants * writer.has_variants for it in items if it.draft)
    counted = catalog.skipped.get("variant", 0) + catalog.skipped.get("not_visible", 0)
    assert (counted, catalog.skipped.get("unpublished", 0)) == (variants, drafts)
    assert catalog.rows == len(catalog.products) + variants + drafts
