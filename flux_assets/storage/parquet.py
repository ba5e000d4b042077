"""Tables as Parquet: written, merged, and read as long as their bytes are whole."""

import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

NO_TABLE = (OSError, ValueError, KeyError, NotImplementedError)
"""What pandas and pyarrow raise, between them, for bytes that are no whole Parquet file."""

_ROWS_A_GROUP = 20_000
"""Reading takes the room of the table and one such group, unpacked."""

_COMPRESSION = "zstd"
"""Fingerprints and checksums, which are most of a table, take half the room that they take in
Parquet's usual Snappy, and are unpacked as quickly."""

_NOTES = b"flux_assets"
NO_NOTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's Parquet, of which no more is unpacked than what is asked for.

    All methods raise one of NO_TABLE where the bytes are no whole table, or lack a column.
    """

    data: bytes

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: tuple[str, Collection[str]] | None = None,
    ) -> "pd.DataFrame":
        """Some columns, or all, of the rows that have one of some texts in a column, or of all."""
        import pyarrow as pa

        _release_unused()
        file = _open(self.data)
        names = list(file.schema_arrow.names if columns is None else columns)
        absent = set(names) - set(file.schema_arrow.names)
        if absent:
            raise KeyError(", ".join(sorted(absent)))
        parts = [file.schema_arrow.empty_table().select(names)]
        parts += _read_groups(file, names, where)
        frame: pd.DataFrame = pa.concat_tables(parts).to_pandas()
        return frame

    def column_names(self) -> tuple[str, ...]:
        """In the table's order."""
        return tuple(_open(self.data).schema_arrow.names)

    def column_types(self) -> "dict[str, pa.DataType]":
        """Arrow's type of each column, in the table's order."""
        return {field.name: field.type for field in _open(self.data).schema_arrow}

    def all_begin(self, column: str, start: str) -> bool:
        """Whether the texts of a column all begin with one, or are all empty if that is."""
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        file = _open(self.data)
        if column not in file.schema_arrow.names:
            raise KeyError(column)
        for group in _read_groups(file, [column], None):
            texts = group[column]
            fits = pc.starts_with(texts, start) if start else pc.equal(texts, "")
            if not pc.all(fits, min_count=0).as_py():
                return False
        return True

    def read_notes(self) -> dict[str, str]:
        """What `write_parquet` was given to say of the whole table."""
        metadata = _open(self.data).schema_arrow.metadata or {}
        notes: dict[str, str] = json.loads(metadata.get(_NOTES, b"{}"))
        return notes

    def is_whole(self) -> bool:
        """Whether all of it can be read, and is as it was written."""
        try:
            for _ in self.read_groups():
                pass
        except NO_TABLE:
            return False
        return True

    def read_texts(self, column: str) -> list[str]:
        """One column's texts, without pandas, which takes longer to load than they to read."""
        file = _open(self.data)
        texts: list[str] = file.read([column])[column].to_pylist()
        return texts

    def read_groups(self) -> "Iterator[pa.Table]":
        """All rows, in the groups that they were written in."""
        _release_unused()
        file = _open(self.data)
        yield from _read_groups(file, file.schema_arrow.names, None)

    def read_some(self, columns: Sequence[str], count: int) -> "Iterator[pa.Table]":
        """Some columns of all rows, some thousand rows at a time: `count`, more or less."""
        import pyarrow as pa

        _release_unused()
        file = _open(self.data)
        absent = set(columns) - set(file.schema_arrow.names)
        if absent:
            raise KeyError(", ".join(sorted(absent)))
        groups: list[pa.Table] = []
        for group in _read_groups(file, list(columns), None):
            groups.append(group)
            if sum(map(len, groups)) >= count:
                yield pa.concat_tables(groups)
                groups = []
        if groups:
            yield pa.concat_tables(groups)

    def count_groups(self) -> list[int]:
        """How many rows each of these groups has."""
        metadata = _open(self.data).metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def read_group(self, group: int, columns: Sequence[str]) -> "pa.Table":
        """Some columns of one of these groups."""
        _release_unused()
        return _open(self.data).read_row_group(group, list(columns))


def _open(data: bytes) -> "pq.ParquetFile":
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)


def _read_groups(
    file: "pq.ParquetFile", names: list[str], where: tuple[str, Collection[str]] | None
) -> Iterator["pa.Table"]:
    """One after the other: Arrow's own way to read chosen rows unpacks many ahead."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if where is not None and not where[1]:
        return
    for group in range(file.num_row_groups):
        if where is None:
            yield file.read_row_group(group, names)
            continue
        texts = file.read_row_group(group, [where[0]])[where[0]]
        if not len(texts):  # of no type, where nothing was ever written
            continue
        chosen = pc.is_in(texts, value_set=pa.array(list(where[1]), texts.type))
        if pc.any(chosen).as_py():
            yield file.read_row_group(group, names).filter(chosen)


def _release_unused() -> None:
    """Give back what earlier tables took: Arrow keeps it, and it adds up."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def merge_rows(
    last: StoredTable,
    added: "pd.DataFrame",
    places: "np.ndarray",
    values: "Mapping[str, np.ndarray] | None" = None,
    notes: Mapping[str, str] = NO_NOTES,
) -> StoredTable:
    """Another table, of rows of the last one and of others, unpacked and written group by group.

    It takes the room of few groups where the rows nearly keep their order, else of the whole table.

    Args:
        last: a table.
        added: the other rows. Their columns and types are the new table's.
        places: of each row of the new table: its number in the last one, or the number of rows of
            the last one plus its number in `added`.
        values: those of some columns, for the whole new table, instead of what its rows had.
        notes: as for `write_parquet`.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: as NO_TABLE says of the last table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    sources = _Sources(last, pa.Table.from_pandas(added, preserve_index=False), places)
    buffer = io.BytesIO()
    schema = _note(sources.schema, notes)
    with pq.ParquetWriter(
        buffer, schema, compression=_COMPRESSION, write_page_checksum=True
    ) as writer:
        for start in range(0, len(places), _ROWS_A_GROUP):
            _release_unused()
            group = sources.take(start)
            for name, column in (values or {}).items():
                field = group.schema.field(name)
                cells = pa.array(column[start : start + _ROWS_A_GROUP], field.type)
                group = group.set_column(group.schema.get_field_index(name), field, cells)
            group = group.replace_schema_metadata(schema.metadata)
            writer.write_table(group.combine_chunks())  # the same bytes, wherever its rows were
    return StoredTable(buffer.getvalue())


class _Sources:
    """The groups of one table, and one more with other rows, each held while it is of use."""

    def __init__(self, table: StoredTable, added: "pa.Table", places: "np.ndarray") -> None:
        import numpy as np

        self.schema = added.schema
        self._file = _open(table.data)
        groups = range(self._file.num_row_groups)
        lengths = [self._file.metadata.row_group(group).num_rows for group in groups]
        self._starts = np.cumsum([0, *lengths])
        self._places = places
        self._source_of = np.searchsorted(self._starts[1:], places, side="right")
        self._last_use = {
            source: start
            for start in range(0, len(places), _ROWS_A_GROUP)
            for source in np.unique(self._source_of[start : start + _ROWS_A_GROUP]).tolist()
        }
        self._held = {len(lengths): added}

    def take(self, start: int) -> "pa.Table":
        """The group of the new table whose first row has this number."""
        import numpy as np
        import pyarrow as pa

        sources = self._source_of[start : start + _ROWS_A_GROUP]
        needed = np.unique(sources).tolist()
        tables = [self._open(source) for source in needed]
        begins = np.zeros(len(self._starts), int)
        begins[needed] = np.cumsum([0, *map(len, tables[:-1])])
        rows = self._places[start : start + _ROWS_A_GROUP] - (self._starts - begins)[sources]
        self._held = {it: self._held[it] for it in self._held if self._last_use.get(it, 0) > start}
        found = pa.concat_tables(tables)
        if np.array_equal(rows, np.arange(rows[0], rows[0] + len(rows))):
            return found.slice(rows[0], len(rows))
        return found.take(rows)

    def _open(self, source: int) -> "pa.Table":
        if source not in self._held:
            group = self._file.read_row_group(source, self.schema.names)
            self._held[source] = group.select(self.schema.names).cast(self.schema)
        return self._held[source]


def write_parquet(table: "pd.DataFrame", notes: Mapping[str, str] = NO_NOTES) -> bytes:
    """The table as Parquet, with short texts beside its rows that say something of all of them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    plain = pa.Table.from_pandas(table, preserve_index=False)
    noted = plain.replace_schema_metadata(_note(plain.schema, notes).metadata)
    pq.write_table(
        noted,
        buffer,
        row_group_size=_ROWS_A_GROUP,
        compression=_COMPRESSION,
        write_page_checksum=True,
    )
    return buffer.getvalue()


def _note(schema: "pa.Schema", notes: Mapping[str, str]) -> "pa.Schema":
    if not notes:
        return schema
    written = {_NOTES: json.dumps(dict(notes)).encode()}
    return schema.with_metadata({**(schema.metadata or {}), **written})


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    return StoredTable(data).read(columns)
