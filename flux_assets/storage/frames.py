"""Rows as they pass between steps: data frames from rows and back, batch by batch, and JSON.

All rows of a large catalog as objects of Python's own take ten times the memory of its table.
"""

import hashlib
import json
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from flux_assets.storage.parquet_file import release_unused

if TYPE_CHECKING:  # pandas is loaded only where a table is really built
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_BATCH_ROWS = 10_000


def build_frame(
    rows: Iterable[Sequence[str | int]], names: Sequence[str], *, numbers: Collection[str]
) -> "pd.DataFrame":
    """The rows, in their order.

    Args:
        rows: each with one value for each column.
        names: of the columns.
        numbers: those of them that hold whole numbers; the others hold text.
    """
    import pyarrow as pa

    text, number = pa.large_string(), pa.int64()
    schema = pa.schema([(name, number if name in numbers else text) for name in names])
    following = iter(rows)
    batches = []
    while batch := list(islice(following, _BATCH_ROWS)):
        arrays = map(pa.array, zip(*batch, strict=True), schema.types)
        batches.append(pa.RecordBatch.from_arrays(list(arrays), schema=schema))
    frame: pd.DataFrame = pa.Table.from_batches(batches, schema=schema).to_pandas()
    return frame


def read_rows(table: "pd.DataFrame", names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Each row's values of some columns, in the table's order."""
    for start in range(0, len(table), _BATCH_ROWS):
        batch = table.iloc[start : start + _BATCH_ROWS]
        yield from zip(*(batch[name].tolist() for name in names), strict=True)


def text_column(table: "pd.DataFrame", name: str) -> "pa.Array":
    """One column of texts, for Arrow's functions; no copy where the column is in one piece."""
    import pyarrow as pa

    column = pa.Table.from_pandas(table[[name]], preserve_index=False).column(0)
    column = column.cast(pa.large_string())
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def pack(table: "pd.DataFrame") -> "pd.DataFrame":
    """The same rows, each column in one piece, which `text_column` takes without a copy."""
    import pyarrow as pa

    whole = pa.Table.from_pandas(table, preserve_index=False).combine_chunks()
    del table  # where nobody else holds it, its room is free now
    release_unused()
    packed: pd.DataFrame = whole.to_pandas()
    return packed


def select(table: "pd.DataFrame", chosen: "pd.Series[bool] | np.ndarray") -> "pd.DataFrame":
    """The chosen rows: where these are all, the table itself, as a copy takes much room."""
    return table if chosen.all() else table[chosen]


def sort_places(table: "pd.DataFrame", names: Sequence[str]) -> "np.ndarray":
    """Where its rows are in the order of some columns of texts; pandas' sort makes objects."""
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    columns = pa.table({name: text_column(table, name) for name in names})
    places: np.ndarray = pc.sort_indices(
        columns, [(name, "ascending") for name in names]
    ).to_numpy()
    return places


def put_columns(table: "pa.Table", columns: "Mapping[str, pa.Array]") -> "pa.Table":
    """The same table with other cells in some of its columns."""
    for name, cells in columns.items():
        place = table.schema.get_field_index(name)
        field = table.schema.field(place)
        table = table.set_column(place, field, cells.cast(field.type))
    return table


def is_in(column: "pd.Series[str]", texts: "Collection[str] | pd.Series[str]") -> "np.ndarray":
    """Which of a column's texts are among some; pandas' own makes an object of each of these."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    if isinstance(texts, pd.Series):
        among = text_column(texts.to_frame("texts"), "texts")
    else:
        among = pa.array(list(texts), pa.large_string())
    found = pc.is_in(text_column(column.to_frame("texts"), "texts"), value_set=among)
    chosen: np.ndarray = found.to_numpy(zero_copy_only=False)
    return chosen


def look_up(wanted: "pa.Array", table: "pd.DataFrame", key: str, name: str) -> "pa.Array":
    """For each wanted text: what stands in column `name` of the first row that has it for its key.

    Null where there is no such row.
    """
    import pyarrow.compute as pc

    keys, values = text_column(table, key), text_column(table, name)
    if len(keys) > len(wanted):  # Arrow hashes all keys at each call, so no more than are needed
        is_wanted = pc.is_in(keys, value_set=wanted)
        keys, values = keys.filter(is_wanted), values.filter(is_wanted)
    return values.take(pc.index_in(wanted, value_set=keys))


def find_distinct(groups: "Iterable[pa.Table]", name: str) -> "pa.Array":
    """The texts in one column of a table, each once."""
    import pyarrow as pa

    found = [group[name].unique().cast(pa.large_string()) for group in groups]
    return pa.chunked_array(found, pa.large_string()).unique()


def hash_rows(table: "pd.DataFrame") -> str:
    """The same for the same rows, in whatever order they stand."""
    import numpy as np
    import pandas as pd

    names = json.dumps(list(table.columns)).encode()
    rows = np.sort(pd.util.hash_pandas_object(table, index=False).to_numpy())
    return hashlib.sha256(names + rows.tobytes()).hexdigest()


def hash_columns(columns: "Iterable[tuple[Hashable, pd.Series[str]]]") -> str:
    """Of a table's columns of texts: the same for the same rows in the same order."""
    import numpy as np

    found = hashlib.sha256()
    for name, column in columns:
        found.update(json.dumps([name, len(column)]).encode())
        if len(column):
            texts = text_column(column.to_frame("texts"), "texts")
            _, ends, data = texts.buffers()
            ends = np.frombuffer(ends, np.int64)[texts.offset : texts.offset + len(texts) + 1]
            found.update(ends - ends[0])  # a buffer may hold more than the column
            found.update(data[ends[0] : ends[-1]] if data else b"")
    return found.hexdigest()


def hash_identities(texts: "pd.Series[str]", more: str = "") -> str:
    """The same for the same ASCII texts, such as fingerprints, in whatever order they stand."""
    import numpy as np

    found = hashlib.sha256(f"{more}\n{len(texts)}\n".encode())
    if len(texts):
        ordered = np.empty(len(texts), f"S{max(1, texts.str.len().max())}")
        for start in range(0, len(texts), _BATCH_ROWS):  # else each text is an object on the way
            part = slice(start, start + _BATCH_ROWS)
            ordered[part] = texts.iloc[part].to_numpy("S")
        ordered.sort()
        found.update(ordered.view(np.uint8).data)
    return found.hexdigest()


def name_values(row: dict[str, Any] | Sequence[Any], names: Sequence[str]) -> dict[str, Any]:
    """A JSON row's values by their names; a release before names wrote them in this order."""
    return row if isinstance(row, dict) else dict(zip(names, row, strict=True))
