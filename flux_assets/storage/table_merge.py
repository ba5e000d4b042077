"""Another table, of rows of the last one and of others: written group by group, or part by part."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

from flux_assets.storage.buckets import BUCKETS, find_buckets
from flux_assets.storage.frames import text_column
from flux_assets.storage.merge_sources import Complete, MergeSources
from flux_assets.storage.parallel import map_on_cores
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import (
    NO_NOTES,
    add_notes,
    cut_groups,
    release_unused,
    write_row_groups,
    write_rows,
)
from flux_assets.storage.table_parts import Part, TableFolder, write_index

if TYPE_CHECKING:  # they are loaded only where a table is really written
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_OWNER = "product_id"
"""The column that says which bucket a row is in."""

_PUT_AT_ONCE = 4
"""Parts of a table; at most twice as many are held, unpacked."""


def write_table(
    table: "pd.DataFrame", folder: TableFolder | None, notes: Mapping[str, str] = NO_NOTES
) -> StoredTable:
    """The table, still to be put under its key: whole, or in parts, which are put at once.

    Args:
        table: what it has; in parts, its rows are by bucket, and within each in their order.
        folder: where its parts go; None for a whole one.
        notes: as for `write_parquet`.

    Raises:
        StoreError: a part cannot be written.
    """
    import numpy as np

    if folder is None:
        return StoredTable(write_parquet(table, notes))
    empty = StoredTable(write_parquet(table[:0]))
    return merge_rows(empty, table, np.arange(len(table)), notes=notes, folder=folder)


def merge_rows(
    last: StoredTable,
    added: "pd.DataFrame | StoredTable",
    places: "np.ndarray",
    notes: Mapping[str, str] = NO_NOTES,
    *,
    folder: TableFolder | None = None,
    complete: Complete | None = None,
    differing: "np.ndarray | None" = None,
) -> StoredTable:
    """Another table, of rows of the last one and of others, unpacked and written group by group.

    It takes the room of few groups where the rows nearly keep their order, else of the whole table.
    A part of the last table whose rows all stay as they are is neither fetched nor written.

    Args:
        last: a table.
        added: the other rows; those of a table are unpacked group by group, too, and in parts are
            by bucket. Their columns and types are the new table's.
        places: of each row of the new table: its number in the last one, or the number of rows of
            the last one plus its number in `added`.
        notes: as for `write_parquet`.
        folder: as for `write_table`; in parts, the rows of each bucket are in this order.
        complete: is asked what becomes of the rows that are unpacked; None leaves them as they are.
        differing: the rows of the new table that it changes; all, unless they are given.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: as NO_TABLE says of the last table.
        StoreError: a part cannot be read or written.
    """
    import numpy as np
    import pyarrow as pa

    release_unused()
    tables = [last]
    if isinstance(added, StoredTable):
        tables.append(added)
        plain = added.read_schema().empty_table()
    else:
        plain = pa.Table.from_pandas(added, preserve_index=False)
    if folder is None:
        bounds = cut_groups(len(places))
        numbers = np.arange(len(places))
        whole = MergeSources(
            tables, [plain], places, numbers=numbers, complete=complete, bounds=bounds
        )
        taken = map(whole.take, range(len(whole.bounds)))
        return StoredTable(write_row_groups(taken, add_notes(plain.schema, notes)))
    if differing is None:
        differing = np.full(len(places), complete is not None)
    of_packed = np.concatenate([*map(_find_buckets_of, tables)])
    of_plain = find_buckets(plain[_OWNER].combine_chunks())
    buckets = np.concatenate([of_packed, of_plain])[places]
    in_order = np.argsort(buckets, kind="stable")
    groups, numbers = _cut_buckets(plain, of_plain)
    moved = places[in_order]
    is_plain = moved >= len(of_packed)
    moved[is_plain] = len(of_packed) + numbers[moved[is_plain] - len(of_packed)]
    bounds = _find_bounds(buckets[in_order])
    sources = MergeSources(
        tables, groups, moved, numbers=in_order, complete=complete, bounds=bounds
    )
    return _write_parts(last, sources, differing[in_order], folder, notes)


def _find_buckets_of(table: StoredTable) -> "np.ndarray":
    """The number of the bucket of each row."""
    import numpy as np

    index = table.read_index()
    if index is None:
        return find_buckets(text_column(table.read((_OWNER,)), _OWNER))
    numbers = [BUCKETS.index(part.bucket) for part in index.parts]
    return np.repeat(np.asarray(numbers, np.int16), [part.rows for part in index.parts])


def _cut_buckets(table: "pa.Table", buckets: "np.ndarray") -> "tuple[list[pa.Table], np.ndarray]":
    """The rows of each bucket as a table of its own, and where each row is in all of these."""
    import numpy as np

    order = np.argsort(buckets, kind="stable")
    is_ordered = np.array_equal(order, np.arange(len(order)))  # as what follows from parts is
    by_bucket = table if is_ordered else table.take(order)
    bounds = _find_bounds(buckets[order])
    return [by_bucket.slice(start, end - start) for start, end in bounds], np.argsort(order)


def _find_bounds(buckets: "np.ndarray") -> list[tuple[int, int]]:
    """The first row and the end of each bucket, of rows in the order of these."""
    import numpy as np

    ends = np.searchsorted(buckets, np.arange(len(BUCKETS) + 1))
    return list(pairwise(ends.tolist()))


def _write_parts(
    last: StoredTable,
    sources: MergeSources,
    differing: "np.ndarray",
    folder: TableFolder,
    notes: Mapping[str, str],
) -> StoredTable:
    """Write the parts that are not as they were, and then an index of all."""
    index = last.read_index()
    may_stay = index.parts if index is not None and index.schema.equals(sources.schema) else ()
    known = folder.read_keys()

    def list_parts() -> "Iterator[Part | tuple[str, pa.Table]]":
        for number, (start, end) in enumerate(sources.bounds):
            if start < end:
                same = None if differing[start:end].any() else sources.find_source(number)
                if same is not None and same < len(may_stay):
                    yield may_stay[same]
                else:
                    yield BUCKETS[number], sources.take(number)

    def put(part: "Part | tuple[str, pa.Table]") -> Part:
        if isinstance(part, Part):
            return part
        bucket, rows = part
        plain = rows.replace_schema_metadata().combine_chunks()  # the same bytes for the same rows
        return folder.put(bucket, write_rows(plain), len(rows), known)

    parts = [*map_on_cores(put, list_parts(), _PUT_AT_ONCE)]
    return StoredTable(write_index(sources.schema, parts, notes), folder)
