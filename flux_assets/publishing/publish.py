"""Making a channel's next edition, and bringing its files up to it, whoever else does the same."""

import logging
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flux_assets.errors import ObjectNotFoundError
from flux_assets.publishing.channels import Slot
from flux_assets.publishing.channels_schema import Policy
from flux_assets.publishing.daily_share import count_quota, find_day
from flux_assets.publishing.decisions import Decisions, read_decisions
from flux_assets.publishing.edition import Edition, FeedForm, Picture, ShownProduct
from flux_assets.publishing.edition_changes import NO_CHANGES, EditionChanges, count_changes
from flux_assets.publishing.edition_plan import (
    CurrentProduct,
    EditionPlan,
    freeze,
    plan_edition,
)
from flux_assets.publishing.editions import claim_edition, read_last_edition
from flux_assets.publishing.feeds.files import keep_files_up
from flux_assets.publishing.following import EditionDropError, Following, find_drop
from flux_assets.publishing.interrupted import finish_or_refuse
from flux_assets.publishing.judges import Judgement, Judges, Judging
from flux_assets.storage.change_object import ChangeConflictError
from flux_assets.storage.object_store import ObjectStore

_MAX_CLAIMS = 100
_Planned = tuple[EditionPlan, EditionDropError | None]
_PlanNext = Callable[[Edition | None, Decisions, str], _Planned]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """What a channel's editions are made by.

    `by` and `why` tell who publishes and upon what; `percent_per_day` is of the products shown,
    None for all at once.
    """

    channel: str
    slots: Sequence[Slot]
    policy: Policy
    form: FeedForm
    judge: Judging
    by: str
    why: str
    percent_per_day: float | None = None
    max_drop_percent: float = 20.0
    accept_drop: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What a channel shows now, and what became of its products.

    `edition` is None where there is nothing to show and never was. `is_new` says that this run
    made it, and then `changes` sums up what it shows otherwise than the one before; `written` are
    the keys of the files that it wrote. `problem` says that the plan was not to be trusted: then
    only what was rejected left.
    """

    edition: Edition | None
    plan: EditionPlan
    is_new: bool
    changes: EditionChanges = NO_CHANGES
    written: Sequence[str] = ()
    problem: EditionDropError | None = None


def publish(
    store: ObjectStore, publication: Publication, products: Sequence[CurrentProduct]
) -> Published:
    """Make the channel's next edition if it says anything new, and its files if they are older.

    What holds of decisions is what they are when the number is claimed: where another run claims
    it first, all is planned anew upon what that one shows.

    Args:
        store: where editions and decisions lie.
        publication: how.
        products: those of catalog and manifest now.

    Raises:
        StoreError: it cannot be read or written, or a decision that was noted not be applied.
        ChangeConflictError: other runs always came first.
    """
    finish_or_refuse(store)
    return _claim_next(store, publication, partial(_plan, publication, products))


def withdraw_rejected(
    store: ObjectStore, channel: str, *, by: str, why: str, fallback: Edition | None = None
) -> Published | None:
    """Make an edition without what was rejected, if the newest shows any; None without editions.

    Neither the export nor the channel's rules are asked: what else changed waits for `publish`.

    Args:
        store: where editions and decisions lie.
        channel: whose.
        by: who publishes.
        why: upon what.
        fallback: an older edition, where places do not remember enough of what they showed.

    Raises:
        StoreError: it cannot be read or written.
        ChangeConflictError: other runs always came first.
    """
    newest = read_last_edition(store, channel)
    if newest is None:
        return None
    publication = Publication(
        channel=channel,
        slots=(),
        policy=newest.policy,
        form=newest.form,
        judge=_allow_all,
        by=by,
        why=why,
    )
    judge = _allow_all if fallback is None else _FilesThere(store, newest)

    def plan(last: Edition | None, decisions: Decisions, _: str) -> _Planned:
        return _plan_withdrawals(publication, last or newest, decisions, fallback, judge), None

    return _claim_next(store, publication, plan)


def _claim_next(store: ObjectStore, publication: Publication, plan_next: _PlanNext) -> Published:
    decisions: Decisions | None = None
    for _ in range(_MAX_CLAIMS):
        following = _plan_next(store, publication, plan_next, decisions)
        decisions = following.decisions
        if following.is_new and not claim_edition(store, following.edition):
            continue
        edition = following.edition if following.is_new else following.last
        if following.is_new:
            _tell(following.edition, following.plan)
        written = keep_files_up(store, edition) if edition else ()
        return Published(
            edition=edition,
            plan=following.plan,
            is_new=following.is_new,
            changes=(
                count_changes(following.last, following.edition) if following.is_new else NO_CHANGES
            ),
            written=written,
            problem=following.problem,
        )
    uri = store.uri_for(publication.channel)
    raise ChangeConflictError(uri, "publish", "other runs always came first")


def plan_following(
    store: ObjectStore, publication: Publication, products: Sequence[CurrentProduct]
) -> Following:
    """What `publish` would do now; nothing is written.

    Raises:
        StoreError: the store cannot be read.
    """
    plan = partial(_plan, publication, products)
    return _plan_next(store, publication, plan, None)


def _plan_next(
    store: ObjectStore, publication: Publication, plan_next: _PlanNext, known: Decisions | None
) -> Following:
    last = read_last_edition(store, publication.channel)
    now = store.now()
    day = find_day(last, now)
    decisions = read_decisions(store, known)  # after the edition: it is of no older ones
    plan, problem = plan_next(last, decisions, day)
    edition = _build(publication, plan, last, day, now.isoformat(timespec="seconds"))
    return Following(last=last, edition=edition, plan=plan, problem=problem, decisions=decisions)


def _plan(
    publication: Publication,
    products: Sequence[CurrentProduct],
    last: Edition | None,
    decisions: Decisions,
    day: str,
) -> _Planned:
    judges = Judges(
        judge=publication.judge, verdict_of=decisions.verdict_of, policy=publication.policy
    )
    quota = count_quota(last, day, publication.percent_per_day)
    plan = plan_edition(last, products, slots=publication.slots, judges=judges, quota=quota)
    if last is None or publication.accept_drop:
        return plan, None
    problem = find_drop(last, plan, publication.max_drop_percent)
    return (_plan_withdrawals(publication, last, decisions) if problem else plan), problem


def _allow_all(_slot: str, _picture: Picture) -> Judgement:
    return Judgement()


def _plan_withdrawals(
    publication: Publication,
    last: Edition,
    decisions: Decisions,
    fallback: Edition | None = None,
    judge: Judging = _allow_all,
) -> EditionPlan:
    """Let only what was rejected leave, whatever the catalog and the rules say now."""
    judges = Judges(
        judge=judge,
        verdict_of=decisions.verdict_of,
        policy=publication.policy,
        keeps_warnings=True,
    )
    slots = publication.slots
    plan = plan_edition(last, freeze(last), slots=slots, judges=judges, quota=0, fallback=fallback)
    return replace(plan, waiting=())


class _FilesThere:
    """Lets no picture come back whose file is gone; what the newest edition names is never gone."""

    def __init__(self, store: ObjectStore, newest: Edition) -> None:
        self._store = store
        self._known = {it.object_key: True for it in newest.list_named()}

    def __call__(self, _slot: str, picture: Picture) -> Judgement:
        """Ask the store, once for each file."""
        key = picture.object_key
        if key not in self._known:
            try:
                self._store.head(key)
                self._known[key] = True
            except ObjectNotFoundError:
                self._known[key] = False
        return Judgement(is_blocked=not self._known[key])


def _build(
    publication: Publication,
    plan: EditionPlan,
    last: Edition | None,
    day: str,
    at: str,
) -> Edition:
    number = last.number + 1 if last else 1
    base = switched = 0
    if last is None:
        base = len(plan.products)
    elif last.day == day:
        base, switched = last.base, last.switched
    else:
        base = len(last.products)
    return Edition(
        channel=publication.channel,
        number=number,
        day=day,
        base=base,
        switched=switched + len(plan.switched),
        form=publication.form,
        policy=publication.policy,
        products={product_id: _number(it, number) for product_id, it in plan.products.items()},
        by=publication.by,
        at=at,
        why=publication.why,
        claim=uuid.uuid4().hex,
    )


def _number(product: ShownProduct, number: int) -> ShownProduct:
    """The product, of which every picture knows the edition that it came with."""
    if all(showing.since for showing in product.showings):
        return product
    showings = (it if it.since else replace(it, since=number) for it in product.showings)
    return replace(product, showings=tuple(showings))


def _tell(edition: Edition, plan: EditionPlan) -> None:
    _log.info(
        "channel %s: edition %d shows %d products; %d new, %d switched, %d waiting, %d gone, "
        "%d pictures withdrawn",
        edition.channel,
        edition.number,
        len(edition.products),
        len(plan.added),
        len(plan.switched),
        len(plan.waiting),
        len(plan.gone),
        len(plan.withdrawn),
    )
