"""Rows of several groups, put into another order: each group is held only while it is of use."""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from flux_assets.storage.frames import put_columns
from flux_assets.storage.parquet import StoredTable
from flux_assets.storage.parquet_file import release_unused

if TYPE_CHECKING:  # they are loaded only where a table is really written
    import numpy as np
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

Complete = Callable[["pa.Table", "np.ndarray"], "pa.Table"]
"""Makes of rows of a new table, as they were and with their numbers there, what they are to be."""


def replace_columns(values: "Mapping[str, np.ndarray]") -> Complete:
    """Puts cells of some columns, given for the whole new table, in place of what its rows had."""
    import pyarrow as pa

    def complete(table: "pa.Table", numbers: "np.ndarray") -> "pa.Table":
        cells = {name: pa.array(column[numbers]) for name, column in values.items()}
        return put_columns(table, cells)

    return complete


class MergeSources:
    """The groups of some tables, and others that are unpacked already.

    Args:
        tables: the packed ones.
        added: the other groups; their columns and types are the new table's.
        places: of each row of the new table: its number among all rows of these groups.
        numbers: of each of these rows, for `complete`.
        complete: what becomes of the rows; None leaves them as they are.
        bounds: the first row and the end of each group of the new table.
    """

    def __init__(
        self,
        tables: Sequence[StoredTable],
        added: "Sequence[pa.Table]",
        places: "np.ndarray",
        *,
        numbers: "np.ndarray",
        complete: Complete | None,
        bounds: Sequence[tuple[int, int]],
    ) -> None:
        import numpy as np

        self.schema = added[0].schema
        self.bounds = bounds
        counts = [table.count_groups() for table in tables]
        self._packed = [
            (table, group)
            for table, groups in zip(tables, counts, strict=True)
            for group in range(len(groups))
        ]
        self._held = dict(enumerate(added, len(self._packed)))
        self._starts = np.cumsum([0, *chain(*counts), *map(len, added)])
        self._places = places
        self._numbers = numbers
        self._complete = complete
        self._source_of = np.searchsorted(self._starts[1:], places, side="right")
        self._last_use = {
            source: number
            for number, (start, end) in enumerate(bounds)
            for source in np.unique(self._source_of[start:end]).tolist()
        }

    def find_source(self, number: int) -> int | None:
        """Which group has just the rows of one of the new table, in their order; None for none."""
        import numpy as np

        start, end = self.bounds[number]
        source = int(self._source_of[start])
        rows = np.arange(self._starts[source], self._starts[source + 1])
        return source if np.array_equal(self._places[start:end], rows) else None

    def take(self, number: int) -> "pa.Table":
        """One group of the new table; those before are asked for first."""
        release_unused()
        table = self._gather(number)
        if self._complete is None:
            return table
        start, end = self.bounds[number]
        return self._complete(table, self._numbers[start:end])

    def _gather(self, number: int) -> "pa.Table":
        import numpy as np
        import pyarrow as pa

        start, end = self.bounds[number]
        sources = self._source_of[start:end]
        needed = np.unique(sources).tolist()
        tables = [self._open(source) for source in needed]
        begins = np.zeros(len(self._starts), int)
        begins[needed] = np.cumsum([0, *map(len, tables[:-1])])
        rows = self._places[start:end] - (self._starts - begins)[sources]
        self._held = {it: self._held[it] for it in self._held if self._last_use.get(it, 0) > number}
        found = pa.concat_tables(tables)
        if np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
            return found.slice(rows[0], len(rows))
        return found.take(rows)

    def _open(self, source: int) -> "pa.Table":
        if source not in self._held:
            table, group = self._packed[source]
            rows = table.read_group(group, self.schema.names)
            self._held[source] = rows.select(self.schema.names).cast(self.schema)
        return self._held[source]
