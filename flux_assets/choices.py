"""What one run is to do out of a plan: which pictures it obtains, and which it only reports."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from flux_assets.errors import ChoiceError
from flux_assets.plan import TO_BUY, PlanStatus


class PlanRow(NamedTuple):
    """One row of the plan table."""

    product_id: str
    shot: str
    fingerprint: str
    status: PlanStatus
    object_key: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the user asks of one run; empty collections and None choose everything.

    `limit` takes the first so many pictures to buy; `max_images` refuses a run that would buy
    more, and can only lower the cap of the settings.
    """

    product_ids: Collection[str] = ()
    shots: Collection[str] = ()
    limit: int | None = None
    max_images: int | None = None
    retry_refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenWork:
    """`to_obtain` goes through the ledger and may be bought; `to_report` is stored already.

    `already_known` counts the chosen pictures that are stored and need no report either.
    """

    to_obtain: tuple[PlanRow, ...]
    to_report: tuple[PlanRow, ...]
    to_buy: int
    already_known: int


def choose(
    rows: Iterable[PlanRow], choices: Choices, *, is_known: Callable[[PlanRow], bool]
) -> ChosenWork:
    """Apply the choices to a plan.

    Args:
        rows: the whole plan.
        choices: what is asked for.
        is_known: whether a stored picture needs no report, since Dagster has it already.

    Raises:
        ChoiceError: a chosen product or shot is not in the plan.
    """
    everything = list(rows)
    wanted_products, wanted_shots = set(choices.product_ids), set(choices.shots)
    _check_known("product_ids", wanted_products, (row.product_id for row in everything))
    _check_known("shots", wanted_shots, (row.shot for row in everything))
    to_obtain: list[PlanRow] = []
    to_report: list[PlanRow] = []
    to_buy = already_known = 0
    for row in everything:
        if wanted_products and row.product_id not in wanted_products:
            continue
        if wanted_shots and row.shot not in wanted_shots:
            continue
        if row.status == "stored":
            if is_known(row):
                already_known += 1
            else:
                to_report.append(row)
            continue
        if row.status in TO_BUY or (row.status == "refused" and choices.retry_refused):
            if choices.limit is not None and to_buy >= choices.limit:
                continue
            to_buy += 1
        to_obtain.append(row)
    return ChosenWork(
        to_obtain=tuple(to_obtain),
        to_report=tuple(to_report),
        to_buy=to_buy,
        already_known=already_known,
    )


def _check_known(name: str, wanted: set[str], known: Iterable[str]) -> None:
    unknown = sorted(wanted - set(known)) if wanted else []
    if unknown:
        raise ChoiceError(name, unknown)
