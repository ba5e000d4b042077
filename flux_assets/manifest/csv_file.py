"""The manifest as CSV, in which no cell can be taken for a spreadsheet's formula."""

import io
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from flux_assets.storage.formula_cells import FORMULA, neutralise

if TYPE_CHECKING:  # it is loaded only where a table is really written
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_BATCH_ROWS = 10_000
END_OF_LINE = "\r\n"  # as RFC 4180 has it


def write_manifest_csv(names: Sequence[str], groups: "Iterable[pa.Table]") -> Iterator[bytes]:
    """The parts of the file, in UTF-8: its header, and some lines at a time.

    Numbers with a fraction are written as Python shows them, and what a picture has none of as
    an empty cell.

    Args:
        names: of the columns.
        groups: the manifest's rows, in their order.
    """
    yield f"{','.join(names)}{END_OF_LINE}".encode()
    lines = _write_lines(groups)
    with ThreadPoolExecutor(1, thread_name_prefix="csv") as pool:
        coming = pool.submit(next, lines, None)
        while (part := coming.result()) is not None:
            coming = pool.submit(next, lines, None)
            yield part  # while the next one is made, the store hashes and writes this one


def _write_lines(groups: "Iterable[pa.Table]") -> Iterator[bytes]:
    from pyarrow import csv

    options = csv.WriteOptions(include_header=False, eol=END_OF_LINE)
    for group in groups:
        for batch in group.to_batches(max_chunksize=_BATCH_ROWS):
            lines = io.BytesIO()
            csv.write_csv(_write_cells(batch), lines, options)
            yield lines.getvalue()


def _write_cells(batch: "pa.RecordBatch") -> "pa.RecordBatch":
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([*map(_write_column, batch.columns)], batch.schema.names)


def _write_column(column: "pa.Array") -> "pa.Array":
    """Whole numbers as they are, all else as texts; most columns of text have nothing to mend."""
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    if pa.types.is_integer(column.type):
        return column
    if pa.types.is_boolean(column.type):
        return pc.if_else(column, str(True), str(False))
    if pa.types.is_floating(column.type):
        return pa.array(["" if it is None else str(it) for it in column.to_pylist()])
    if pc.any(pc.match_substring_regex(column, f"^{FORMULA}")).as_py():
        return pa.array(map(neutralise, column.to_pylist()), column.type)
    return column
