"""A shop's export, read for its offers: by which ids channels know a product's rows.

A channel knows an offer by the export's own cell, which may be another than the product's id:
Google's `id` below our `item_group_id`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from flux_assets.catalog.cells import TextRules
from flux_assets.catalog.colors import list_colors, only_color
from flux_assets.catalog.families import Family
from flux_assets.catalog.identity import first_id_key, plain_id
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.options import Texts
from flux_assets.catalog.product import OneSetPer, Product
from flux_assets.catalog.read import open_families
from flux_assets.catalog.variants import Variant, read_variants
from flux_assets.errors import SuspectedEncodingError

OfferProblem = Literal["", "other_color", "unknown_color"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogOffer:
    """One row of an export that may be an offer, with the product whose pictures it would have.

    `own_id` is what the row calls itself, `shop_id` what the shop calls its product, both as the
    export writes them; `title` is the cell of the product's first row, markup included. `columns`
    are the row's cells by their normalised names. `problem` says that the pictures are not of it:
    its colour is another than the one pictured, or it has one and nobody knows which is pictured.
    """

    product: Product
    line: int
    own_id: str
    shop_id: str
    title: str
    color: str
    pictured_color: str
    columns: Mapping[str, str]
    problem: OfferProblem = ""


def read_offers(
    data: bytes,
    name: str,
    *,
    columns: Mapping[str, str | None] | None = None,
    one_set_per: OneSetPer = "product",
    include_unpublished: bool = False,
    encoding: str = "",
    sheet: str | int = "",
    rules: TextRules = TextRules(),  # noqa: B008 - it never changes
) -> Iterator[CatalogOffer]:
    """Each row that may be an offer of a product, product by product; the rest as `read_catalog`.

    Raises:
        CatalogError: the file as a whole cannot be read, or a column that is needed is missing.
        SuspectedEncodingError: its letters are a guess, and ids and titles would be others.
    """
    found = open_families(
        data,
        name,
        columns=columns or {},
        one_set_per=one_set_per,
        include_unpublished=include_unpublished,
        encoding=encoding,
        sheet=sheet,
        rules=rules,
    )
    if found.table.is_suspected:
        raise SuspectedEncodingError(name, found.table.encoding)
    layout = found.assembly.layout
    for family in found.families:
        products = found.assembly.add(family)
        if products:
            yield from _read_family(family, products, layout, one_set_per)


def _read_family(
    family: Family, products: Sequence[Product], layout: Layout, one_set_per: OneSetPer
) -> Iterator[CatalogOffer]:
    variants = read_variants(family, layout, one_set_per)
    first = layout.name_cells(family.first.cells)
    title = next((it for key in layout.fields["title"] if (it := first[key]).strip()), "")
    rows = [it for it in variants if not it.entry.role.is_never_a_product]
    colors = {color.casefold() for it in rows if (color := only_color(it.facts["color"]))}
    for variant in rows or variants[:1]:
        texts = layout.name_cells(variant.entry.cells)
        is_parent = variant is variants[0] and family.children
        if is_parent and one_set_per == "color" and len(products) > 1:
            continue  # it is of all colours, and no picture is
        for product in _find_products(variant, products, one_set_per):
            pictured = product.color or only_color(variants[0].facts["color"])
            color = variant.facts["color"]
            yield CatalogOffer(
                product=product,
                line=variant.entry.line,
                own_id=_own_id(texts, layout),
                shop_id=_first_id(first, layout.fields["product_id"]),
                title=title,
                color=" / ".join(list_colors(color)),
                pictured_color=pictured,
                columns={name: texts[key] for name, key in layout.columns.items()},
                problem=_find_problem(color, pictured, colors),
            )


def _find_products(
    variant: Variant, products: Sequence[Product], one_set_per: OneSetPer
) -> Iterator[Product]:
    """Whose pictures a row would have: those of its product, its colour, or its own."""
    colors = {color.casefold() for color in list_colors(variant.facts["color"])}
    for product in products:
        is_colors = one_set_per == "color" and "~" in product.product_id and product.color
        if one_set_per == "row" and product.line != variant.entry.line:
            continue
        if not is_colors or product.color.casefold() in colors:
            yield product


def _find_problem(color: str, pictured: str, of_family: set[str]) -> OfferProblem:
    colors = {it.casefold() for it in list_colors(color)}
    if not colors:
        return ""
    if pictured:
        return "" if pictured.casefold() in colors else "other_color"
    return "unknown_color" if len(colors) == 1 and len(of_family) > 1 else ""


def _own_id(texts: Texts, layout: Layout) -> str:
    keys = () if "product_id" in layout.mapped else layout.variant_id
    return _first_id(texts, (*keys, *layout.fields["product_id"]))


def _first_id(texts: Texts, keys: Sequence[str]) -> str:
    key = first_id_key(texts, keys)
    return plain_id(texts[key]) if key else ""
