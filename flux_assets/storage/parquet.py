"""Tables as Parquet, whole or in parts: read as long as their bytes are whole, and written."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet_file import (
    NO_NOTES,
    NO_TABLE,
    add_notes,
    find_notes,
    open_parquet,
    read_row_groups,
    release_unused,
    write_rows,
)
from flux_assets.storage.table_parts import (
    TableFolder,
    TableIndex,
    read_index,
)

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's Parquet, of which no more is unpacked than what is asked for.

    All methods raise one of NO_TABLE where the bytes are no whole table, or lack a column; or
    StoreError, where a newer release wrote them, or parts of it cannot be read.

    Args:
        data: the whole table, or the index of one in parts.
        folder: where it lies, so that its parts are found.
    """

    data: bytes
    folder: TableFolder | None = field(default=None, compare=False)

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: tuple[str, Collection[str]] | None = None,
    ) -> "pd.DataFrame":
        """Some columns, or all, of the rows that have one of some texts in a column, or of all."""
        import pyarrow as pa

        release_unused()
        schema = self.read_schema()
        names = list(schema.names if columns is None else columns)
        among = (where[0], frozenset(where[1])) if where else None
        groups = [schema.empty_table().select(_known(names, schema)), *self._scan(names, among)]
        frame: pd.DataFrame = pa.concat_tables(groups).to_pandas()
        return frame

    def column_names(self) -> tuple[str, ...]:
        """In the table's order."""
        return tuple(self.read_schema().names)

    def read_schema(self) -> "pa.Schema":
        """The columns with Arrow's types, and what is said of them."""
        index = self.read_index()
        return open_parquet(self.data).schema_arrow if index is None else index.schema

    def column_types(self) -> "dict[str, pa.DataType]":
        """Arrow's type of each column, in the table's order."""
        return {field.name: field.type for field in self.read_schema()}

    def all_begin(self, column: str, start: str) -> bool:
        """Whether the texts of a column all begin with one, or are all empty if that is."""
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        for group in self._scan(_known([column], self.read_schema())):
            texts = group[column]
            fits = pc.starts_with(texts, start) if start else pc.equal(texts, "")
            if not pc.all(fits, min_count=0).as_py():
                return False
        return True

    def read_notes(self) -> dict[str, str]:
        """What `write_parquet` was given to say of the whole table."""
        self.read_index()  # a newer release's notes may mean something else
        return find_notes(open_parquet(self.data).schema_arrow)

    def read_index(self) -> TableIndex | None:
        """The index of a table in parts; None of a whole one."""
        return read_index(self.data, self.folder)

    @property
    def is_in_parts(self) -> bool:
        """Whether it is."""
        return self.read_index() is not None

    def is_whole(self) -> bool:
        """Whether all of it can be read, and is as it was written."""
        try:
            index = self.read_index()
            if index is not None:
                return index.is_whole()
            for _ in self.read_groups():
                pass
            self.read_schema().empty_table().to_pandas()  # its footer has no checksum
        except (TypeError, *NO_TABLE):
            return False
        return True

    def read_texts(self, column: str) -> list[str]:
        """One column's texts, without pandas, which takes longer to load than they to read."""
        return [text for group in self._scan([column]) for text in group[column].to_pylist()]

    def read_groups(self, columns: Sequence[str] | None = None) -> "Iterator[pa.Table]":
        """Some columns, or all, of all rows, in their order, some thousand rows at a time."""
        release_unused()
        names = self.column_names() if columns is None else columns
        yield from self._scan(list(names))

    def read_some(self, columns: Sequence[str], count: int) -> "Iterator[pa.Table]":
        """Some columns of all rows, some thousand rows at a time: `count`, more or less."""
        import pyarrow as pa

        release_unused()
        groups: list[pa.Table] = []
        for group in self._scan(_known(columns, self.read_schema())):
            groups.append(group)
            if sum(map(len, groups)) >= count:
                yield pa.concat_tables(groups)
                groups = []
        if groups:
            yield pa.concat_tables(groups)

    def count_groups(self) -> list[int]:
        """How many rows each group has that `read_group` reads: each part is one."""
        index = self.read_index()
        if index is not None:
            return [part.rows for part in index.parts]
        metadata = open_parquet(self.data).metadata
        return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]

    def count_rows(self) -> int:
        """How many there are."""
        return sum(self.count_groups())

    def read_group(self, group: int, columns: Sequence[str]) -> "pa.Table":
        """Some columns of one of these groups."""
        import pyarrow as pa

        release_unused()
        index = self.read_index()
        if index is None:
            return open_parquet(self.data).read_row_group(group, list(columns))
        data = index.folder.fetch(index.parts[group])
        return pa.concat_tables(_read_part(index, data, columns))

    def _scan(
        self, names: Sequence[str], where: tuple[str, AbstractSet[str]] | None = None
    ) -> "Iterator[pa.Table]":
        """Some columns of all rows, or of those that are asked for, in their order."""
        index = self.read_index()
        if index is None:
            yield from read_row_groups(open_parquet(self.data), names, where)
            return
        for data in index.fetch(index.choose(where)):
            yield from _read_part(index, data, names, where)


def _read_part(
    index: TableIndex,
    data: bytes,
    names: Sequence[str],
    where: tuple[str, AbstractSet[str]] | None = None,
) -> "list[pa.Table]":
    """Some columns of a part, or of some of its rows, in the types of the whole table."""
    import pyarrow as pa

    schema = pa.schema([index.schema.field(name) for name in names], index.schema.metadata)
    groups = read_row_groups(open_parquet(data), names, where)
    return [group.select(list(names)).cast(schema) for group in groups]


def _known(names: Sequence[str], schema: "pa.Schema") -> list[str]:
    """The names, if the table has all of these columns."""
    absent = set(names) - set(schema.names)
    if absent:
        raise KeyError(", ".join(sorted(absent)))
    return list(names)


def open_table(store: ObjectStore, key: str) -> StoredTable:
    """A table as it lies in the store, still to be unpacked.

    Raises:
        ObjectNotFoundError: there is none.
        StoreError: the store cannot be read.
    """
    return StoredTable(store.get(key).data, TableFolder(store, key))


def write_parquet(table: "pd.DataFrame", notes: Mapping[str, str] = NO_NOTES) -> bytes:
    """The table as Parquet, with short texts beside its rows that say something of all of them."""
    import pyarrow as pa

    plain = pa.Table.from_pandas(table, preserve_index=False)
    return write_rows(plain.replace_schema_metadata(add_notes(plain.schema, notes).metadata))


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    return StoredTable(data).read(columns)
