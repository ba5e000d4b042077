"""Entries -> families: the published rows that are one product, however the export ties them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

from flux_assets.catalog.entries import Entry
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.nothing import says_nothing
from flux_assets.catalog.row_account import Account

_MOST_GENERATIONS = 4


@dataclass(slots=True, kw_only=True)
class Family:
    """One product's rows: the first describes it; `others` share its id, `children` name it."""

    first: Entry
    others: list[Entry] = field(default_factory=list)
    children: list[Entry] = field(default_factory=list)

    @property
    def further(self) -> list[Entry]:
        """All rows but the first."""
        return [*self.others, *self.children]


def group_families(
    entries: Iterable[Entry], layout: Layout, account: Account, *, takes_orphans: bool
) -> list[Family]:
    """Bring together what belongs together, wherever it stands; what is no product is counted.

    Args:
        entries: all rows that could be read, in the file's order.
        layout: where their ids are.
        account: where rows are counted.
        takes_orphans: whether variants whose product the export lacks are families too.
    """
    families: list[Family] = []
    by_id: dict[str, Family] = {}
    children: list[Entry] = []
    child_ids: set[str] = set()
    by_group: dict[str, Family] = {}
    for entry in entries:
        role, product_id = entry.role, entry.product_id
        if role.joins != "additional_image" and role.is_extra and product_id in child_ids:
            account.skipped[role.joins] += 1
        elif role.parent is not None:
            children.append(entry)
            child_ids.add(product_id)
        elif role.group in by_group:
            by_group[role.group].others.append(entry)
        elif entry.is_published and not product_id:
            message = "the row has no product id; give the product one in the shop and export again"
            column = layout.headers[layout.fields["product_id"][-1]]
            account.reject(entry.line, column, "no_id", message)
        elif role.joins and product_id in by_id:
            by_id[product_id].others.append(entry)
        elif product_id in by_id and _is_above(entry, by_id[product_id].first, layout):
            _begin_with(by_id[product_id], entry)
        else:
            families.append(Family(first=entry))
            by_id.setdefault(product_id, families[-1])
            if role.group:
                by_group[role.group] = families[-1]
    for family in filter(attrgetter("others"), families):
        _find_first(family, layout)
    orphans = _add_children(children, families)
    families += _take_orphans(orphans, account, takes_variants=takes_orphans)
    published = [
        _leave_unpublished_out(family, account, promotes=layout.rules.dialect.each_row_is_published)
        for family in families
    ]
    return [family for family in published if family]


def _is_above(entry: Entry, first: Entry, layout: Layout) -> bool:
    """Whether a row is the product's own, of which a variant or a translation stood before it."""
    groups = layout.rules.same_id_of
    return first.role.is_extra or (first.id_key in groups and entry.id_key not in groups)


def _find_first(family: Family, layout: Layout) -> None:
    """Of rows in another order than the shop's, the one with the title describes the product."""
    if not _has_title(family.first, layout):
        titled = (row for row in family.others if not row.role.is_extra and _has_title(row, layout))
        if first := next(titled, None):
            family.others.remove(first)
            _begin_with(family, first)


def _has_title(entry: Entry, layout: Layout) -> bool:
    texts = layout.name_cells(entry.cells)
    return any(not says_nothing(texts[key]) for key in layout.fields["title"])


def _begin_with(family: Family, first: Entry) -> None:
    family.others.insert(0, family.first)
    family.first = first


def _add_children(children: Sequence[Entry], families: Sequence[Family]) -> list[Entry]:
    """Give each child to its parent, a published one if there are several; return the rest.

    A parent may be a child itself (Akeneo's models of models): then both are of the same family.
    """
    parents: dict[str, Family] = {}
    for rank in range(max((len(family.first.role.references) for family in families), default=0)):
        for family in families:
            for reference in family.first.role.references[rank : rank + 1]:
                known = parents.setdefault(reference, family)
                if family.first.is_published and not known.first.is_published:
                    parents[reference] = family
    above = {
        reference: child.role.parent or ""
        for child in reversed(children)
        for reference in child.role.references
    }
    orphans = []
    for child in children:
        name = child.role.parent or ""
        for _ in range(_MOST_GENERATIONS):
            if name in parents:
                break
            name = above.get(name, name)
        parent = parents.get(name)
        if parent is None:
            orphans.append(child)
        else:
            parent.children.append(child)
    return orphans


def _take_orphans(
    orphans: Iterable[Entry], account: Account, *, takes_variants: bool
) -> list[Family]:
    """Families of those whose parent the export lacks, as far as they can stand for a product."""
    families: dict[str, Family] = {}
    alone: list[Family] = []
    for orphan in orphans:
        role = orphan.role
        if (takes_variants and not role.is_never_a_product) or not role.alone:
            alone.append(Family(first=orphan))
        elif role.alone == "sibling" and (family := families.get(role.parent or "")):
            family.others.append(orphan)
        elif role.alone == "sibling":
            families[role.parent or ""] = Family(first=orphan)
        else:
            account.skipped[role.alone if orphan.is_published else "unpublished"] += 1
            if orphan.is_published and role.alone == "variant_without_parent":
                account.orphans.append(orphan.line)
    return [*families.values(), *alone]


def _leave_unpublished_out(family: Family, account: Account, *, promotes: bool) -> Family | None:
    """The family without its unpublished rows; None if it is unpublished as a whole.

    Where each row says it for itself only, or no row is the parent's own, the first that is on
    sale describes the product.
    """
    if not family.first.is_published and (promotes or family.first.role.parent):
        on_sale = next((entry for entry in family.others if entry.is_published), None)
        if on_sale:
            others = [entry for entry in (family.first, *family.others) if entry is not on_sale]
            family = Family(first=on_sale, others=others, children=family.children)
    if not family.first.is_published:
        account.skipped["unpublished"] += 1 + len(family.further)
        return None
    if all(entry.is_published for entry in family.further):
        return family
    account.skipped["unpublished"] += sum(not entry.is_published for entry in family.further)
    return Family(
        first=family.first,
        others=[entry for entry in family.others if entry.is_published],
        children=[entry for entry in family.children if entry.is_published],
    )
