"""Tables as Parquet: written, and read as long as their bytes are whole."""

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

NO_TABLE = (OSError, ValueError, KeyError, NotImplementedError)
"""What pandas and pyarrow raise, between them, for bytes that are no whole Parquet file."""

_ROWS_A_GROUP = 50_000
"""Reading takes the room of the table and one such group, unpacked."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's Parquet, of which no more is unpacked than what is asked for.

    Both methods raise one of NO_TABLE where the bytes are no whole table, or lack a column.
    """

    data: bytes

    def read(
        self,
        columns: Sequence[str] | None = None,
        *,
        where: tuple[str, Collection[str]] | None = None,
    ) -> "pd.DataFrame":
        """Some columns, or all, of the rows that have one of some texts in a column, or of all."""
        import pyarrow as pa  # noqa: PLC0415 - slow to import
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        # Arrow keeps what earlier tables took, which adds up.
        pa.default_memory_pool().release_unused()
        file = pq.ParquetFile(io.BytesIO(self.data))
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
        import pyarrow.parquet as pq  # noqa: PLC0415 - slow to import

        return tuple(pq.read_schema(io.BytesIO(self.data)).names)


def _read_groups(
    file: "pq.ParquetFile", names: list[str], where: tuple[str, Collection[str]] | None
) -> Iterator["pa.Table"]:
    """One after the other: Arrow's own way to read chosen rows unpacks many ahead."""
    import pyarrow as pa  # noqa: PLC0415 - slow to import
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types  # noqa: PLC0415 - slow

    for group in range(file.num_row_groups):
        if where is None:
            yield file.read_row_group(group, names)
            continue
        texts = file.read_row_group(group, [where[0]])[where[0]]
        chosen = pc.is_in(texts, value_set=pa.array(list(where[1]), texts.type))
        if pc.any(chosen).as_py():
            yield file.read_row_group(group, names).filter(chosen)


def write_parquet(table: "pd.DataFrame") -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, row_group_size=_ROWS_A_GROUP)
    return buffer.getvalue()


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    return StoredTable(data).read(columns)
