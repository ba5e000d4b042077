"""Refuses a file that tells by columns nothing is known of which rows are variants or drafts."""

from collections.abc import Mapping, Sequence
from typing import NoReturn

from flux_assets.catalog.dialects import load_dialects
from flux_assets.catalog.entries import Entry
from flux_assets.catalog.layout import Layout, list_headers
from flux_assets.errors import CatalogError

# What an export that knows drafts writes of each product; elsewhere -1 is a number among others.
_PUBLISHED_NUMBERS = frozenset({"1", "0", "-1"})


def check_rows_are_known(entries: Sequence[Entry], layout: Layout, name: str) -> None:
    """Refuse what would be read as products, each of which would get a picture of its own.

    Raises:
        CatalogError: rows are variants, but of nothing that is known, or drafts.
    """
    rules = layout.rules
    if not rules.row_type:
        _check_no_variants(entries, layout, name)
        return
    if rules.needs_parent and "parent" not in layout.absent:
        for entry in entries:
            if entry.role.alone == "variant_without_parent":
                _refuse(layout, name, entry.line, "rows are variants of others", {})
    if not rules.published and "published" not in layout.absent:
        _check_no_drafts(entries, layout, name)


def _check_no_variants(entries: Sequence[Entry], layout: Layout, name: str) -> None:
    table = load_dialects()
    telling = table.tells_variants | {word.capitalize() for word in table.tells_variants}
    for entry in entries:
        if entry.role.joins or telling.isdisjoint(entry.cells):
            continue
        column = next(number for number, cell in enumerate(entry.cells) if cell in telling)
        if _words_of(entries, column) <= table.row_types.keys():
            header = layout.headers[layout.keys[column]]
            problem = f"the column {header!r} says {entry.cells[column]!r}, so rows are variants"
            _refuse(layout, name, entry.line, problem, {"row_type": header})


def _check_no_drafts(entries: Sequence[Entry], layout: Layout, name: str) -> None:
    known = {key for keys in layout.fields.values() for key in keys}
    for column, key in enumerate(layout.keys):
        if key in known or not layout.rules.dialect.columns.get("published"):
            continue
        words = _words_of(entries, column)
        if "-1" in words and words <= _PUBLISHED_NUMBERS:
            header = layout.headers[key]
            problem = f"the column {header!r} says '-1', so rows are drafts"
            line = next(entry.line for entry in entries if entry.cells[column].strip() == "-1")
            _refuse(layout, name, line, problem, {"published": header})


def _words_of(entries: Sequence[Entry], column: int) -> set[str]:
    return {entry.cells[column].strip().casefold() for entry in entries} - {""}


def _refuse(
    layout: Layout, name: str, line: int, problem: str, found: Mapping[str, str]
) -> NoReturn:
    wanted = dict.fromkeys(("row_type", "parent", "published"), "<header>")
    columns = ", ".join(f"{key}: {text}" for key, text in {**wanted, **found}.items())
    raise CatalogError(
        name,
        f"{problem}, but not all of these headers are known: "
        f"{list_headers(layout.headers.values())}. Name the columns of the row's type, of its "
        f"product, and of what is on sale in the shots file, or null for one that is not there: "
        f"columns: {{{columns}}}",
        line=line,
    )
