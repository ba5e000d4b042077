"""One Parquet's bytes: opened with its checksums, and read and written group by group."""

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

NO_TABLE = (OSError, ValueError, KeyError, NotImplementedError)
"""What pandas and pyarrow raise, between them, for bytes that are no whole Parquet file."""

PARQUET = "application/vnd.apache.parquet"
"""Its media type."""

ROWS_A_GROUP = 20_000
"""Reading takes the room of the table and one such group, unpacked."""

COMPRESSION = "zstd"
"""Fingerprints and checksums, which are most of a table, take half the room that they take in
Parquet's usual Snappy, and are unpacked as quickly."""

_NOTES = b"flux_assets"
NO_NOTES: Mapping[str, str] = MappingProxyType({})


def open_parquet(data: bytes) -> "pq.ParquetFile":
    """The file, of which each page's checksum is compared when it is read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    return pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)


def read_row_groups(
    file: "pq.ParquetFile", names: Sequence[str], where: tuple[str, AbstractSet[str]] | None
) -> Iterator["pa.Table"]:
    """One after the other: Arrow's own way to read chosen rows unpacks many ahead."""
    import pyarrow as pa
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    if where is not None and not where[1]:
        return
    for group in range(file.num_row_groups):
        if where is None:
            yield file.read_row_group(group, list(names))
            continue
        texts = file.read_row_group(group, [where[0]])[where[0]]
        if not len(texts):  # what has no rows may have no type either
            continue
        if len(where[1]) < len(texts):
            chosen = pc.is_in(texts, value_set=pa.array(list(where[1]), texts.type))
        else:  # Arrow would hash all that is looked for once a group
            chosen = pa.chunked_array([[text in where[1] for text in texts.to_pylist()]])
        if pc.any(chosen).as_py():
            yield file.read_row_group(group, list(names)).filter(chosen)


def cut_groups(count: int) -> list[tuple[int, int]]:
    """The first row and the end of each group that so many rows are written in."""
    return [(at, min(at + ROWS_A_GROUP, count)) for at in range(0, count, ROWS_A_GROUP)]


def write_rows(table: "pa.Table") -> bytes:
    """A Parquet with all rows of a table."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(
        table,
        buffer,
        row_group_size=ROWS_A_GROUP,
        compression=COMPRESSION,
        write_page_checksum=True,
    )
    return buffer.getvalue()


def write_row_groups(groups: "Iterable[pa.Table]", schema: "pa.Schema") -> bytes:
    """A Parquet with these groups, each as it is given."""
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, schema, compression=COMPRESSION, write_page_checksum=True
    ) as writer:
        for group in groups:
            plain = group.replace_schema_metadata(schema.metadata)
            writer.write_table(plain.combine_chunks())  # the same bytes, wherever its rows were
    return buffer.getvalue()


def add_notes(schema: "pa.Schema", notes: Mapping[str, str]) -> "pa.Schema":
    """The schema with short texts that say something of all rows."""
    if not notes:
        return schema
    written = {_NOTES: json.dumps(dict(notes)).encode()}
    return schema.with_metadata({**(schema.metadata or {}), **written})


def find_notes(schema: "pa.Schema") -> dict[str, str]:
    """What `add_notes` was given."""
    notes: dict[str, str] = json.loads((schema.metadata or {}).get(_NOTES, b"{}"))
    return notes


def release_unused() -> None:
    """Give back what earlier tables took: Arrow keeps it, and it adds up."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
