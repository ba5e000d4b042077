"""Which row of an export is its header: the first that has the names of a shop's export."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from flux_assets.catalog.dialects import is_known_header, load_dialects, recognise_dialect
from flux_assets.catalog.names import clean_header, normalise_name, squash_name
from flux_assets.catalog.table import Row, Table

SEARCHED_ROWS = 20
_LONGEST_NAME = 200
_VALUE = re.compile(r"\s*(?:[-+]?[0-9][0-9.,' ]*(?:[%€$£]|\s*\Z)|https?://|www\.)", re.IGNORECASE)
_HELP = re.compile(r"#\s*[^\W\d_][^#]*\s\S")


@dataclass(frozen=True, slots=True)
class Match:
    """How well a row would do as the header; the greater one is the header.

    `rank` is 3 where it has all headers that the shots file maps, 2 where it is a shop's, 1 where
    it has an id and a title of any export, else 0; `known` counts the names that are known.
    """

    rank: int
    known: int


class HeaderSearch:
    """What headers are known: those of all dialects, and those that the shots file maps."""

    def __init__(self, columns: Mapping[str, str | None]) -> None:
        self._wanted = frozenset(squash_name(header) for header in columns.values() if header)

    def match(self, cells: Sequence[str]) -> Match:
        """How well these cells would do as the header."""
        names = [cell for cell in cells if 0 < len(cell) <= _LONGEST_NAME]
        squashed = set(map(squash_name, names)) - {""}
        known = sum(is_known_header(name) or squash_name(name) in self._wanted for name in names)
        if self._wanted and self._wanted <= squashed and len(squashed) > 1:
            return Match(3, known)
        generic = load_dialects().generic
        if recognise_dialect(names) is not generic:
            return Match(2, known)
        needed = (generic.fields["product_id"], generic.fields["title"])
        return Match(int(all(map(squashed.intersection, needed))), known)

    def choose(self, rows: Sequence[Sequence[str]]) -> tuple[int, Match]:
        """The place of the header among the first rows, none of them blank."""
        matches = [self.match(cells) for cells in rows]
        rank = max(match.rank for match in matches)
        if rank:
            place = next(place for place, match in enumerate(matches) if match.rank == rank)
            return place, matches[place]
        places = [place for place, cells in enumerate(rows) if not is_help(cells)] or [0]
        place = max(places, key=lambda place: _likeness(rows[place], matches[place].known))
        return place, matches[place]


def _likeness(cells: Sequence[str], known: int) -> tuple[bool, int, int]:
    """How much a row without a known id and title is like a header: no number is in one."""
    return (not any(map(_VALUE.match, cells)), known, sum(map(bool, cells)))


def is_help(cells: Iterable[str]) -> bool:
    """Whether a row beside a template's header only explains it: `# Required | A unique id`."""
    first = next((cell for cell in map(clean_header, cells) if cell), "")
    return bool(_HELP.match(first))


def is_blank(cells: Iterable[str]) -> bool:
    """Whether no cell has a text."""
    return not any(map(clean_header, cells))


def find_header(rows: Iterable[Row], names: HeaderSearch) -> tuple[Row, Iterator[Row]] | None:
    """The header and the rows below it, blank ones and help left out on the way; None if empty."""
    following = iter(rows)
    first: list[Row] = []
    for row in following:
        if not is_blank(row.cells):
            first.append(row)
        if len(first) == SEARCHED_ROWS:
            break
    if not first:
        return None
    place, _ = names.choose([row.cells for row in first])
    return first[place], _below(first[place + 1 :], following)


def _below(first: Sequence[Row], following: Iterator[Row]) -> Iterator[Row]:
    start = next((n for n, row in enumerate(first) if not is_help(row.cells)), len(first))
    yield from first[start:]
    yield from following


def join_twins(table: Table) -> Table:
    """Of columns with one name, the first cell that is not empty counts; a warning says so."""
    places: dict[str, list[int]] = {}
    for place, text in enumerate(table.header):
        places.setdefault(normalise_name(text), []).append(place)
    twins = {name: found for name, found in places.items() if name and len(found) > 1}
    if not twins:
        return table
    shown = ", ".join(repr(table.header[found[0]][:60]) for found in list(twins.values())[:10])
    warning = (
        f"headers stand more than once ({shown}); of each row, the first cell that is not empty "
        "was taken"
    )
    return replace(
        table,
        rows=_take_first_texts(table.rows, list(twins.values())),
        warnings=(*table.warnings, warning),
    )


def _take_first_texts(rows: Iterable[Row], twins: Sequence[Sequence[int]]) -> Iterator[Row]:
    for row in rows:
        cells = row.cells
        for first, *further in twins:
            if first < len(cells) and not cells[first].strip():
                texts = (cells[place] for place in further if place < len(cells))
                cells[first] = next((text for text in texts if text.strip()), cells[first])
        yield row
