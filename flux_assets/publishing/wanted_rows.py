"""The rows that the table of renditions should have, and where each of a table's rows belongs.

It is told exactly, by whole texts, and takes the room of the manifest and of some of the rows.
"""

from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING

from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.profile import digest_profile, mark_of
from flux_assets.storage.frames import read_rows
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

IDENTITY = ("product_id", "shot", "profile", "profile_digest", "master_sha256")
"""What a row is of; one that is equal in all of it need not be made again."""
NOT_WANTED = -1
OF_MANIFEST = (
    *("product_id", "shot", "request_fingerprint", "sha256", "object_key"),
    "digital_source_type",
)
_ROWS_A_TIME = 200_000


class WantedRows:
    """Every row that the table should have: in the manifest's order, by the profiles' names.

    Raises:
        StoreError: the manifest is damaged.
    """

    def __init__(self, manifest: StoredManifest, channels: ChannelsFile) -> None:
        import numpy as np

        self._pictures = pictures = manifest.read(OF_MANIFEST)
        shot_codes, shots = pictures["shot"].factorize()
        type_codes, types = pictures["digital_source_type"].factorize()
        self._kinds = shot_codes * len(types) + type_codes
        profiles = [
            [
                (it.name, digest_profile(it, mark_of(it, of_type)))
                for it in channels.profiles_of(shot)
            ]
            for shot, of_type in product(shots, types)
        ]
        self._profiles = [[name for name, _ in of_kind] for of_kind in profiles]
        lengths = np.array([len(of_kind) for of_kind in profiles], np.int64)
        self._starts = np.cumsum([0, *lengths[self._kinds]])
        self._pairs = list(dict.fromkeys(pair for of_kind in profiles for pair in of_kind))
        self._within = np.full((len(profiles), len(self._pairs) + 1), NOT_WANTED, np.int64)
        for kind, of_kind in enumerate(profiles):
            for place, pair in enumerate(of_kind):
                self._within[kind, self._pairs.index(pair)] = place
        self._owners = _join(_texts(pictures["shot"]), _texts(pictures["product_id"]))
        self._sha256 = _texts(pictures["sha256"])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def find_places(self, rows: "pa.Table") -> "np.ndarray":
        """Which wanted row each of some rows is, of which the columns IDENTITY are enough.

        It is NOT_WANTED where it is none of them.
        """
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # no types

        columns = {name: _texts(rows[name]) for name in IDENTITY}
        owners = _join(columns["shot"], columns["product_id"])
        found = pc.index_in(owners, value_set=self._owners)
        is_same = pc.equal(columns["master_sha256"], self._sha256.take(found))
        pairs = pa.array([f"{name}\0{digest}" for name, digest in self._pairs], pa.large_string())
        made_by = _join(columns["profile"], columns["profile_digest"])
        pair = pc.index_in(made_by, value_set=pairs).fill_null(len(self._pairs)).to_numpy()
        is_known = is_same.fill_null(False).to_numpy(zero_copy_only=False)  # noqa: FBT003 - Arrow's
        picture = found.fill_null(0).to_numpy()
        if not len(self._kinds):
            return np.full(len(rows), NOT_WANTED)
        within = self._within[self._kinds[picture], pair]
        return np.where(is_known & (within >= 0), self._starts[picture] + within, NOT_WANTED)

    def match(self, table: StoredTable | None) -> "tuple[np.ndarray, int]":
        """The number of the table's row for each wanted one, NOT_WANTED for none; and how many.

        Raises:
            OSError, ValueError, KeyError, NotImplementedError: as NO_TABLE says of the table.
        """
        import numpy as np

        matched = np.full(len(self), NOT_WANTED)
        count = 0
        for rows in table.read_some(IDENTITY, _ROWS_A_TIME) if table else ():
            places = self.find_places(rows)
            numbers = np.arange(count, count + len(rows))
            is_first = places != NOT_WANTED
            is_first[is_first] = matched[places[is_first]] == NOT_WANTED
            matched[places[is_first][::-1]] = numbers[is_first][::-1]  # the first of equal ones
            count += len(rows)
        return matched, count

    def list_lacking(self, matched: "np.ndarray") -> Iterator[tuple[tuple[str, ...], list[str]]]:
        """The pictures that lack a row, by what `match` gave, and the profiles that each lacks.

        Of a picture these are its OF_MANIFEST.
        """
        import numpy as np

        lacking = np.flatnonzero(matched == NOT_WANTED)
        of = np.searchsorted(self._starts, lacking, side="right") - 1
        names: dict[int, list[str]] = {}
        for place, picture in zip(lacking.tolist(), of.tolist(), strict=True):
            profile = self._profiles[self._kinds[picture]][place - self._starts[picture]]
            names.setdefault(picture, []).append(profile)
        rows = self._pictures.iloc[list(names)]
        yield from zip(read_rows(rows, OF_MANIFEST), names.values(), strict=True)


def _texts(column: "pd.Series[str] | pa.ChunkedArray") -> "pa.Array":
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return pa.array(column, pa.large_string())
    return column.combine_chunks().cast(pa.large_string())


def _join(first: "pa.Array", second: "pa.Array") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(first, second, pa.scalar("\0", pa.large_string()))
