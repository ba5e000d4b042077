"""Going back to what channels showed before: what came since is rejected, so nothing shows it.

It is no second mechanism beside decisions: a rollback is one batch of them, and undone as one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flux_assets.clock import SYSTEM_CLOCK, Clock
from flux_assets.errors import FluxAssetsError, StoreError
from flux_assets.publishing.decision import Wish
from flux_assets.publishing.decisions import Answer, Decisions, decide, read_decisions
from flux_assets.publishing.edition import Edition
from flux_assets.publishing.edition_file import EditionFile
from flux_assets.publishing.editions import (
    FEEDS_PREFIX,
    list_channels,
    list_numbers,
    open_edition,
    read_last_edition,
)
from flux_assets.publishing.publish import Published
from flux_assets.publishing.withdrawals import withdraw_everywhere
from flux_assets.storage.object_store import ObjectStore

VIA = "rollback"
_Picture = tuple[str, str]


class NothingToRollBackError(FluxAssetsError):
    """No channel shows what was asked to go, or has an edition to go back to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolledBack:
    """What a rollback decided, and each channel's edition after it.

    `failed` are the channels whose feeds could not be written, with the problem.
    """

    answer: Answer
    published: Sequence[Published]
    failed: Mapping[str, StoreError] = field(default_factory=dict)


class RollbackUnfinishedError(StoreError):
    """It is decided, and some channels' feeds could not be written; `done` is what became of it."""

    def __init__(self, uri: str, done: RolledBack) -> None:
        batch, count = done.answer.batch, len(done.answer.applied)
        decided = f"{count} pictures are rejected, in the batch {batch}" if batch else ""
        undo = f"; to take it back: flux-assets rollback --undo {batch}" if batch else ""
        problems = "; ".join(f"channel {name}: {problem}" for name, problem in done.failed.items())
        super().__init__(
            uri,
            "write all feeds below",
            f"{problems}. {decided or 'All was rejected before'}, but what these channels show "
            f"may still have them; mend it, then `flux-assets publish`{undo}",
        )
        self.done = done


@dataclass(frozen=True, slots=True)
class _Since:
    """What a channel showed since, and the edition that it goes back to."""

    channel: str
    pictures: frozenset[_Picture]
    target: Edition | None = None


def roll_back_product(
    store: ObjectStore,
    product_id: str,
    *,
    shots: Sequence[str],
    reason: str,
    by: str,
    clock: Clock = SYSTEM_CLOCK,
) -> RolledBack:
    """Reject what all channels show of a product, of some shots or of all.

    Raises:
        NothingToRollBackError: no channel shows any of it.
        RollbackUnfinishedError: it is decided, but some channels' feeds could not be written.
        StoreError: the store cannot be read or written; nothing is decided.
    """
    found = []
    for channel in list_channels(store):
        last = read_last_edition(store, channel)
        product = last.products.get(product_id) if last else None
        pictures = [it.picture for it in product.showings] if product else []
        found.append(
            _Since(
                channel,
                frozenset(
                    (it.fingerprint, it.master_sha256)
                    for it in pictures
                    if not shots or it.shot in shots
                ),
            )
        )
    if not any(it.pictures for it in found):
        of = f" of {', '.join(shots)}" if shots else ""
        raise NothingToRollBackError(f"no channel shows a picture{of} of product {product_id!r}")
    return _reject(store, found, reason=reason, by=by, clock=clock)


def roll_back_to_edition(
    store: ObjectStore,
    channel: str,
    number: int,
    *,
    reason: str,
    by: str,
    clock: Clock = SYSTEM_CLOCK,
) -> RolledBack:
    """Reject what a channel showed since one of its editions, in all channels.

    Raises:
        NothingToRollBackError: there is no such edition.
        RollbackUnfinishedError: it is decided, but some channels' feeds could not be written.
        StoreError: the store cannot be read or written; nothing is decided.
    """
    numbers = list_numbers(store, channel)
    if number not in numbers:
        if numbers:
            known = f"channel {channel} has {numbers[0]} to {numbers[-1]}"
        else:
            others = ", ".join(list_channels(store))
            known = f"channel {channel!r} has none" + (f", only {others}" if others else "")
        raise NothingToRollBackError(f"there is no edition {number}: {known}")
    since = _find_since(store, channel, number, numbers)
    return _reject(store, [since], reason=reason, by=by, clock=clock)


def roll_back_before(
    store: ObjectStore, date: str, *, reason: str, by: str, clock: Clock = SYSTEM_CLOCK
) -> RolledBack:
    """Reject what each channel showed since the start of a day, `YYYY-MM-DD` in UTC, or a time.

    A channel that showed nothing before is left alone.

    Raises:
        NothingToRollBackError: no channel has an edition from before.
        RollbackUnfinishedError: it is decided, but some channels' feeds could not be written.
        StoreError: the store cannot be read or written; nothing is decided.
    """
    found = []
    for channel in list_channels(store):
        numbers = list_numbers(store, channel)
        for number in reversed(numbers):
            if open_edition(store, channel, number).read_head()["at"] < date:
                found.append(_find_since(store, channel, number, numbers))
                break
    if not found:
        raise NothingToRollBackError(f"no channel has an edition from before {date}")
    return _reject(store, found, reason=reason, by=by, clock=clock)


def _find_since(store: ObjectStore, channel: str, number: int, numbers: Sequence[int]) -> _Since:
    target = open_edition(store, channel, number)
    since: set[_Picture] = set()
    for later in numbers:
        if later > number:
            since |= _list_shown(open_edition(store, channel, later))
    return _Since(channel, frozenset(since - _list_shown(target)), target.read())


def _list_shown(edition: EditionFile) -> set[_Picture]:
    table = edition.read_columns(("fingerprint", "master_sha256"))
    return set(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _reject(
    store: ObjectStore, found: Sequence[_Since], *, reason: str, by: str, clock: Clock
) -> RolledBack:
    for channel in list_channels(store):
        read_last_edition(store, channel)  # a damaged one is told before anything is decided
    targets = {it.channel: it.target for it in found}
    pictures = {picture for it in found for picture in it.pictures}
    wishes = [*_build_wishes(pictures, read_decisions(store), reason)]
    answer = decide(store, wishes, by=by, via=VIA, clock=clock)
    why = f"{VIA} {answer.batch}: {reason}"
    published, failed = withdraw_everywhere(store, by=by, why=why, fallbacks=targets)
    done = RolledBack(answer=answer, published=published, failed=failed)
    if failed:
        raise RollbackUnfinishedError(store.uri_for(FEEDS_PREFIX), done)
    return done


def _build_wishes(
    pictures: Iterable[_Picture], decisions: Decisions, reason: str
) -> Iterator[Wish]:
    """A rejection of each that is not rejected yet, upon what is decided now."""
    count: dict[str, int] = {}
    for fingerprint, sha256 in sorted(pictures):
        if decisions.verdict_of(fingerprint, sha256) == "rejected":
            continue
        known = decisions.find(fingerprint)
        before = count.get(fingerprint, 0)
        count[fingerprint] = before + 1
        yield Wish(
            fingerprint=fingerprint,
            sha256=sha256,
            verdict="rejected",
            seen_revision=(known.revision if known else 0) + before,
            reasons=(reason,),
        )
