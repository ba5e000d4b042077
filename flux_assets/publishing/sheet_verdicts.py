"""What the channels' rules say of all pictures at once, each rule asked once of all that are alike.

Of 300,000 pictures most differ in some measure, but hardly in how it compares with a rule's bounds.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flux_assets.publishing.channels import Channel, Rule
from flux_assets.publishing.expressions import list_bounds, list_names
from flux_assets.publishing.measures import MEANINGS, OF_MANIFEST
from flux_assets.publishing.picture_index import PictureIndex, pack_digests
from flux_assets.publishing.rendition_table import COLUMNS
from flux_assets.publishing.rules import judge, worst_of
from flux_assets.storage.parquet import StoredTable

if TYPE_CHECKING:  # they are loaded only where a table is really read
    import numpy as np
    import pandas as pd

VERDICTS = ("none", "pass", "warn", "block")
"""By their codes; `none` where no rendition was made, or no slot takes the shot."""
_CODES = {name: code for code, name in enumerate(VERDICTS)}
BLOCKED = _CODES["block"]
_OF_FILE = tuple(name for name in MEANINGS if name in COLUMNS)
_READ = ("profile", "request_fingerprint", "master_sha256", "object_key", *_OF_FILE)


@dataclass(frozen=True, slots=True)
class MadeOfProfile:
    """The renditions of one profile: the manifest's row of each, and its columns."""

    rows: "np.ndarray"
    frame: "pd.DataFrame"


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What rules ask of a picture's record: whether it was made of a photo, or is repeated."""

    is_of_photo: "np.ndarray"
    is_repeated: "np.ndarray"


def read_made(
    renditions: StoredTable | None, pictures: PictureIndex, profiles: Iterable[str]
) -> dict[str, MadeOfProfile]:
    """The renditions of some profiles that are made of the very pictures of now."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
    import pyarrow.compute as pc  # type: ignore[import-untyped]  # ships no types

    found: dict[str, list[tuple[np.ndarray, pd.DataFrame]]] = {name: [] for name in profiles}
    wanted = pa.array([*found], pa.string())
    for group in range(len(renditions.count_groups()) if renditions else 0):
        table = renditions.read_group(group, _READ)  # type: ignore[union-attr]  # it has groups
        names = table["profile"].cast(pa.string())
        table = table.filter(pc.is_in(names, value_set=wanted))
        fingerprints = pack_digests(table["request_fingerprint"].to_pylist())
        digests = pack_digests(table["master_sha256"].to_pylist())
        rows = pictures.find_packed(fingerprints, digests)
        parts = pc.split_pattern(table["object_key"], ".", max_splits=1, reverse=True)
        table = table.append_column("extension", pc.list_element(parts, 1))
        frame = table.drop_columns(["request_fingerprint", "master_sha256"]).to_pandas()
        for name, of_profile in frame.groupby("profile", sort=False):
            places = rows[of_profile.index]
            found[str(name)].append((places[places >= 0], of_profile[places >= 0]))
    empty = (np.empty(0, np.int32), pd.DataFrame(columns=["object_key", "extension", *_OF_FILE]))
    return {
        name: MadeOfProfile(
            np.concatenate([rows for rows, _ in parts or [empty]]),
            pd.concat([frame for _, frame in parts or [empty]], ignore_index=True),
        )
        for name, parts in found.items()
    }


def judge_slots(
    channel: Channel,
    made: Mapping[str, MadeOfProfile],
    shots: Sequence[str],
    shot_codes: "np.ndarray",
    facts: PictureFacts,
) -> Iterator[tuple[str, "np.ndarray"]]:
    """For each slot of a channel, the code in VERDICTS of every row of the manifest.

    Args:
        channel: whose rules are asked.
        made: its profiles' renditions.
        shots: the names that the codes stand for.
        shot_codes: of each row.
        facts: of each row.
    """
    import numpy as np

    for slot in channel.slots.values():
        codes = np.zeros(len(shot_codes), np.uint8)
        of_profile = made[slot.profile]
        in_slot = np.isin(
            shot_codes[of_profile.rows], [shots.index(it) for it in slot.shots if it in shots]
        )
        rows = of_profile.rows[in_slot]
        measures = _Measures(of_profile.frame[in_slot], rows, facts)
        worst = np.full(len(rows), _CODES["pass"], np.uint8)
        for rule in channel.rules_of(slot.name):
            worst = np.maximum(worst, measures.ask(rule))
        codes[rows] = worst
        yield slot.name, codes


class _Measures:
    """The measures of some renditions, each column worked out where a rule names it."""

    def __init__(self, frame: "pd.DataFrame", rows: "np.ndarray", facts: PictureFacts) -> None:
        self._frame = frame
        self._rows = rows
        self._facts = facts

    def ask(self, rule: Rule) -> "np.ndarray":
        """What a rule says of each, asked once of all that it must answer alike."""
        import numpy as np

        columns = {name: self._column(name) for name in list_names(rule.require)}
        bounds = list_bounds(rule.require)
        kinds = np.zeros(len(self._rows), np.int64)
        for column in columns.values():
            kinds = kinds * 2**31 + _group(column, bounds)
            kinds = np.unique(kinds, return_inverse=True)[1]
        _, first, of_kind = np.unique(kinds, return_index=True, return_inverse=True)
        answers = np.zeros(len(first), np.uint8)
        for kind, row in enumerate(first.tolist()):
            named = {name: _plain(column[row]) for name, column in columns.items()}
            found = judge({**dict.fromkeys(MEANINGS), **named}, [rule])
            answers[kind] = _CODES[worst_of(found)]
        answered: np.ndarray = answers[of_kind]
        return answered

    def _column(self, name: str) -> "np.ndarray":
        import numpy as np

        frame, rows = self._frame, self._rows
        match name:
            case "megapixels":
                found = frame["width_px"] * frame["height_px"] / 1_000_000
            case "ratio":
                found = frame["width_px"] / frame["height_px"]
            case "made_from":
                return np.where(self._facts.is_of_photo[rows], "photo", "words").astype(object)
            case "repeated":
                found = self._facts.is_repeated[rows]
            case _ if name in OF_MANIFEST:
                is_unread = frame["c2pa"].astype(bool) & (frame["c2pa_state"] == "")
                found = frame[name].astype(object).mask(is_unread, None)
            case _:
                found = frame[name]
        return np.asarray(found)


def _group(column: "np.ndarray", bounds: Sequence[float] | None) -> "np.ndarray":
    """The same number for values that no comparison with these bounds tells apart."""
    import numpy as np
    import pandas as pd

    if bounds is None or column.dtype.kind not in "if":
        return np.asarray(pd.factorize(column, use_na_sentinel=False)[0])
    unknown = np.isnan(column)
    place = np.searchsorted(bounds, column, "left") + np.searchsorted(bounds, column, "right")
    return np.where(unknown, -1, place) + 1


def _plain(value: object) -> object:
    """A value of Python's own; None for what is unknown."""
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain  # noqa: PLR0124 - NaN
