"""Tables as Parquet: written, and read as long as their bytes are whole."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

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
        import pandas as pd  # noqa: PLC0415 - slow to import
        import pyarrow as pa  # type: ignore[import-untyped]  # ships no types  # noqa: PLC0415 - slow
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # as above  # noqa: PLC0415

        # Arrow keeps what earlier tables took, which adds up.
        pa.default_memory_pool().release_unused()
        chosen = None
        if where is not None:
            chosen = pc.field(where[0]).isin(pa.array(list(where[1]), pa.string()))
        return pd.read_parquet(
            io.BytesIO(self.data),
            columns=None if columns is None else list(columns),
            filters=chosen,
        )

    def column_names(self) -> tuple[str, ...]:
        """In the table's order."""
        import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types  # noqa: PLC0415 - slow

        return tuple(pq.read_schema(io.BytesIO(self.data)).names)


def write_parquet(table: "pd.DataFrame") -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False, row_group_size=_ROWS_A_GROUP)
    return buffer.getvalue()


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    return StoredTable(data).read(columns)
