"""Deleting old pictures to save room; what anybody still wants stays, and so does the ledger.

Before a picture is deleted, its ledger entry is released: what was paid is kept beside it, and if
ever the same picture is asked for again, it is bought again. Cut off between the two, the picture
is still there: a refresh that wants it takes it without a call, and the next prune deletes it.
"""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, get_args

from flux_assets.bill.ledger import Ledger
from flux_assets.bill.ledger_entry import LedgerEntry, pruned_reason
from flux_assets.errors import FluxAssetsError, StoreError
from flux_assets.manifest.old_files import delete_each
from flux_assets.manifest.wanted import WantedPictures
from flux_assets.storage.object_store import (
    LEDGER_PREFIX,
    PICTURE_KEY,
    ObjectInfo,
    ObjectStore,
    picture_prefix,
)
from flux_assets.storage.parallel import map_in_parallel

PruneReason = Literal["superseded", "orphaned"]
PRUNE_REASONS: tuple[PruneReason, ...] = get_args(PruneReason)
KeptReason = Literal["wanted", "published", "no_successor", "not_asked", "younger", "unsettled"]
KEPT_REASONS: tuple[KeptReason, ...] = get_args(KeptReason)
_Verdict = PruneReason | Literal["wanted", "published", "no_successor"]
_SHOWN = 10
_PROBE_KEY = f"{picture_prefix()}prune/permission/{'f' * 32}.png"
"""Where no picture is: deleting it removes nothing, and is refused where any other is.

A bucket that keeps versions notes the deletion all the same.
"""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class OldPicture:
    """One picture that may be deleted, and why."""

    key: str
    shot: str
    reason: PruneReason
    size_bytes: int
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrunePlan:
    """What may be deleted, in the order of the keys, and how many pictures are kept for what.

    `wanted` ones are in the manifest, asked for or pinned; `published` ones are shown by a sales
    channel, or could be shown again; beside those with `no_successor` no newer
    picture is stored as the catalog asks for it now; orphaned ones were `not_asked` for; an
    `unsettled` one's ledger entry does not say that it is stored.
    """

    pictures: tuple[OldPicture, ...]
    kept: Mapping[KeptReason, int]

    def sums(self) -> Mapping[tuple[PruneReason, str], tuple[int, int]]:
        """How many there are and their size in bytes, by reason and shot."""
        counts = Counter((it.reason, it.shot) for it in self.pictures)
        sizes = Counter[tuple[PruneReason, str]]()
        for picture in self.pictures:
            sizes[picture.reason, picture.shot] += picture.size_bytes
        return {group: (counts[group], sizes[group]) for group in sorted(counts)}

    def to_json(self) -> dict[str, Any]:
        """The plan's part of what `flux-assets prune --json` prints."""
        return {
            "pictures": len(self.pictures),
            "size_bytes": sum(picture.size_bytes for picture in self.pictures),
            **{
                wanted: {
                    shot: {"pictures": count, "size_bytes": size_bytes}
                    for (reason, shot), (count, size_bytes) in self.sums().items()
                    if reason == wanted
                }
                for wanted in PRUNE_REASONS
            },
            "first": [picture.key for picture in self.pictures[:_SHOWN]],
            "kept": {reason: self.kept.get(reason, 0) for reason in KEPT_REASONS},
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """What became of one picture: it is gone, unless there is a `problem`."""

    picture: OldPicture
    problem: str = ""


def find_old_pictures(
    store: ObjectStore,
    ledger: Ledger,
    wanted: WantedPictures,
    *,
    min_age: timedelta,
    orphaned: bool,
) -> PrunePlan:
    """Find the pictures that may be deleted: the superseded ones and, if asked, the orphaned.

    Args:
        store: the shop's.
        ledger: of the same store.
        wanted: what must stay.
        min_age: how long ago they were stored at least, by the store's own clock.
        orphaned: whether those of products and shots that are gone are meant, too.

    Raises:
        StoreError: the store cannot be listed.
    """
    newest = store.now() - min_age
    kept = Counter[KeptReason]()
    old: dict[str, tuple[ObjectInfo, PruneReason]] = {}
    for info, reason in _judge_pictures(store, wanted):
        match reason:
            case "wanted" | "published" | "no_successor":
                kept[reason] += 1
            case "orphaned" if not orphaned:
                kept["not_asked"] += 1
            case _ if info.modified_at > newest:
                kept["younger"] += 1
            case "superseded" | "orphaned":
                old[info.key] = info, reason
    fingerprints = _read_fingerprints(store, {_short(key) for key in old})
    pictures = [
        OldPicture(
            key=key,
            shot=key.split("/")[1],
            reason=reason,
            size_bytes=info.size_bytes,
            fingerprint=fingerprints.get(_short(key), ""),
        )
        for key, (info, reason) in sorted(old.items())
    ]
    settled = map_in_parallel(lambda picture: _is_settled(ledger, picture), pictures)
    chosen = [picture for picture, is_settled in zip(pictures, settled, strict=True) if is_settled]
    kept["unsettled"] = len(pictures) - len(chosen)
    return PrunePlan(pictures=tuple(chosen), kept=kept)


def delete_pictures(
    store: ObjectStore,
    ledger: Ledger,
    pictures: Sequence[OldPicture],
    *,
    find_obstacle: Callable[[], str],
) -> Iterator[Deletion]:
    """Release and delete each picture, several at once; one that fails is told, and holds up none.

    Args:
        store: the shop's.
        ledger: of the same store.
        pictures: as they were found just now.
        find_obstacle: asked again and again; why the next pictures must stay, else empty.

    Raises:
        PruneError: the store lets nothing be deleted.
    """
    delete = partial(_delete, store, ledger)
    for picture, problem in delete_each(
        store, pictures, delete, probe=_PROBE_KEY, find_obstacle=find_obstacle
    ):
        yield Deletion(picture=picture, problem=problem)


def _judge_pictures(
    store: ObjectStore, wanted: WantedPictures
) -> Iterator[tuple[ObjectInfo, _Verdict]]:
    """Every picture there is, with what the others and `wanted` say of it."""
    stored_at: dict[str, datetime] = {}
    others: list[tuple[ObjectInfo, str, str]] = []
    for info in store.list(picture_prefix()):
        match = PICTURE_KEY.fullmatch(info.key)
        if match is None:
            continue
        if wanted.has(info.key, match["short"]):
            stored_at[info.key] = info.modified_at
            yield info, "wanted"
        elif match["short"] in wanted.published:
            yield info, "published"
        else:
            others.append((info, match["shot"], match["product"]))
    for info, shot, product in others:
        successor_at = stored_at.get(wanted.current.get((shot, product), ""))
        if not wanted.has_owner(shot, product):
            yield info, "orphaned"
        elif successor_at is not None and info.modified_at < successor_at:
            yield info, "superseded"
        else:
            yield info, "no_successor"


def _read_fingerprints(store: ObjectStore, shorts: Collection[str]) -> Mapping[str, str]:
    """The whole fingerprints that the ledger has, by their short ones."""
    if not shorts:
        return {}
    names = map(_name, store.list_keys(LEDGER_PREFIX))
    return {name[:32]: name for name in names if name[:32] in shorts}


def _is_settled(ledger: Ledger, picture: OldPicture) -> bool:
    try:
        return _read_settled(ledger, picture) is not None
    except StoreError:  # it cannot be read, so nothing is known of its call
        return False


def _read_settled(ledger: Ledger, picture: OldPicture) -> LedgerEntry | None:
    """The picture's ledger entry, if it says that just this is stored, or was pruned already."""
    entry = ledger.read(picture.fingerprint) if picture.fingerprint else None
    if entry is None or entry.is_pruned(picture.key):
        return entry
    stored = entry.lineage if entry.state == "stored" else None
    return entry if stored is not None and stored.object_key == picture.key else None


def _delete(store: ObjectStore, ledger: Ledger, picture: OldPicture) -> str:
    try:
        entry = _read_settled(ledger, picture)
        if entry is None:
            return "its ledger entry has changed meanwhile"
        if not entry.is_pruned(picture.key):
            reason = pruned_reason(picture.key)
            ledger.record_released(entry, may_be_paid=True, reason=reason)
        store.delete(picture.key)
    except FluxAssetsError as error:
        return str(error)
    _log.info("deleted %s, which is %s", picture.key, picture.reason)
    return ""


def _short(key: str) -> str:
    return _name(key)[:32]


def _name(key: str) -> str:
    return key.rpartition("/")[2].partition(".")[0]
