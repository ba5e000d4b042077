"""What a shots file may say of an export's columns: those that are recognised, and guesses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from flux_assets.catalog.dialects import recognise_dialect
from flux_assets.catalog.file_formats import read_table
from flux_assets.catalog.header import HeaderSearch
from flux_assets.catalog.layout import Layout, build_layout
from flux_assets.catalog.product import ROW_COLUMNS
from flux_assets.catalog.table import Table
from flux_assets.errors import CatalogError

_FIELDS = (
    "product_id",
    "title",
    "description",
    "category",
    "brand",
    "color",
    "material",
    "price",
    "image_url",
)
_LOOKED_AT = 200
_ADDRESS = re.compile(r"https?://|www\.|\S+\.(?:jpe?g|png|webp)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProposal:
    """An export's headers by the names that a shots file's `columns:` has.

    `dialect` says what kind of export it is, `kind` the same in one word; `recognised` are the
    columns that are read without being named, and `guessed` those of an id and a title that nobody
    recognises.
    """

    dialect: str
    kind: str
    recognised: Mapping[str, str]
    guessed: Mapping[str, str]


def propose_columns(data: bytes, name: str) -> ColumnProposal:
    """Find the columns of an export.

    Args:
        data: the whole file, as for `read_catalog`.
        name: the file's name, for messages.

    Raises:
        CatalogError: it is no catalog, or has no column that could be an id, or a title.
    """
    table = read_table(data, name, HeaderSearch({}))
    dialect = recognise_dialect(table.header, is_feed=table.is_feed)
    guessed: dict[str, str] = {}
    try:
        layout = build_layout(table.header, dialect, {}, name)
    except CatalogError:
        guessed = _guess(table)
        layout = build_layout(table.header, dialect, guessed, name)
    return ColumnProposal(
        dialect=dialect.title or dialect.name,
        kind=dialect.name,
        recognised={
            field: layout.headers[keys[0]]
            for field, keys in _named(layout).items()
            if keys and field not in guessed
        },
        guessed=guessed,
    )


def _named(layout: Layout) -> Mapping[str, Sequence[str]]:
    rules = layout.rules
    rows = (rules.row_type, rules.parent, rules.published)
    return {
        **{field: layout.fields[field] for field in _FIELDS},
        **dict(zip(ROW_COLUMNS, rows, strict=True)),
    }


def _guess(table: Table) -> dict[str, str]:
    """The columns that look like an id and a title, as far as they are not recognised."""
    rows = [row.cells for row in islice(table.rows, _LOOKED_AT)]
    columns = {
        header: [row[place].strip() for row in rows if place < len(row)]
        for place, header in enumerate(table.header)
        if header and table.header.count(header) == 1
    }
    ids = [header for header, cells in columns.items() if _are_ids(cells, len(rows))]
    titles = {header: _likeness(cells, len(rows)) for header, cells in columns.items()}
    title = max(titles, key=lambda header: titles[header], default="")
    guessed = {"product_id": next((header for header in ids if header != title), "")}
    guessed["title"] = title if title and titles[title] else ""
    return {field: header for field, header in guessed.items() if header}


def _are_ids(cells: Sequence[str], rows: int) -> bool:
    """Whether each row has one, no two the same, and none is a text or an address."""
    return (
        0 < rows == len(cells) == len(set(cells))
        and all(cells)
        and not any(re.search(r"\s", cell) or _ADDRESS.match(cell) for cell in cells)
    )


def _likeness(cells: Sequence[str], rows: int) -> float:
    """How much a column is like titles: short texts of words, nearly everywhere, few the same."""
    texts = [cell for cell in cells if _WORD.search(cell) and not _ADDRESS.match(cell)]
    if not rows or len(texts) < 0.8 * rows or max(map(len, texts)) > _LONGEST_TITLE:
        return 0.0
    words = sum(len(_WORD.findall(text)) for text in texts) / len(texts)
    return min(words, 4) * len(set(texts)) / rows
