"""All current pictures as columns: what the review page and the gallery filter and sort by.

A row is a row of the manifest, in its order. Nothing here is an object a row: of 300,000 pictures
the columns take some tens of megabytes, and the texts stay packed in the manifest's own bytes.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from flux_assets.manifest.stored import StoredManifest
from flux_assets.publishing.channels import THUMBNAIL, ChannelsFile
from flux_assets.publishing.picture_index import PictureIndex, pack_digests
from flux_assets.publishing.sheet_verdicts import (
    VERDICTS,
    MadeOfProfile,
    PictureFacts,
    judge_slots,
    read_made,
)
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import numpy as np
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types

OUTCOMES = ("fine", "differs", "doubtful", "stale")
_READ = (
    *("product_id", "shot", "category", "request_fingerprint", "sha256", "stale"),
    *("generated_at", "recognition", "warnings", "appearance", "pixels_digest"),
    *("shot_mode", "source_sha256"),
)
_TEXTS = (
    *("product_id", "shot", "title", "request_fingerprint", "sha256", "prompt", "stale"),
    *("object_key", "source_sha256"),
)
_HELD_GROUPS = 2
_EPOCH = date(1970, 1, 1)
_MOST_NAMES = 65_535
UNKNOWN_SCORE = 255


@dataclass(frozen=True, slots=True)
class Column:
    """A filter's column: the code of each row, and the names that the codes stand for."""

    names: tuple[str, ...]
    codes: "np.ndarray"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is the same whoever decides: the manifest's rows, and the rules' verdicts of them.

    `blocked_of` are the verdicts' codes by channel and slot. `thumbs` are the keys of the small
    renditions, empty where there is none. `changed` are days since `epoch`, `score` is in percent,
    None where no picture was held against a photo. `parts` are the buckets with the first row of
    each, and none of a shop without them: the rows of each are in the order of their products.
    """

    manifest: StoredManifest
    renditions: StoredTable | None
    channels: ChannelsFile | None
    pictures: PictureIndex
    product_codes: "np.ndarray"
    columns: Mapping[str, Column]
    codes_of_slot: Mapping[tuple[str, str], "np.ndarray"]
    epoch: date
    changed: "np.ndarray"
    score: "np.ndarray | None"
    photos: PictureIndex
    facts: PictureFacts
    thumbs: "pa.Array"
    parts: Sequence[tuple[str, int]]
    _groups: "_Groups" = field(repr=False)

    def __len__(self) -> int:
        """How many pictures there are."""
        return len(self.pictures)

    def read_texts(self, start: int, stop: int) -> list[dict[str, Any]]:
        """The rows from one to another, with ids, titles, prompts and keys."""
        return [row for part in self._groups.read(start, stop) for row in part.to_pylist()]

    def read_row(self, row: int) -> dict[str, Any]:
        """All that the manifest says of one row."""
        group, start = self._groups.find(row)
        table = self.manifest.read_group(group, self.manifest.column_names)
        [found] = table.slice(row - start, 1).to_pylist()
        return dict(found)

    def search(self, words: Sequence[str]) -> "np.ndarray":
        """The rows in whose title, id or prompt all words stand, in whatever case."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

        found = []
        start = 0
        names = ("product_id", "title", "prompt")
        for group in self.manifest.read_groups(names):
            texts = (group[name].cast(pa.large_string()) for name in names)
            separator = pa.scalar("\n", pa.large_string())
            whole = pc.binary_join_element_wise(*texts, separator)
            fits = np.ones(len(group), bool)
            for word in words:
                hits = pc.match_substring(whole, word, ignore_case=True)
                fits &= np.asarray(hits.combine_chunks().to_numpy(zero_copy_only=False), bool)
            found.append(fits.nonzero()[0] + start)
            start += len(group)
        return np.concatenate([*found, np.empty(0, int)]).astype("<u4")


def build_sheet(
    manifest: StoredManifest, renditions: StoredTable | None, channels: ChannelsFile | None
) -> Sheet:
    """Read the manifest and judge its pictures.

    Raises:
        StoreError: the manifest is damaged.
    """
    import numpy as np
    import pyarrow as pa

    parts = [*manifest.read_groups(_READ)]
    table = pa.concat_tables(parts)
    pictures = PictureIndex.of(_pack(parts, "request_fingerprint"), _pack(parts, "sha256"))
    shot, product = _encode(table["shot"]), _encode(table["product_id"])
    facts = PictureFacts(
        is_of_photo=_equals(table["shot_mode"], "edit"),
        is_repeated=_find_repeated(_encode(table["pixels_digest"]), product.codes),
    )
    enabled = channels.enabled if channels else ()
    profiles = {slot.profile for channel in enabled for slot in channel.slots.values()}
    made = read_made(renditions, pictures, [*profiles, THUMBNAIL.name])
    codes_of_slot = {}
    columns = {
        "category": _limit(_encode(table["category"])),
        "shot": shot,
        "outcome": Column(OUTCOMES, _judge_outcomes(table)),
    }
    for channel in enabled:
        worst = np.zeros(len(table), np.uint8)
        for slot, codes in judge_slots(channel, made, shot.names, shot.codes, facts):
            codes_of_slot[channel.name, slot] = codes
            worst = np.maximum(worst, codes)
        columns[f"verdict:{channel.name}"] = Column(VERDICTS, worst)
    epoch, changed = _count_days(table["generated_at"])
    photos = pack_digests(_encode(table["source_sha256"]).names)
    return Sheet(
        manifest=manifest,
        renditions=renditions,
        channels=channels,
        pictures=pictures,
        product_codes=product.codes,
        columns=columns,
        codes_of_slot=codes_of_slot,
        epoch=epoch,
        changed=changed,
        score=_build_score(table["recognition"]),
        photos=PictureIndex.of(photos, photos),
        facts=facts,
        thumbs=_place_keys(made[THUMBNAIL.name], len(table)),
        parts=_place_parts(manifest),
        _groups=_Groups(manifest),
    )


def _place_parts(manifest: StoredManifest) -> list[tuple[str, int]]:
    parts = manifest.read_parts()
    starts = accumulate((part.rows for part in parts), initial=0)
    return [(part.bucket, start) for part, start in zip(parts, starts, strict=False)]


class _Groups:
    """The texts of the groups of rows that were looked at last."""

    def __init__(self, manifest: StoredManifest) -> None:
        self._manifest = manifest
        self._starts = [0]
        for count in manifest.count_groups():
            self._starts.append(self._starts[-1] + count)
        self._held: OrderedDict[int, pa.Table] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, row: int) -> tuple[int, int]:
        """The group of a row, and the row that the group begins with."""
        group = next(it for it, end in enumerate(self._starts[1:]) if row < end)
        return group, self._starts[group]

    def read(self, start: int, stop: int) -> "Iterator[pa.Table]":
        for group, begin in enumerate(self._starts[:-1]):
            end = self._starts[group + 1]
            if start < end and begin < stop:
                first = max(start, begin)
                yield self._open(group).slice(first - begin, min(stop, end) - first)

    def _open(self, group: int) -> "pa.Table":
        with self._lock:
            if group not in self._held:
                self._held[group] = self._manifest.read_group(group, _TEXTS)
            self._held.move_to_end(group)
            while len(self._held) > _HELD_GROUPS:
                self._held.popitem(last=False)
            return self._held[group]


def _pack(parts: "Sequence[pa.Table]", name: str) -> "np.ndarray":
    import numpy as np

    return np.concatenate([pack_digests(part[name].to_pylist()) for part in parts])


def _encode(column: "pa.ChunkedArray") -> Column:
    """The column's texts by numbers, in the order in which they come."""
    import numpy as np

    encoded = column.combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int32)
    return Column(tuple(encoded.dictionary.to_pylist()), codes)


def _limit(column: Column) -> Column:
    """A column of few enough names for two bytes a row; those past them are one, and nameless."""
    import numpy as np

    if len(column.names) <= _MOST_NAMES:
        return column
    return Column((*column.names[:_MOST_NAMES], ""), np.minimum(column.codes, _MOST_NAMES))


def _equals(column: "pa.ChunkedArray", text: str) -> "np.ndarray":
    import numpy as np
    import pyarrow.compute as pc

    return np.asarray(pc.equal(column, text).to_numpy(), bool)


def _find_repeated(digests: Column, products: "np.ndarray") -> "np.ndarray":
    """The rows whose pixels another product's picture has, too."""
    import numpy as np

    least = np.full(len(digests.names), len(products) + 1)
    most = np.full(len(digests.names), -1)
    np.minimum.at(least, digests.codes, products)
    np.maximum.at(most, digests.codes, products)
    is_known = np.array([bool(name) for name in digests.names], bool)
    found: np.ndarray = ((least != most) & is_known)[digests.codes]
    return found


def _judge_outcomes(table: "pa.Table") -> "np.ndarray":
    import numpy as np

    differs = ~_equals(table["warnings"], "")
    codes = np.where(differs, OUTCOMES.index("differs"), OUTCOMES.index("fine"))
    codes[~_equals(table["appearance"], "")] = OUTCOMES.index("doubtful")
    codes[np.asarray(table["stale"].to_numpy(), bool)] = OUTCOMES.index("stale")
    return codes.astype(np.uint8)


def _count_days(column: "pa.ChunkedArray") -> "tuple[date, np.ndarray]":
    """The first day, and how many days after it each picture was made."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_slice_codeunits(column, 0, 10)
    times = pc.strptime(texts, format="%Y-%m-%d", unit="s", error_is_null=True)
    days = times.cast(pa.date32()).cast(pa.int32()).fill_null(0).to_numpy()
    first = int(days.min()) if len(days) else 0
    return _EPOCH + timedelta(days=first), np.minimum(days - first, _MOST_NAMES).astype(np.uint16)


def _build_score(column: "pa.ChunkedArray") -> "np.ndarray | None":
    import numpy as np

    score = column.to_numpy().astype(float)
    if np.isnan(score).all():
        return None
    percent = np.clip(np.round(score * 100), 0, 100)
    return np.where(np.isnan(score), UNKNOWN_SCORE, percent).astype(np.uint8)


def _place_keys(made: MadeOfProfile, count: int) -> "pa.Array":
    import numpy as np
    import pyarrow as pa

    places = np.full(count, len(made.rows))
    places[made.rows] = np.arange(len(made.rows))
    keys = pa.array([*made.frame["object_key"].tolist(), ""], pa.string())
    return keys.take(pa.array(places))
