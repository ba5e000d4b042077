"""Rows of cells -> entries: rows that fit under the header, with their id and their role."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flux_assets.catalog.grouping import RowRole
from flux_assets.catalog.identity import (
    first_id_key,
    list_former_ids,
    normalise_id,
    unescape_cell,
)
from flux_assets.catalog.layout import Layout
from flux_assets.catalog.repeated_cells import SharedCells
from flux_assets.catalog.row_account import Account
from flux_assets.catalog.table import Row, Table

_ESCAPES = frozenset("'=<")


@dataclass(slots=True, kw_only=True, eq=False)
class Entry:
    """One row that could be read; it is equal to itself only.

    `cells` are as many as the layout's keys. `product_id` is empty, and so is `id_key`, where
    the row has none.
    """

    line: int
    cells: list[str]
    id_key: str
    product_id: str
    former_ids: tuple[str, ...]
    role: RowRole
    is_published: bool


def read_entries(
    table: Table,
    *,
    layout: Layout,
    account: Account,
    include_unpublished: bool,
) -> Iterator[Entry]:
    """Go through the rows in the file's order; those that cannot be read are only counted."""
    rules, above, shared = layout.rules, 0, SharedCells()
    for row in table.rows:
        account.rows += 1
        if row.problem:
            account.reject(row.line, "", "malformed_row", row.problem)
            continue
        cells = _fit(row, layout, table.delimiter, account)
        if cells is None:
            continue
        if not any(map(str.strip, cells)):
            account.skipped["blank"] += 1
            continue
        cells = shared.share(cells)
        texts = layout.name_cells(cells)
        id_key = first_id_key(texts, layout.fields["product_id"], rules.same_id_of)
        written_id = texts[id_key] if id_key else ""
        product_id = normalise_id(written_id)
        if product_id and layout.is_header(id_key, product_id, texts):
            account.skipped["no_product"] += 1
            account.headers.append(row.line)
            continue
        if _may_be_escaped(cells):
            cells = list(map(unescape_cell, cells))
            texts = layout.name_cells(cells)
        role = _normalise_role(rules.role_of(texts, id_key, row.line, above))
        if role.parent is None:
            above = row.line
        yield Entry(
            line=row.line,
            cells=cells,
            id_key=id_key,
            product_id=product_id,
            former_ids=list_former_ids(written_id, product_id) if id_key else (),
            role=role,
            is_published=include_unpublished or rules.is_published(texts),
        )


def _may_be_escaped(cells: Iterable[str]) -> bool:
    row = "\n".join(cells)
    return row[:1] in _ESCAPES or "\n'" in row or "\n=" in row or "\n<![" in row


def _normalise_role(role: RowRole) -> RowRole:
    """What rows call each other, written as their ids are."""
    if not role.parent and not role.references:
        return role
    parent = role.parent and normalise_id(role.parent)
    references = tuple(map(normalise_id, role.references))
    if (parent, references) == (role.parent, role.references):
        return role
    return role._replace(parent=parent, references=references)


def _fit(row: Row, layout: Layout, delimiter: str, account: Account) -> list[str] | None:
    """Exactly one cell for each column, or None and a rejected row."""
    cells, width, named = row.cells, len(layout.keys), layout.named_width
    if len(cells) == width == named:
        return cells
    if any(map(str.strip, cells[named:])):
        if layout.title_is_last:
            title = delimiter.join(cells[named - 1 :])
            cells = [*cells[: named - 1], title.rstrip(delimiter)]
            account.joined_titles.append(row.line)
        elif any(map(str.strip, cells[width:])):
            message = (
                f"the row has {len(cells)} cells under {width} headers, so its columns may be "
                "shifted; put a cell that contains the delimiter in quotes"
            )
            account.reject(row.line, "", "malformed_row", message)
            return None
        else:
            account.unnamed_cells.append(row.line)
    return cells[:width] + [""] * (width - len(cells))
