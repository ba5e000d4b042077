"""What one run is to do out of a plan: which pictures it obtains, and which it only reports."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from flux_assets.catalog.characters import show_halves
from flux_assets.catalog.identity import normalise_id
from flux_assets.planning.plan_table import TO_BUY, PlanRow, read_plan_rows
from flux_assets.storage.frames import is_in, select

if TYPE_CHECKING:  # they are loaded only where a plan is really made
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user asks of one run; empty collections and None choose everything.

    `limit` takes the first so many pictures to buy; `max_images` refuses a run that would buy
    more, and can only lower the cap of the settings. `accept_changes` buys changed pictures too
    where a plan over the cap is cut to it, `accept_drop` goes on where the catalog has shrunk, and
    `accept_loss` where the store has lost what was bought.
    """

    product_ids: Collection[str] = ()
    categories: Collection[str] = ()
    shots: Collection[str] = ()
    limit: int | None = None
    max_images: int | None = None
    retry_refused: bool = False
    accept_changes: bool = False
    accept_drop: bool = False
    accept_loss: bool = False

    def __post_init__(self) -> None:
        """Take ids however they are written; what has half a character is found nowhere."""
        object.__setattr__(self, "product_ids", tuple(map(normalise_id, self.product_ids)))
        for name in ("product_ids", "categories", "shots"):
            object.__setattr__(self, name, tuple(map(show_halves, getattr(self, name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCap:
    """How many pictures a run may buy, and what becomes of a plan that would buy more.

    `refuse` leaves the plan whole, to be refused; `new_only` cuts it to new pictures, up to the
    cap.
    """

    max_images: int
    over_cap: Literal["refuse", "new_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenWork:
    """What is to be done with the chosen rows.

    `to_buy` may be sent; `to_finish` may be paid already, and is fetched or reported only;
    `to_report` is stored already.
    `already_known` counts the chosen pictures that are stored and need no report either,
    `left_over_cap` those that are left for another run because of the cap.
    """

    to_buy: tuple[PlanRow, ...]
    to_finish: tuple[PlanRow, ...]
    to_report: tuple[PlanRow, ...]
    already_known: int
    left_over_cap: int = 0

    @property
    def to_obtain(self) -> int:
        """How many pictures are to come of it."""
        return len(self.to_buy) + len(self.to_finish)


def select_rows(plan: "pd.DataFrame", choices: Choices) -> "pd.DataFrame":
    """The rows of the chosen products, categories and shots; each choice narrows the others.

    A chosen product may have no row, for `explain_choices` to say why; the others go on.
    """
    for column, chosen in (
        ("product_id", choices.product_ids),
        ("category", choices.categories),
        ("shot", choices.shots),
    ):
        if chosen:
            plan = plan[is_in(plan[column], chosen)]
    return plan


def choose(
    plan: Iterable["pd.DataFrame"],
    choices: Choices,
    *,
    cap: RunCap,
    are_known: Callable[["pd.DataFrame"], "np.ndarray"],
) -> ChosenWork:
    """Apply the choices to a plan; only what is to be done is kept of its rows.

    Args:
        plan: the whole table, some rows after the others.
        choices: what is asked for.
        cap: of the settings, or lower.
        are_known: which of some rows with a stored picture need no report, since Dagster has them.
    """
    to_buy: list[pd.DataFrame] = []
    to_finish: list[PlanRow] = []
    to_report: list[PlanRow] = []
    stored_count = 0
    for chosen, is_to_buy in _find_to_buy(plan, choices):
        to_buy.append(select(chosen, is_to_buy))
        is_stored = (chosen["status"] == "stored").to_numpy(bool)
        to_finish += read_plan_rows(chosen[~is_to_buy & ~is_stored])
        stored = chosen[is_stored]
        to_report += read_plan_rows(stored[~are_known(stored)])
        stored_count += len(stored)
    within_cap, left = _cut(to_buy, choices, cap)
    return ChosenWork(
        to_buy=tuple(row for part in within_cap for row in read_plan_rows(part)),
        to_finish=tuple(to_finish),
        to_report=tuple(to_report),
        already_known=stored_count - len(to_report),
        left_over_cap=left,
    )


def count_to_buy(
    plan: Iterable["pd.DataFrame"], choices: Choices, *, cap: RunCap
) -> tuple[int, int]:
    """How many pictures `choose` has a run buy, and how many it leaves over the cap.

    Of millions of rows, no object is made of any.
    """
    parts = [select(chosen, is_to_buy) for chosen, is_to_buy in _find_to_buy(plan, choices)]
    within_cap, left = _cut(parts, choices, cap)
    return _count(within_cap), left


def _find_to_buy(
    plan: Iterable["pd.DataFrame"], choices: Choices
) -> Iterator[tuple["pd.DataFrame", "np.ndarray"]]:
    """The chosen rows, and which of them are to be bought."""
    paid = [*TO_BUY, *(["refused"] if choices.retry_refused else [])]
    for part in plan:
        chosen = select_rows(part, choices)
        yield chosen, is_in(chosen["status"], paid)


def _cut(
    to_buy: Sequence["pd.DataFrame"], choices: Choices, cap: RunCap
) -> tuple[Sequence["pd.DataFrame"], int]:
    """What limit and cap leave of the rows, and how many the cap takes off."""
    if choices.limit is not None:
        to_buy = _take(to_buy, choices.limit)
    count = _count(to_buy)
    if cap.over_cap == "refuse" or count <= cap.max_images:
        return to_buy, 0
    if not choices.accept_changes:
        to_buy = [select(part, part["status"] != "changed") for part in to_buy]
    within_cap = _take(to_buy, cap.max_images)
    return within_cap, count - _count(within_cap)


def _take(parts: Sequence["pd.DataFrame"], most: int) -> Sequence["pd.DataFrame"]:
    """The first so many rows."""
    taken = []
    for part in parts:
        taken.append(part.iloc[: max(most, 0)])
        most -= len(part)
    return taken


def _count(parts: Sequence["pd.DataFrame"]) -> int:
    return sum(map(len, parts))
