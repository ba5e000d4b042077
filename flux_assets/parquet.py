"""Tables as Parquet: written, and read as long as their bytes are whole."""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import pandas as pd

NO_TABLE = (OSError, ValueError, KeyError, NotImplementedError)
"""What pandas and pyarrow raise, between them, for bytes that are no whole Parquet file."""


def write_parquet(table: "pd.DataFrame") -> bytes:
    """The table as Parquet."""
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def read_parquet(data: bytes, *, columns: list[str] | None = None) -> "pd.DataFrame":
    """The table that `write_parquet` wrote, or some of its columns."""
    import pandas as pd  # noqa: PLC0415 - slow to import

    return pd.read_parquet(io.BytesIO(data), columns=columns)
