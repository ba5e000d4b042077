"""A family's rows -> variants: each row's texts and facts, completed from its product's first."""

from collections.abc import Collection
from dataclasses import dataclass

from flux_assets.catalog.dialects import Dialect
from flux_assets.catalog.entries import Entry
from flux_assets.catalog.facts import Facts, read_facts
from flux_assets.catalog.families import Family
from flux_assets.catalog.grouping import Texts
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.product import OneSetPer


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One row of a family, with all that is known of what it stands for."""

    entry: Entry
    texts: Texts
    facts: Facts


def read_variants(
    family: Family, dialect: Dialect, layout: Layout, one_set_per: OneSetPer
) -> list[Variant]:
    """Every row of a family, the first one first.

    A child's name mostly says its size too ("Tee-XS-Red"). The pictures of a colour are of all
    its sizes, and to outlive the one that is listed first: so there the parent's title stands.
    """
    texts = layout.name_cells(family.first.cells)
    first = Variant(
        entry=family.first, texts=texts, facts=read_facts(texts, texts, dialect, layout)
    )
    variants = [first]
    for entry in family.others:
        texts = _complete(entry, first, dialect, layout, dialect.first_row_columns)
        facts = read_facts(texts, first.texts, dialect, layout)
        variants.append(Variant(entry=entry, texts=texts, facts=facts))
    shared = layout.fields["title"] if one_set_per == "color" else ()
    for entry in family.children:
        texts = _complete(entry, first, dialect, layout, shared)
        own = read_facts(texts, first.texts, dialect, layout)
        facts = first.facts | {
            name: text or first.facts.get(name, "") for name, text in own.items()
        }
        variants.append(Variant(entry=entry, texts=texts, facts=facts))
    return variants


def _complete(
    entry: Entry, first: Variant, dialect: Dialect, layout: Layout, shared: Collection[str]
) -> dict[str, str]:
    return {
        key: first.texts[key]
        if key in shared or not (text.strip() or key.startswith(dialect.own_columns))
        else text
        for key, text in layout.name_cells(entry.cells).items()
    }
