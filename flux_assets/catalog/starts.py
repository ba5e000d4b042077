"""Which of a product's rows get pictures of their own, and by what product ids."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from flux_assets.catalog.colors import list_colors, only_color
from flux_assets.catalog.dialect import Dialect
from flux_assets.catalog.entries import Entry
from flux_assets.catalog.facts import Facts, agree_facts
from flux_assets.catalog.families import Family
from flux_assets.catalog.identity import first_id_key, normalise_id
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.variants import Variant


class Start(NamedTuple):
    """A row that a product starts on, or several do: their ids, each with its colour."""

    variant: Variant
    colors: Mapping[str, str]
    facts: Facts


def start_product(variants: Sequence[Variant], dialect: Dialect) -> list[Start]:
    """One product for all rows."""
    first = variants[0]
    agreeing = variants if dialect.variants_agree else [first]
    facts = agree_facts([variant.facts for variant in agreeing])
    return [Start(variant=first, colors={first.entry.product_id: facts["color"]}, facts=facts)]


def start_colors(family: Family, variants: Sequence[Variant], dialect: Dialect) -> list[Start]:
    """One product for each colour, `<id>~<color>`, in order of appearance; else one for all.

    A variant that has no colour, beside others that have, gets no pictures of its own.
    """
    product_id = family.first.product_id
    candidates = variants[-len(family.children) :] if family.children else variants
    by_color: dict[str, list[Variant]] = {}
    for variant in candidates:
        color = only_color(variant.facts["color"])
        if color and not variant.entry.role.is_extra:
            by_color.setdefault(color.casefold(), []).append(variant)
    starts = []
    for of_color in by_color.values():
        color = only_color(of_color[0].facts["color"])
        facts = agree_facts([variant.facts for variant in of_color])
        colors = {f"{product_id}~{color}": color}
        starts.append(Start(variant=of_color[0], colors=colors, facts=facts))
    if starts:
        return starts
    (start,) = start_product(variants, dialect)
    if family.first.role.lists_colors:
        listed = list_colors(variants[0].facts["color"])
        colors = {f"{product_id}~{color}": color for color in listed}
        return [Start(variant=start.variant, colors=colors or start.colors, facts=start.facts)]
    return [start]


def count_own_ids(families: Iterable[Family], layout: Layout) -> Counter[str]:
    """How often each id that variants have of their own occurs in the export."""
    return Counter(
        _own_id(entry, layout) for family in families for entry in (family.first, *family.further)
    )


def start_rows(
    family: Family,
    variants: Sequence[Variant],
    own_ids: Mapping[str, int],
    dialect: Dialect,
    layout: Layout,
) -> list[Start]:
    """One product for each row, except those that add a picture or a translation only.

    Its id is the variant's own. Where an export has other rows of the same product id (Shopify,
    Google), and the variant's own id is missing or not unique, it is `<id>~<option>~<option>`.
    """
    starts = []
    for variant in variants:
        entry = variant.entry
        if entry.role.is_never_a_product and entry is not family.first:
            continue
        is_parent = entry is family.first and family.children
        product_id = entry.product_id if is_parent else _own_id(entry, layout)
        if not is_parent and dialect.variant_id and (not product_id or own_ids[product_id] > 1):
            options = layout.read_options(variant.texts, variants[0].texts).values()
            product_id = "~".join([entry.product_id, *filter(None, map(str.strip, options))])
        facts = agree_facts([variant.facts])
        starts.append(Start(variant=variant, colors={product_id: facts["color"]}, facts=facts))
    return starts


def _own_id(entry: Entry, layout: Layout) -> str:
    keys = layout.variant_id
    if not keys or "product_id" in layout.mapped:
        return entry.product_id
    texts = layout.name_cells(entry.cells)
    key = first_id_key(texts, keys)
    return normalise_id(texts[key]) if key else ""
