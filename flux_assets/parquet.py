"""Tables as Parquet: written, read as long as their bytes are whole, and gone through."""

import io
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

NO_TABLE = (OSError, ValueError, KeyError, NotImplementedError)
"""What pandas and pyarrow raise, between them, for bytes that are no whole Parquet file."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A table's Parquet, of which no more is unpacked than what is asked for."""

    data: bytes

    def read(
        self, columns: Sequence[str] | None = None, *, fingerprints: Collection[str] | None = None
    ) -> "pd.DataFrame":
        """Some columns, or all, of the rows with some fingerprints, or of all."""
        import pandas as pd  # noqa: PLC0415 - slow to import

        return pd.read_parquet(
            io.BytesIO(self.data),
            columns=None if columns is None else list(columns),
            filters=None if fingerprints is None else [("fingerprint", "in", set(fingerprints))],
        )


def write_parquet(table: "pd.DataFrame") -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_parquet(data: bytes, *, columns: Sequence[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    return StoredTable(data).read(columns)


def iterate_rows(table: "pd.DataFrame", columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """The rows of some columns, as plain Python values.

    Each column is taken whole: Arrow gives single items some ten times as slowly.
    """
    return zip(*(table[name].to_numpy(object).tolist() for name in columns), strict=True)
