"""`tables/renditions.parquet`: one row for each current picture and profile, and its measures.

It is a cache of what lies in the store: without it, everything is looked at anew, and nothing is
stored twice.
"""

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from flux_assets.errors import ObjectNotFoundError
from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import ChannelsFile
from flux_assets.publishing.measures import FileMeasures, Measures
from flux_assets.publishing.profile import digest_profile, mark_of
from flux_assets.storage.change_object import change_object
from flux_assets.storage.frames import read_rows
from flux_assets.storage.object_store import ObjectBody, ObjectStore, table_key
from flux_assets.storage.parquet import NO_TABLE, StoredTable, merge_rows, write_parquet

if TYPE_CHECKING:  # they are loaded only where a table is really built
    import numpy as np
    import pandas as pd

RENDITIONS_KEY = table_key("renditions.parquet")
_CONTENT_TYPE = "application/vnd.apache.parquet"

_log = logging.getLogger(__name__)


class RenditionRow(NamedTuple):
    """One file for the public, as the table has it.

    Attributes:
        product_id, shot, profile: what it is of, and for which profile it was made.
        profile_digest: of what the profile said.
        request_fingerprint, master_sha256: the picture that it was made of.
        object_key, sha256: where it is, and its bytes.
        width_px, ...: as `FileMeasures` and `Measures` have them.
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

    @property
    def rendition_id(self) -> str:
        """What names the file, by what it is made of."""
        return self.object_key.rpartition("/")[2].partition(".")[0]

    def measures(self, *, made_from: str, repeated: bool) -> Measures:
        """What rules judge, with what the manifest knows of the picture.

        Args:
            made_from: `photo` where its shot was an edit of one, else `words`.
            repeated: whether another product has the same picture.
        """
        own = {item.name: getattr(self, item.name) for item in fields(FileMeasures)}
        share = self.frame_share
        own["frame_share"] = None if share is None or share != share else share  # noqa: PLR0124 - NaN
        return Measures(
            **own,
            megapixels=self.width_px * self.height_px / 1_000_000,
            ratio=self.width_px / self.height_px,
            extension=self.object_key.rpartition(".")[2],
            upscaled=self.upscaled,
            appearance=self.appearance,
            c2pa=self.c2pa,
            made_from=made_from,
            repeated=repeated,
        )


_TYPES: Mapping[type, str] = {str: "str", int: "int64", float: "float64", bool: "bool"}
COLUMNS: Mapping[str, str] = {
    name: _TYPES.get(kind, "float64") for name, kind in RenditionRow.__annotations__.items()
}
_IDENTITY = ("product_id", "shot", "profile", "profile_digest", "master_sha256")
"""What a row is of; one that is equal in all of it need not be made again."""
_OF_MANIFEST = (
    *("product_id", "shot", "request_fingerprint", "sha256", "object_key"),
    "digital_source_type",
)


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


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Every row that the table should have: whose it is, and which row of the manifest's."""

    manifest: "pd.DataFrame"
    rows: "pd.DataFrame"
    of_manifest: "np.ndarray"


def find_missing(
    manifest: StoredManifest, table: StoredTable | None, channels: ChannelsFile
) -> list[Master]:
    """The pictures of the manifest that lack a rendition, each with what it lacks.

    Raises:
        StoreError: the manifest is damaged.
    """
    wanted = _build_wanted(manifest, channels)
    places = _find_places(wanted.rows, _read_identity(table))
    lacking = (places < 0).nonzero()[0]
    profiles: dict[int, list[str]] = {}
    names = wanted.rows["profile"].to_numpy(object)
    for place in lacking.tolist():
        profiles.setdefault(int(wanted.of_manifest[place]), []).append(names[place])
    rows = wanted.manifest.iloc[list(profiles)]
    return [
        Master._make((*row, tuple(lacked)))
        for row, lacked in zip(read_rows(rows, _OF_MANIFEST), profiles.values(), strict=True)
    ]


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
    import numpy as np
    import pandas as pd

    wanted = _build_wanted(manifest, channels)
    added = pd.concat([build_frame([]), *made], ignore_index=True).astype(dict(COLUMNS))
    count = 0

    def update(found: ObjectBody | None) -> bytes | None:
        nonlocal count
        usable = _usable(found)
        last = usable or StoredTable(write_parquet(build_frame([])))
        before = _read_identity(last)
        places = _find_places(wanted.rows, before)
        new = _find_places(wanted.rows, added[list(_IDENTITY)])
        places = np.where(new >= 0, len(before) + new, places)
        kept = places[places >= 0]
        count = len(kept)
        if usable and not len(added) and count == len(before) and (kept[:-1] < kept[1:]).all():
            return None
        return merge_rows(last, added, kept).data if count else write_parquet(build_frame([]))

    written = change_object(store, RENDITIONS_KEY, update, content_type=_CONTENT_TYPE)
    return MergedTable(count, hashlib.sha256(written.data).hexdigest())


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


def _usable(found: ObjectBody | None) -> StoredTable | None:
    if found is None:
        return None
    table = StoredTable(found.data)
    try:
        if table.column_names() == tuple(COLUMNS):
            return table
        problem = "another release wrote it"
    except NO_TABLE as error:
        problem = f"it is damaged ({error})"
    _log.warning("%s: %s; it is made anew, and nothing is stored twice", RENDITIONS_KEY, problem)
    return None


def _read_identity(table: StoredTable | None) -> "pd.DataFrame":
    return (table or StoredTable(write_parquet(build_frame([])))).read(_IDENTITY)


def _build_wanted(manifest: StoredManifest, channels: ChannelsFile) -> _Wanted:
    """In the manifest's order, each picture's by the names of their profiles."""
    import numpy as np
    import pandas as pd

    pictures = manifest.read(_OF_MANIFEST)
    shot_codes, shots = pictures["shot"].factorize()
    type_codes, source_types = pictures["digital_source_type"].factorize()
    codes = shot_codes * len(source_types) + type_codes
    known = list(product(shots, source_types))
    profiles = [channels.profiles_of(shot) for shot, _ in known]
    names = [profile.name for of_kind in profiles for profile in of_kind]
    digests = [
        digest_profile(profile, mark_of(profile, source_type))
        for of_kind, (_, source_type) in zip(profiles, known, strict=True)
        for profile in of_kind
    ]
    lengths = np.array([len(of_kind) for of_kind in profiles], int)
    counts = lengths[codes]
    of_manifest = np.repeat(np.arange(len(pictures)), counts)
    within = np.arange(len(of_manifest)) - np.repeat(np.cumsum(counts) - counts, counts)
    flat = (np.cumsum(lengths) - lengths)[codes][of_manifest] + within
    rows = pictures[["product_id", "shot", "sha256"]].iloc[of_manifest].reset_index(drop=True)
    rows = rows.rename(columns={"sha256": "master_sha256"})
    rows["profile"] = pd.Series(names, dtype="str").take(flat).array
    rows["profile_digest"] = pd.Series(digests, dtype="str").take(flat).array
    return _Wanted(pictures, rows[list(_IDENTITY)], of_manifest)


def _find_places(wanted: "pd.DataFrame", known: "pd.DataFrame") -> "np.ndarray":
    """The place of each wanted row among the known ones; -1 where there is none."""
    import numpy as np

    if len(wanted) == len(known) and all(wanted[it].equals(known[it]) for it in _IDENTITY):
        return np.arange(len(wanted))  # as nearly always, and it takes a tenth of the time
    numbered = known.drop_duplicates(list(_IDENTITY)).reset_index(names="place")
    found = wanted.merge(numbered, on=list(_IDENTITY), how="left")["place"]
    return found.fillna(-1).to_numpy(np.int64)
