"""Pictures that were delivered and may be nobody's: they show nothing, or another product's."""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple, Self

from flux_assets.manifest.stored import StoredManifest, open_manifest
from flux_assets.pictures.lineage import LineageRecord
from flux_assets.storage.frames import is_in, read_rows
from flux_assets.storage.object_store import ObjectStore
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # pandas is loaded only where a table is really read
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

_SAME = ("sha256", "pixels_digest")


class LookedAt(NamedTuple):
    """What of a picture's row tells whether it is doubtful."""

    product_id: str
    shot: str
    request_fingerprint: str
    object_key: str
    appearance: str
    pixels_digest: str
    sha256: str
    generated_at: str


class DoubtfulPicture(NamedTuple):
    """A picture to look at: `problem` goes on from "it is"."""

    product_id: str
    shot: str
    fingerprint: str
    object_key: str
    problem: str


def find_doubtful(rows: Iterable[LookedAt]) -> Iterator[DoubtfulPicture]:
    """Those of the pictures that show nothing, and the later of those that look the same.

    The same picture of one product for two shots is none of them.
    """
    firsts: dict[str, LookedAt] = {}
    for row in sorted(rows, key=lambda row: row.generated_at):
        same = [firsts.setdefault(name, row) for name in (row.sha256, row.pixels_digest) if name]
        twin = next((it for it in same if it.product_id != row.product_id), None)
        problem = row.appearance
        if not problem and twin is not None:
            problem = f"the same as that of product {twin.product_id!r}, shot {twin.shot}"
        if problem:
            yield DoubtfulPicture(*row[:4], problem)


def read_looked_at(manifest: StoredManifest) -> list[LookedAt]:
    """The current rows of a manifest that can be doubtful.

    Raises:
        StoreError: it is damaged.
    """
    import numpy as np

    suspects = _find_suspects(manifest)
    ends = np.cumsum(manifest.count_groups())
    rows: list[LookedAt] = []
    for group in np.unique(np.searchsorted(ends, suspects, side="right")).tolist():
        table = manifest.read_group(group, LookedAt._fields)
        places = suspects - (ends[group] - len(table))
        inside = places[(places >= 0) & (places < len(table))]
        rows += _list_rows(table.take(inside).to_pandas())
    return rows


def _find_suspects(manifest: StoredManifest) -> "np.ndarray":
    """The numbers of the current rows that show nothing, or what another one shows.

    Checksums are compared by eight bytes of each, since all of them as texts take much room.
    """
    import numpy as np
    import pandas as pd
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

    parts = [pd.DataFrame(columns=["stale", "appears", *_SAME])]
    for group in manifest.read_groups(("stale", "appearance", *_SAME)):
        hashes = {name: _pack_starts(group[name]) for name in _SAME}
        lacks = pc.equal(group["pixels_digest"], "").to_numpy()
        hashes["pixels_digest"][lacks] = hashes["sha256"][lacks]
        appears = pc.not_equal(group["appearance"], "").to_numpy()
        parts.append(
            pd.DataFrame({"stale": group["stale"].to_numpy(), "appears": appears, **hashes})
        )
    rows = pd.concat(parts[1:] or parts, ignore_index=True)
    current = rows[~rows["stale"].astype(bool)]
    chosen = current["appears"].astype(bool)
    for name in _SAME:
        chosen |= current[name].duplicated(keep=False)
    return np.asarray(current.index[chosen], int)


def _pack_starts(checksums: "pa.ChunkedArray") -> "np.ndarray":
    """The same eight bytes for the same text, of the sixteen letters that each begins with.

    What has others than ASCII letters is no checksum of ours, and all of it is the same.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    starts = pc.utf8_rpad(pc.utf8_slice_codeunits(checksums, 0, 16), 16)
    starts = pc.if_else(pc.string_is_ascii(starts), starts, " " * 16)
    packed = starts.combine_chunks().cast(pa.binary(16))
    halves = np.frombuffer(packed.buffers()[1], np.uint64).reshape(-1, 2)
    mixed: np.ndarray = halves[:, 0] * np.uint64(0x9E3779B97F4A7C15) ^ halves[:, 1]
    return mixed


class DoubtfulRefusal:
    """Keeps the doubtful pictures of some shots out of the manifest; they stay in the store.

    Args:
        known: the last manifest's rows whose requests are still current, stale ones too: those
            that were refused before are.
        shots: the shots that show no doubtful picture.
    """

    def __init__(self, known: Sequence[LookedAt], shots: AbstractSet[str]) -> None:
        self._known = known
        self._shots = shots
        self.of_last_manifest = {it.fingerprint for it in find_doubtful(known) if it.shot in shots}

    @classmethod
    def of(cls, store: ObjectStore, requests: StoredTable, shots: AbstractSet[str]) -> Self:
        """The refusal for a store's manifest, which is not looked at where no shot refuses any.

        Raises:
            StoreError: it cannot be read.
        """
        manifest = open_manifest(store) if shots else None
        if manifest is None or not set(LookedAt._fields) <= set(manifest.column_names):
            return cls([], shots)
        current = requests.read(("fingerprint",))["fingerprint"]
        rows = manifest.read(LookedAt._fields)
        return cls(_list_rows(rows[is_in(rows["request_fingerprint"], current)]), shots)

    def judge(self, pictures: Iterable[LineageRecord]) -> Iterator[DoubtfulPicture]:
        """Those of new pictures that are refused."""
        if not self._shots:
            return
        new = [LookedAt(*(getattr(it, name) for name in LookedAt._fields)) for it in pictures]
        names = {row.request_fingerprint for row in new}
        others = (row for row in self._known if row.request_fingerprint not in names)
        for picture in find_doubtful([*others, *new]):
            if picture.shot in self._shots and picture.fingerprint in names:
                yield picture


def _list_rows(manifest: "pd.DataFrame") -> list[LookedAt]:
    return list(map(LookedAt._make, read_rows(manifest, LookedAt._fields)))
