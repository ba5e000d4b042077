"""A large table in parts: one for each bucket of products, and an index that names them.

The index lies where the whole table would, and is the only commit: the parts are there before it,
and none of them is ever another one under the same key. So a table in which one product changes is
written anew in one part and its index.
"""

import base64
import hashlib
import io
import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.errors import ObjectNotFoundError, StoreError
from flux_assets.storage.buckets import bucket_of
from flux_assets.storage.object_store import ObjectStore, table_part_key
from flux_assets.storage.parallel import map_on_cores
from flux_assets.storage.parquet_file import COMPRESSION, NO_TABLE, PARQUET, add_notes, open_parquet
from flux_assets.storage.part_cache import cache_of

if TYPE_CHECKING:  # it is loaded only where a table is really read
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

FETCHED_AT_ONCE = 8
"""Parts of a table; at most twice as many are held."""

_FORMAT = 1
_INDEX = b"flux_assets_parts"
_MOST_LOOKED_UP = 10_000
"""So many products are in all buckets, or nearly."""


class DamagedPartError(StoreError, ValueError):
    """A part is not there, or is not what its index says: the table cannot be read whole.

    Args:
        uri: of the part.
        problem: what is wrong with it, such as "is missing".
        table: the address of its index.
    """

    def __init__(self, uri: str, problem: str, table: str) -> None:
        remedy = "the next `flux-assets refresh` writes it again, unless it says otherwise"
        super().__init__(uri, "read", f"this part of {table} {problem}; {remedy}")
        self.told = f"its part {uri} {problem}"


class Part(NamedTuple):
    """The rows of the products of one bucket, and where they lie."""

    bucket: str
    key: str
    sha256: str
    rows: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class TableFolder:
    """Where a table lies that may be in parts.

    A process fetches each part from there once, however often its table is read.

    Args:
        store: the shop's.
        key: of the table, or of its index.
        drafts: for one that is only looked at: its new parts go there, by their keys, and nothing
            is written.
    """

    store: ObjectStore
    key: str
    drafts: dict[str, bytes] | None = field(default=None, compare=False)

    @property
    def uri(self) -> str:
        """The table's address."""
        return self.store.uri_for(self.key)

    def fetch(self, part: Part) -> bytes:
        """One part's bytes, as they were written.

        Raises:
            DamagedPartError: it is not there, or another.
            StoreError: it cannot be read.
        """
        known = cache_of(self.store).find(part.sha256)
        return self.fetch_anew(part) if known is None else known

    def has_fetched(self, parts: Iterable[Part]) -> bool:
        """Whether none of these has to be fetched from the store."""
        cache = cache_of(self.store)
        return all(part.sha256 in cache for part in parts)

    def fetch_anew(self, part: Part) -> bytes:
        """The same from the store itself, whatever was fetched before."""
        if self.drafts and part.key in self.drafts:
            return self.drafts[part.key]
        uri, sha256 = self.store.uri_for(part.key), part.sha256
        try:
            found = self.store.get(part.key)
        except ObjectNotFoundError as error:
            raise DamagedPartError(uri, "is missing", self.uri) from error
        # a directory's etag is the sha256 already
        if found.info.etag != sha256 and hashlib.sha256(found.data).hexdigest() != sha256:
            raise DamagedPartError(uri, "has other bytes than were written", self.uri)
        cache_of(self.store).keep(sha256, found.data)
        return found.data

    def put(self, bucket: str, data: bytes, rows: int, known: Collection[str]) -> Part:
        """Write one part, unless it is there.

        What no index of now names is written again even so, as it may be about to be pruned.

        Args:
            bucket: of its products.
            data: a Parquet.
            rows: how many it has.
            known: the keys that the table's index of now names.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        key = table_part_key(self.key, bucket, sha256)
        part = Part(bucket, key, sha256, rows, len(data))
        if self.drafts is not None:
            self.drafts[key] = data
        elif key not in known or not self._has(part):
            self.store.put(key, data, content_type=PARQUET)
        return part

    def read_keys(self) -> frozenset[str]:
        """The parts that the table's index of now names; none of a whole table, or of none.

        Raises:
            StoreError: it cannot be read, or a newer release wrote it.
        """
        try:
            index = read_index(self.store.get(self.key).data, self)
        except (ObjectNotFoundError, *NO_TABLE):
            return frozenset()
        return index.keys if index else frozenset()

    def _has(self, part: Part) -> bool:
        try:
            self.fetch_anew(part)
        except DamagedPartError:
            return False
        return True


@dataclass(frozen=True)
class TableIndex:
    """What an index says: the table's columns, and its parts in the order of their rows."""

    schema: "pa.Schema"
    parts: tuple[Part, ...]
    folder: TableFolder

    def choose(self, where: tuple[str, Collection[str]] | None) -> tuple[Part, ...]:
        """The parts that can have rows with one of some texts in a column."""
        if where is None:
            return self.parts
        column, texts = where
        if column != "product_id" or len(texts) > _MOST_LOOKED_UP:
            return self.parts if texts else ()
        buckets = set(map(bucket_of, texts))
        return tuple(part for part in self.parts if part.bucket in buckets)

    def fetch(self, parts: Iterable[Part]) -> Iterator[bytes]:
        """The bytes of some parts; by several threads what this process has not fetched yet.

        The others would only wait for each other: to unpack a part takes less than to hand it on.
        """
        wanted = list(parts)
        if self.folder.has_fetched(wanted):
            return map(self.folder.fetch, wanted)
        return map_on_cores(self.folder.fetch, wanted, FETCHED_AT_ONCE)

    def is_whole(self) -> bool:
        """Whether all parts are there, as they were written.

        Raises:
            StoreError: one of them cannot be read.
        """
        try:
            for _ in map_on_cores(self.folder.fetch_anew, self.parts, FETCHED_AT_ONCE):
                pass
        except DamagedPartError:
            return False
        return True

    @cached_property
    def keys(self) -> frozenset[str]:
        """Those of its parts."""
        return frozenset(part.key for part in self.parts)


def read_index(data: bytes, folder: TableFolder | None) -> TableIndex | None:
    """What an index says; None of a whole table.

    Args:
        data: of the table.
        folder: where it lies; only a whole table can do without.

    Raises:
        StoreError: a newer release wrote it.
        OSError, ValueError, KeyError, NotImplementedError: as NO_TABLE says of its bytes.
    """
    import pyarrow as pa

    file = open_parquet(data)
    said = (file.schema_arrow.metadata or {}).get(_INDEX)
    if said is None:
        return None
    if folder is None:
        raise TypeError("a table in parts is read from its store")
    plain = json.loads(said)
    if plain["format"] > _FORMAT:
        raise StoreError(folder.uri, "read", "a newer release of flux_assets wrote it; upgrade")
    try:
        packed = zlib.decompress(base64.b64decode(plain["schema"]))
        parts = tuple(map(Part, *file.read(Part._fields).to_pydict().values()))
    except (TypeError, zlib.error) as error:
        raise ValueError(str(error)) from error
    return TableIndex(pa.ipc.read_schema(pa.py_buffer(packed)), parts, folder)


def write_index(schema: "pa.Schema", parts: Iterable[Part], notes: Mapping[str, str]) -> bytes:
    """The index of a table with these columns, which lie in these parts, with the table's notes."""
    import pyarrow as pa
    import pyarrow.parquet as pq  # type: ignore[import-untyped]  # ships no types

    packed = base64.b64encode(zlib.compress(schema.serialize().to_pybytes())).decode()
    said = {_INDEX: json.dumps({"format": _FORMAT, "schema": packed}).encode()}
    types = (pa.string(), pa.string(), pa.string(), pa.int64(), pa.int64())
    columns = pa.schema(list(zip(Part._fields, types, strict=True)), metadata=said)
    noted = add_notes(columns, notes).metadata
    table = pa.Table.from_pylist([part._asdict() for part in parts], columns)
    buffer = io.BytesIO()
    with pq.ParquetWriter(
        buffer, columns, compression=COMPRESSION, store_schema=False, write_page_checksum=True
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(noted)  # in the schema they would be written twice
    return buffer.getvalue()
