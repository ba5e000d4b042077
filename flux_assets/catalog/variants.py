"""A family's rows -> variants: each row's texts and facts, completed from its product's first."""

from collections.abc import Collection
from typing import NamedTuple

from flux_assets.catalog.dialect import Dialect
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


def read_variants(
    family: Family, dialect: Dialect, layout: Layout, one_set_per: OneSetPer
) -> list[Variant]:
    """Every row of a family, the first one first.

    A child's name mostly says its size too ("Tee-XS-Red"). The pictures of a colour are of all
    its sizes, and to outlive the one that is listed first: so there the parent's title stands.
    """
    texts = _add_image(family, layout)
    first = Variant(entry=family.first, texts=texts, facts=read_facts(texts, texts, layout))
    variants = [first]
    for entry in family.others:
        completed = _complete(entry, first, dialect, layout)
        facts = read_facts(completed, first.texts, layout)
        shown = _share(completed, first, layout.first_row_columns)
        variants.append(Variant(entry=entry, texts=shown, facts=facts))
    titles = layout.fields["title"] if one_set_per == "color" else ()
    for entry in family.children:
        completed = _complete(entry, first, dialect, layout)
        own = read_facts(completed, first.texts, layout)
        facts = first.facts | {
            name: text or first.facts.get(name, "") for name, text in own.items()
        }
        shown = _share(completed, first, (*layout.first_row_columns, *titles))
        variants.append(Variant(entry=entry, texts=shown, facts=facts))
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


def _complete(entry: Entry, first: Variant, dialect: Dialect, layout: Layout) -> dict[str, str]:
    own, options = dialect.own_columns, layout.option_columns
    return {
        key: text if text.strip() or key in options or key.startswith(own) else first.texts[key]
        for key, text in layout.name_cells(entry.cells).items()
    }


def _share(texts: Texts, first: Variant, shared: Collection[str]) -> Texts:
    return {**texts, **{key: first.texts[key] for key in shared}} if shared else texts
