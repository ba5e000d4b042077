"""A family's rows -> variants: each row's texts and facts, completed from its product's first."""

from typing import NamedTuple

from flux_assets.catalog.entries import Entry
from flux_assets.catalog.facts import Facts, read_facts
from flux_assets.catalog.families import Family
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.options import Texts
from flux_assets.catalog.product import OneSetPer


class Variant(NamedTuple):
    """One row of a family, with all that is known of what it stands for."""

    entry: Entry
    texts: Texts
    facts: Facts


def read_variants(family: Family, layout: Layout, one_set_per: OneSetPer) -> list[Variant]:
    """Every row of a family, the first one first.

    A child's name mostly says its size too ("Tee-XS-Red"). The pictures of a colour are of all
    its sizes, and to outlive the one that is listed first: so there the parent's title stands.
    """
    texts = _add_image(family, layout)
    first = Variant(family.first, texts, read_facts(texts, texts, layout))
    variants = [first]
    for entry in family.others:
        completed = _complete(entry, first, layout)
        facts = read_facts(completed, first.texts, layout)
        completed.update((key, first.texts[key]) for key in layout.first_row_columns)
        variants.append(Variant(entry, completed, facts))
    titles = layout.fields["title"] if one_set_per == "color" else ()
    shared = (*layout.first_row_columns, *titles)
    for entry in family.children:
        completed = _complete(entry, first, layout)
        own = read_facts(completed, first.texts, layout)
        facts = first.facts | {
            name: text or first.facts.get(name, "") for name, text in own.items()
        }
        completed.update((key, first.texts[key]) for key in shared)
        variants.append(Variant(entry, completed, facts))
    return variants


def _add_image(family: Family, layout: Layout) -> dict[str, str]:
    """The first row's texts, with a picture from the rows that only add one if it has none."""
    texts = layout.name_cells(family.first.cells)
    if not (family.others or family.children):
        return texts
    keys = layout.fields["image_url"]
    if any(texts[key].strip() for key in keys):
        return texts
    for entry in family.further:
        if entry.role.joins == "additional_image":
            added = layout.name_cells(entry.cells)
            if any(added[key].strip() for key in keys):
                return texts | {key: added[key] for key in keys}
    return texts


def _complete(entry: Entry, first: Variant, layout: Layout) -> dict[str, str]:
    own = layout.own_columns
    return {
        key: text if (text and not text.isspace()) or key in own else first.texts[key]
        for key, text in zip(layout.keys, entry.cells, strict=True)
    }
