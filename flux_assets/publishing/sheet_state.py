"""What changes while people decide: each row's decision, and whether a channel shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from flux_assets.publishing.channels import Channel
from flux_assets.publishing.decisions import Decisions, read_decisions
from flux_assets.publishing.editions import list_editions, open_edition
from flux_assets.publishing.picture_index import PictureIndex, pack_digests
from flux_assets.publishing.sheet import Column, Sheet
from flux_assets.publishing.sheet_verdicts import BLOCKED, VERDICTS
from flux_assets.storage.object_store import ObjectStore

if TYPE_CHECKING:  # it is loaded only where a table is really read
    import numpy as np

DECISIONS = ("undecided", "approved", "rejected")
SHOWN = ("nothing", "shown", "waiting")
_REJECTED = DECISIONS.index("rejected")
_APPROVED = DECISIONS.index("approved")
_MOST_EDITIONS = 30


@dataclass(frozen=True, slots=True)
class ShownPictures:
    """What a channel's newest edition shows; an edition never changes.

    `editions` are the newest ones by their numbers, and when each was put there.
    """

    editions: tuple[tuple[int, datetime], ...]
    pictures: PictureIndex

    @property
    def number(self) -> int:
        """Of the newest edition; 0 where there is none."""
        return self.editions[0][0] if self.editions else 0


@dataclass(frozen=True, slots=True)
class SheetState:
    """A sheet with what people decided of it and channels show of it, at one time."""

    sheet: Sheet
    decisions: Decisions
    shown: Mapping[str, ShownPictures]
    columns: Mapping[str, Column] = field(default_factory=dict)


def read_state(store: ObjectStore, sheet: Sheet, last: SheetState | None = None) -> SheetState:
    """The state of now; of what was read before, only what changed is read again.

    Raises:
        StoreError: decisions or editions cannot be read, or are damaged.
    """
    decisions = read_decisions(store, last.decisions if last else None)
    channels = sheet.channels.enabled if sheet.channels else ()
    known = last.shown if last else {}
    shown = {it.name: _read_shown(store, it.name, known.get(it.name)) for it in channels}
    decided = _find_decided(sheet, decisions)
    columns = {
        **sheet.columns,
        "decision": Column(DECISIONS, decided),
        "shown": Column(SHOWN, _find_shown(sheet, shown, decided)),
    }
    return SheetState(sheet, decisions, shown, columns)


def _read_shown(store: ObjectStore, channel: str, known: ShownPictures | None) -> ShownPictures:
    editions = tuple(list_editions(store, channel)[:_MOST_EDITIONS])
    if known and known.editions == editions:
        return known
    if not editions:
        return ShownPictures((), PictureIndex.of(pack_digests(()), pack_digests(())))
    if known and known.editions[:1] == editions[:1]:
        return ShownPictures(editions, known.pictures)
    newest = open_edition(store, channel, editions[0][0])
    table = newest.read_columns(("fingerprint", "master_sha256"))
    return ShownPictures(
        editions,
        PictureIndex.of(
            pack_digests(table["fingerprint"].to_pylist()),
            pack_digests(table["master_sha256"].to_pylist()),
        ),
    )


def _find_decided(sheet: Sheet, decisions: Decisions) -> "np.ndarray":
    """The code of each row's decision: of these very bytes."""
    import numpy as np

    codes = np.zeros(len(sheet), np.uint8)
    made = [*decisions]
    rows = sheet.pictures.find_all([it.fingerprint for it in made])
    for decision, row in zip(made, rows.tolist(), strict=True):
        if row >= 0:
            of_bytes = decision.of_bytes(sheet.pictures.sha256_of(row))
            codes[row] = DECISIONS.index(of_bytes.verdict) if of_bytes else 0
    return codes


def _find_shown(
    sheet: Sheet, shown: Mapping[str, ShownPictures], decided: "np.ndarray"
) -> "np.ndarray":
    import numpy as np

    codes = np.zeros(len(sheet), np.uint8)
    for channel in sheet.channels.enabled if sheet.channels else ():
        of_edition = shown[channel.name].pictures
        rows = sheet.pictures.find_packed(of_edition.fingerprints, of_edition.digests)
        rows = rows[rows >= 0]
        may_come = decided != _REJECTED
        if channel.publish == "approved_only":
            may_come = decided == _APPROVED
            may_come[rows] = decided[rows] != _REJECTED
        wanted = _find_wanted(sheet, channel, may_come)
        codes[wanted & (codes == 0)] = SHOWN.index("waiting")
        codes[rows] = SHOWN.index("shown")
    return codes


def _find_wanted(sheet: Sheet, channel: Channel, may_come: "np.ndarray") -> "np.ndarray":
    """The rows that a channel's slots would take: the first shots of each that may be shown."""
    import numpy as np

    shots = sheet.columns["shot"]
    wanted = np.zeros(len(sheet), bool)
    products = sheet.product_codes
    for slot in channel.slots.values():
        codes = sheet.codes_of_slot[channel.name, slot.name]
        is_fit = may_come & (codes != VERDICTS.index("none")) & (codes != BLOCKED)
        taken = np.zeros(len(sheet), np.int32)
        for shot in slot.shots:
            if shot not in shots.names:
                continue
            rows = np.nonzero(is_fit & (shots.codes == shots.names.index(shot)))[0]
            rows = rows[taken[products[rows]] < slot.most]
            taken[products[rows]] += 1
            wanted[rows] = True
    return wanted
