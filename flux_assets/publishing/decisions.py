"""The decisions of a store: 256 objects, changed by conditional writes and never overwritten.

A batch is in the log before any of it is applied, and its name in each decision it made: whoever
finds it cut off goes on with it, and nothing is applied twice. A decision over one that the person
had not seen is a conflict, and changes nothing.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from types import MappingProxyType

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import StoreError
from flux_assets.publishing.decision import (
    Batch,
    Decision,
    DecisionVerdict,
    Wish,
    replay,
)
from flux_assets.publishing.decision_log import log_batch, read_batch, read_batches
from flux_assets.storage.change_object import change_object
from flux_assets.storage.object_store import ObjectBody, ObjectInfo, ObjectStore
from flux_assets.storage.parallel import map_in_parallel
from flux_assets.storage.stored_json import read_stored_json

DECISIONS_PREFIX = "publishing/decisions/"
FORMAT = 1
_MAX_WRITE_TRIES = 100
_DAYS_LOOKED_BACK = 8
_HEX_DIGITS = "0123456789abcdef"
_Shard = Mapping[str, Decision]


@dataclass(frozen=True, slots=True)
class Decisions:
    """All decisions, as they were when their objects were read."""

    _shards: Mapping[str, tuple[str, _Shard]] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, fingerprint: str) -> Decision | None:
        """A request's decision, of whichever bytes; None where nobody decided."""
        _, shard = self._shards.get(_key_of(fingerprint), ("", {}))
        return shard.get(fingerprint)

    def verdict_of(self, fingerprint: str, sha256: str) -> DecisionVerdict:
        """What holds of one picture: the newest decision of these very bytes."""
        known = self.find(fingerprint)
        found = known and known.of_bytes(sha256)
        return found.verdict if found else "undecided"

    def __iter__(self) -> Iterator[Decision]:
        """Each request's decision."""
        for _, shard in self._shards.values():
            yield from shard.values()

    def etag_of(self, key: str) -> str:
        """The etag that one of the objects was read with; empty if it was not there."""
        return self._shards[key][0] if key in self._shards else ""

    def shard_of(self, key: str) -> _Shard:
        """What one of the objects holds."""
        return self._shards[key][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of a batch, wish by wish.

    `conflicts` are those where the person had not seen the decision that holds (None: none does).
    `failed` gives the store's problem by fingerprint: those wishes are in the log, and
    `finish_interrupted` goes on with them.
    """

    batch: str
    applied: tuple[Decision, ...] = ()
    conflicts: tuple[tuple[Wish, Decision | None], ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)


def read_decisions(
    store: ObjectStore, known: Decisions | None = None, *, of: Collection[str] | None = None
) -> Decisions:
    """All decisions; of those read before, only the objects that changed are read again.

    Args:
        store: the shop's.
        known: those read before.
        of: fingerprints of the requests whose decisions are enough.

    Raises:
        StoreError: they cannot be read, or one object is damaged.
    """
    before = known or Decisions()

    def read(key: str) -> tuple[str, tuple[str, _Shard]]:
        etag = listed[key]
        if etag and etag == before.etag_of(key):
            return key, (etag, before.shard_of(key))
        body = store.get(key)
        return key, (body.info.etag, _read_shard(body, store.uri_for(key)))

    keys = None if of is None else set(map(_key_of, of))
    shards = (info for info in list_shards(store) if keys is None or info.key in keys)
    listed = {info.key: info.etag for info in shards}
    return Decisions(dict(map_in_parallel(read, sorted(listed))))


def list_shards(store: ObjectStore) -> list[ObjectInfo]:
    """The objects that hold the decisions, as far as there are any; at most 256.

    Raises:
        StoreError: they cannot be listed.
    """
    # Not their common prefix, below which the log grows.
    prefixes = [f"{DECISIONS_PREFIX}{digit}" for digit in _HEX_DIGITS]
    found = map_in_parallel(lambda prefix: [*store.list(prefix)], prefixes)
    return [info for infos in found for info in infos]


def decide(
    store: ObjectStore,
    wishes: Sequence[Wish],
    *,
    by: str,
    via: str,
    undoes: str = "",
    clock: Clock = SYSTEM_CLOCK,
) -> Answer:
    """Note one person's wishes as a batch, then apply each that nobody forestalled.

    Raises:
        DecisionError: one of them cannot be kept; nothing was noted.
        StoreError: the batch could not be noted, so nothing was applied.
    """
    if not wishes:
        return Answer(batch="")
    return apply_batch(store, log_batch(store, wishes, by=by, via=via, undoes=undoes), clock=clock)


def apply_batch(store: ObjectStore, batch: Batch, *, clock: Clock = SYSTEM_CLOCK) -> Answer:
    """Apply what is noted in the log, as often as one likes; what was applied is left alone."""
    shards: dict[str, list[Wish]] = {}
    for wish in batch.wishes:
        shards.setdefault(_key_of(wish.fingerprint), []).append(wish)

    def apply(key: str) -> Answer:
        try:
            return _apply_to_shard(store, key, batch, shards[key], clock)
        except StoreError as error:
            failed = {wish.fingerprint: str(error) for wish in shards[key]}
            return Answer(batch=batch.batch, failed=failed)

    answers = [*map_in_parallel(apply, shards)]
    return Answer(
        batch=batch.batch,
        applied=tuple(it for answer in answers for it in answer.applied),
        conflicts=tuple(it for answer in answers for it in answer.conflicts),
        failed={name: told for answer in answers for name, told in answer.failed.items()},
    )


def undo_batch(store: ObjectStore, batch: str, *, by: str, clock: Clock = SYSTEM_CLOCK) -> Answer:
    """Give the pictures of a batch the decisions that they had before it.

    What a crash left of it is applied first, or the next run would do so after its undoing. Those
    that somebody decided since are conflicts; what the batch never changed stays.

    Raises:
        DecisionError: there is no such batch.
        StoreError: nothing could be read or noted.
    """
    undone = read_batch(store, batch)
    for told in apply_batch(store, undone, clock=clock).failed.values():
        problem = f"nothing was undone, for not all of {batch} is applied yet: {told}"
        raise StoreError(store.uri_for(DECISIONS_PREFIX), "write", problem)
    decisions = read_decisions(store)
    wishes: list[Wish] = []
    conflicts: list[tuple[Wish, Decision | None]] = []
    for wish in undone.wishes:
        current = decisions.find(wish.fingerprint)
        if current is None or not current.is_of(batch, wish.sha256):
            continue
        if current.batch == batch:
            count = sum(it.fingerprint == wish.fingerprint for it in wishes)
            wishes.append(_take_back(wish, current, current.revision + count))
        else:
            conflicts.append((wish, current))
    answer = decide(store, wishes, by=by, via="undo", undoes=batch, clock=clock)
    return Answer(
        batch=answer.batch,
        applied=answer.applied,
        conflicts=(*conflicts, *answer.conflicts),
        failed=answer.failed,
    )


def find_interrupted(batches: Iterable[Batch], decisions: Decisions) -> Iterator[Batch]:
    """What the log has and no decision shows, though nobody decided otherwise since.

    Each batch comes with those of its wishes alone. The log is to be read before the decisions,
    so that what is applied meanwhile is seen as applied.
    """
    for batch in batches:
        replayed = replay(batch, batch.wishes, decisions.find)
        if wishes := tuple(wish for wish, fate, _ in replayed if fate == "open"):
            yield replace(batch, wishes=wishes)


def finish_interrupted(store: ObjectStore, *, clock: Clock = SYSTEM_CLOCK) -> list[Answer]:
    """Apply what was noted within a week, by the store's clock, and not applied by a crash.

    Raises:
        StoreError: the log or the decisions cannot be read.
    """
    now = store.now()
    days = [f"{now - timedelta(days=age):%Y-%m-%d}" for age in range(_DAYS_LOOKED_BACK)]
    batches = [*read_batches(store, days)]
    found = find_interrupted(batches, read_decisions(store)) if batches else ()
    return [apply_batch(store, batch, clock=clock) for batch in found]


def _apply_to_shard(
    store: ObjectStore, key: str, batch: Batch, wishes: Sequence[Wish], clock: Clock
) -> Answer:
    uri = store.uri_for(key)
    applied: list[Decision] = []
    conflicts: list[tuple[Wish, Decision | None]] = []

    def update(found: ObjectBody | None) -> bytes | None:
        applied.clear()
        conflicts.clear()
        known = _read_shard(found, uri) if found else {}
        changed = dict(known)
        for wish, fate, holds in replay(batch, wishes, known.get):
            if holds is None or fate == "lost":
                conflicts.append((wish, holds))
            else:
                changed[wish.fingerprint] = holds
                applied.append(holds)
        return None if found and changed == known else _write_shard(changed)

    change_object(
        store,
        key,
        update,
        content_type="application/json",
        tries=_MAX_WRITE_TRIES,
        sleep=clock.sleep,
    )
    return Answer(batch=batch.batch, applied=tuple(applied), conflicts=tuple(conflicts))


def _take_back(wish: Wish, current: Decision, seen_revision: int) -> Wish:
    """What gives the bytes that a batch decided of the decision that they had before."""
    others = (it for it in reversed(current.history) if it.batch != current.batch)
    before = next((it for it in others if it.sha256 == wish.sha256), None)
    return Wish(
        fingerprint=wish.fingerprint,
        sha256=wish.sha256,
        verdict=before.verdict if before else "undecided",
        seen_revision=seen_revision,
        reasons=before.reasons if before else (),
        note=before.note if before else "",
        shows_person=before.shows_person if before else None,
    )


def _key_of(fingerprint: str) -> str:
    return f"{DECISIONS_PREFIX}{hashlib.sha256(fingerprint.encode()).hexdigest()[:2]}.json"


def _read_shard(found: ObjectBody, uri: str) -> _Shard:
    return read_stored_json(
        found.data,
        uri,
        lambda plain: {
            fingerprint: Decision.from_json(fingerprint, it)
            for fingerprint, it in plain["decisions"].items()
        },
        kind="object of decisions",
        remedy="restore an earlier version of it: decisions cannot be made anew",
        newest_format=FORMAT,
    )


def _write_shard(decisions: _Shard) -> bytes:
    plain = {fingerprint: it.to_json() for fingerprint, it in decisions.items()}
    return json.dumps({"format": FORMAT, "decisions": plain}, sort_keys=True).encode()
