"""`tables/renditions.parquet`: one row for each current picture and profile, and its measures.

It is a cache of what lies in the store: without it, everything is looked at anew, and nothing is
stored twice.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.errors import ObjectNotFoundError
from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.measures import MEANINGS, OF_MANIFEST, Measures
from flux_assets.publishing.wanted_rows import IDENTITY, NOT_WANTED, WantedRows
from flux_assets.storage.change_object import change_object
from flux_assets.storage.object_store import ObjectBody, ObjectStore, table_key
from flux_assets.storage.parquet import StoredTable, write_parquet
from flux_assets.storage.parquet_file import NO_TABLE, PARQUET
from flux_assets.storage.table_merge import merge_rows

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import pandas as pd

RENDITIONS_KEY = table_key("renditions.parquet")

_log = logging.getLogger(__name__)


class RenditionRow(NamedTuple):
    """One file for the public, as the table has it.

    Attributes:
        product_id, shot, profile: what it is of, and for which profile it was made.
        profile_digest: of what the profile said.
        request_fingerprint, master_sha256: the picture that it was made of.
        object_key, sha256: where it is, and its bytes.
        width_px, ...: as `Measures` has them.
    """

    product_id: str
    shot: str
    profile: str
    profile_digest: str
    request_fingerprint: str
    master_sha256: str
    object_key: str
    sha256: str
    width_px: int
    height_px: int
    size_bytes: int
    format: str
    mark: str
    border_white: float
    frame_share: float | None
    upscaled: bool
    appearance: str
    c2pa: bool
    c2pa_state: str
    c2pa_issuer: str
    c2pa_actions: str

    def measures(self, *, made_from: str, repeated: bool) -> Measures:
        """What rules judge, with what the manifest knows of the picture.

        Args:
            made_from: `photo` where its shot was an edit of one, else `words`.
            repeated: whether another product has the same picture.
        """
        own = {name: getattr(self, name) for name in MEANINGS if name in COLUMNS}
        share = self.frame_share
        own["frame_share"] = None if share is None or share != share else share  # noqa: PLR0124 - NaN
        if self.c2pa and not self.c2pa_state:
            own |= dict.fromkeys(OF_MANIFEST)
        return Measures(
            **own,
            megapixels=self.width_px * self.height_px / 1_000_000,
            ratio=self.width_px / self.height_px,
            extension=self.object_key.rpartition(".")[2],
            made_from=made_from,
            repeated=repeated,
        )


_TYPES: Mapping[type, str] = {str: "str", int: "int64", float: "float64", bool: "bool"}
COLUMNS: Mapping[str, str] = {
    name: _TYPES.get(kind, "float64") for name, kind in RenditionRow.__annotations__.items()
}
_ROWS_A_MERGE = 200_000
"""A merge takes the room of the table and of so many rows that are added to it."""


class MergedTable(NamedTuple):
    """The table as it stands: its number of rows, and the sha256 of its bytes."""

    row_count: int
    sha256: str


class Master(NamedTuple):
    """A stored picture, and the profiles that it lacks renditions of."""

    product_id: str
    shot: str
    request_fingerprint: str
    sha256: str
    object_key: str
    digital_source_type: str
    profiles: tuple[str, ...]


def find_missing(
    manifest: StoredManifest, table: StoredTable | None, channels: ChannelsFile
) -> list[Master]:
    """The pictures of the manifest that lack a rendition, each with what it lacks.

    Raises:
        StoreError: the manifest is damaged.
    """
    wanted = WantedRows(manifest, channels)
    try:
        matched, _ = wanted.match(table)
    except NO_TABLE as error:
        _warn(f"it is damaged ({error})")
        matched, _ = wanted.match(None)
    return [Master._make((*row, tuple(lacked))) for row, lacked in wanted.list_lacking(matched)]


def merge_renditions(
    store: ObjectStore,
    manifest: StoredManifest,
    channels: ChannelsFile,
    made: Iterable["pd.DataFrame"],
) -> MergedTable:
    """Add what was made to the table, by compare-and-swap; what nobody wants any more leaves it.

    A table in which nothing changes is not written.

    Args:
        store: where it lies.
        manifest: whose pictures the table is of.
        channels: whose profiles it is of.
        made: rows as `build_frame` gives them.

    Raises:
        StoreError: it cannot be read or written, or the manifest is damaged.
        ChangeConflictError: other writers always came first.
    """
    wanted = WantedRows(manifest, channels)
    merged = None
    for added in _gather(made):
        merged = _merge(store, wanted, added)
    return merged or _merge(store, wanted, build_frame([]))


def open_renditions(store: ObjectStore) -> StoredTable | None:
    """The table as it is; None where there is none, or a damaged one, which is made anew.

    Raises:
        StoreError: the store cannot be read.
    """
    try:
        return _usable(store.get(RENDITIONS_KEY))
    except ObjectNotFoundError:
        return None


def build_frame(rows: Sequence[RenditionRow]) -> "pd.DataFrame":
    """The rows as a table, with its types."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict(COLUMNS))


def _gather(made: Iterable["pd.DataFrame"]) -> "Iterator[pd.DataFrame]":
    """The same rows, in fewer parts."""
    import pandas as pd

    parts: list[pd.DataFrame] = []
    for part in made:
        parts.append(part)
        if sum(map(len, parts)) >= _ROWS_A_MERGE:
            yield pd.concat(parts, ignore_index=True)
            parts = []
    if parts:
        yield pd.concat(parts, ignore_index=True)


def _merge(store: ObjectStore, wanted: WantedRows, made: "pd.DataFrame") -> MergedTable:
    added = made.astype(dict(COLUMNS))
    count = 0

    def update(found: ObjectBody | None) -> bytes | None:
        nonlocal count
        try:
            data, count = _add(_usable(found), wanted, added)
        except NO_TABLE as error:
            _warn(f"it is damaged ({error})")
            data, count = _add(None, wanted, added)
        return data

    written = change_object(store, RENDITIONS_KEY, update, content_type=PARQUET)
    return MergedTable(count, hashlib.sha256(written.data).hexdigest())


def _add(
    last: StoredTable | None, wanted: WantedRows, added: "pd.DataFrame"
) -> tuple[bytes | None, int]:
    """The table of both that is wanted, None for the last one as it is; and its number of rows."""
    import numpy as np
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

    places, known = wanted.match(last)
    if len(added):
        rows = pa.Table.from_pandas(added[list(IDENTITY)], preserve_index=False)
        new = wanted.find_places(rows)
        is_wanted = new != NOT_WANTED
        places[new[is_wanted]] = known + np.flatnonzero(is_wanted)
    kept = places[places != NOT_WANTED]
    if last and not len(added) and len(kept) == known and (kept[:-1] < kept[1:]).all():
        return None, known
    if not len(kept):
        return _empty().data, 0
    return merge_rows(last or _empty(), added, kept).data, len(kept)


def _empty() -> StoredTable:
    return StoredTable(write_parquet(build_frame([])))


def _usable(found: ObjectBody | None) -> StoredTable | None:
    if found is None:
        return None
    table = StoredTable(found.data)
    try:
        problem = compare_columns(table)
    except NO_TABLE as error:
        problem = f"it is damaged ({error})"
    if problem:
        _warn(problem)
    return None if problem else table


def compare_columns(table: StoredTable) -> str:
    """Why a table's columns are not ours; empty if they are.

    Raises:
        OSError, ValueError, KeyError, NotImplementedError: as NO_TABLE says of the table.
    """
    import pyarrow as pa

    are = {
        "str": (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view),
        "int64": (pa.types.is_int64,),
        "float64": (pa.types.is_float64,),
        "bool": (pa.types.is_boolean,),
    }
    types = table.column_types()
    if tuple(types) == tuple(COLUMNS) and all(
        any(is_one(types[name]) for is_one in are[kind]) for name, kind in COLUMNS.items()
    ):
        return ""
    return "another release wrote it, or another program"


def _warn(problem: str) -> None:
    _log.warning(
        "%s: %s; every picture is looked at anew, and nothing is stored twice",
        RENDITIONS_KEY,
        problem,
    )
