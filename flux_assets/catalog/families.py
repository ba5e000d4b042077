"""Entries -> families: the published rows that are one product, however the export ties them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from flux_assets.catalog.entries import Entry
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.row_account import Account


@dataclass(frozen=True, slots=True, kw_only=True)
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
    for entry in entries:
        role, product_id = entry.role, entry.product_id
        if role.is_extra and product_id in child_ids:
            account.skipped[role.joins] += 1
        elif role.parent is not None:
            children.append(entry)
            child_ids.add(product_id)
        elif entry.is_published and not product_id:
            message = "the row has no product id; give the product one in the shop and export again"
            column = layout.headers[layout.fields["product_id"][-1]]
            account.reject(entry.line, column, "no_id", message)
        elif role.joins and product_id in by_id:
            by_id[product_id].others.append(entry)
        else:
            families.append(Family(first=entry))
            by_id.setdefault(product_id, families[-1])
    orphans = _add_children(children, families)
    if takes_orphans:
        families += [Family(first=orphan) for orphan in orphans]
    else:
        _skip_orphans(orphans, account)
    published = [_leave_unpublished_out(family, account) for family in families]
    return [family for family in published if family]


def _add_children(children: Iterable[Entry], families: Iterable[Family]) -> list[Entry]:
    """Give each child to its parent, a published one if there are several; return the rest."""
    parents: dict[str, Family] = {}
    for family in families:
        for reference in family.first.role.references:
            known = parents.setdefault(reference, family)
            if family.first.is_published and not known.first.is_published:
                parents[reference] = family
    orphans = []
    for child in children:
        parent = parents.get(child.role.parent or "")
        if parent is None:
            orphans.append(child)
        else:
            parent.children.append(child)
    return orphans


def _skip_orphans(orphans: Iterable[Entry], account: Account) -> None:
    for orphan in orphans:
        account.skipped[orphan.role.alone if orphan.is_published else "unpublished"] += 1
        if orphan.is_published and orphan.role.alone == "variant_without_parent":
            account.orphans.append(orphan.line)


def _leave_unpublished_out(family: Family, account: Account) -> Family | None:
    """The family without its unpublished rows; None if it is unpublished as a whole."""
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
