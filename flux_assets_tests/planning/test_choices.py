from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flux_assets.bill.caps import ProductDrop, check_product_drop
from flux_assets.errors import ProductDropError
from flux_assets.planning.choices import (
    Choices,
    ChosenWork,
    RunCap,
    choose,
    count_to_buy,
    select_rows,
)
from flux_assets.planning.plan_table import PlanRow, PlanStatus, build_plan_table


def _row(product_id: str, shot: str, status: PlanStatus) -> PlanRow:
    return PlanRow(
        product_id=product_id,
        shot=shot,
        fingerprint=f"{product_id}-{shot}",
        status=status,
        object_key=f"images/{product_id}-{shot}.png" if status == "stored" else "",
        category="Rings" if product_id == "p1" else "Chairs",
    )


ROWS = [
    _row("p1", "hero", "new"),
    _row("p1", "wide", "stored"),
    _row("p2", "hero", "changed"),
    _row("p2", "wide", "accepted"),
    _row("p3", "hero", "refused"),
    _row("p3", "wide", "new"),
]

PLAN = build_plan_table(ROWS)

WIDE_CAP = RunCap(max_images=500, over_cap="refuse")


def _choose(
    *,
    are_known: Callable[[pd.DataFrame], np.ndarray] = lambda rows: np.zeros(len(rows), bool),
    cap: RunCap = WIDE_CAP,
    **choices: object,
) -> ChosenWork:
    return choose([PLAN], Choices(**choices), cap=cap, are_known=are_known)  # type: ignore[arg-type] # its own fields


def _names(rows: tuple[PlanRow, ...]) -> list[str]:
    return [row.fingerprint for row in rows]


def _looked_after(work: ChosenWork) -> list[str]:
    """What is bought or finished, in the plan's order."""
    return [row.fingerprint for row in ROWS if row in {*work.to_buy, *work.to_finish}]


@pytest.mark.parametrize(
    "choices",
    [
        *({}, {"limit": 2}, {"limit": 0}, {"limit": 3, "accept_changes": True}, {"limit": 99}),
        *({"shots": ["wide"]}, {"categories": ["Chairs"]}, {"retry_refused": True}),
    ],
)
@pytest.mark.parametrize(
    "cap",
    [
        *(WIDE_CAP, RunCap(max_images=1, over_cap="refuse")),
        *(RunCap(max_images=1, over_cap="new_only"), RunCap(max_images=2, over_cap="new_only")),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_plan_in_parts_comes_to_the_same_as_the_whole(
    choices: dict[str, Any], cap: RunCap, size: int
) -> None:
    parts = [PLAN.iloc[start : start + size] for start in range(0, len(PLAN), size)]

    def know_chairs(rows: pd.DataFrame) -> np.ndarray:
        return (rows["category"] == "Chairs").to_numpy(bool)

    work = choose([*parts, PLAN.head(0)], Choices(**choices), cap=cap, are_known=know_chairs)
    assert work == _choose(cap=cap, are_known=know_chairs, **choices)
    counts = count_to_buy(iter(parts), Choices(**choices), cap=cap)
    assert counts == (len(work.to_buy), work.left_over_cap)


def test_only_what_is_to_be_bought_may_be_sent() -> None:
    work = _choose(limit=1)
    assert _names(work.to_buy) == ["p1-hero"]
    assert _names(work.to_finish) == ["p2-wide", "p3-hero"]


def test_without_choices_everything_is_looked_after() -> None:
    work = _choose()
    assert _looked_after(work) == ["p1-hero", "p2-hero", "p2-wide", "p3-hero", "p3-wide"]
    assert _names(work.to_report) == ["p1-wide"]
    assert (len(work.to_buy), work.already_known) == (3, 0)


def test_a_stored_picture_that_dagster_knows_is_only_counted() -> None:
    work = _choose(are_known=lambda rows: (rows["fingerprint"] == "p1-wide").to_numpy(bool))
    assert work.to_report == ()
    assert work.already_known == 1


def test_only_the_chosen_products_and_shots_are_looked_after() -> None:
    work = _choose(product_ids=["p1", "p3"])
    assert _looked_after(work) == ["p1-hero", "p3-hero", "p3-wide"]
    assert _names(work.to_report) == ["p1-wide"]
    work = _choose(shots=["wide"])
    assert _looked_after(work) == ["p2-wide", "p3-wide"]
    work = _choose(
        product_ids=["p1"], shots=["hero"], are_known=lambda rows: np.ones(len(rows), bool)
    )
    assert _looked_after(work) == ["p1-hero"]
    assert (len(work.to_buy), work.already_known) == (1, 0)


@pytest.mark.parametrize(
    ("limit", "bought"), [(0, []), (1, ["p1-hero"]), (2, ["p1-hero", "p2-hero"]), (9, None)]
)
def test_a_limit_takes_the_first_pictures_to_buy_and_all_that_costs_nothing(
    limit: int, bought: list[str] | None
) -> None:
    work = _choose(limit=limit)
    if bought is None:
        assert work == _choose()
        return
    assert len(work.to_buy) == limit
    assert set(_looked_after(work)) == {*bought, "p2-wide", "p3-hero"}
    assert _names(work.to_report) == ["p1-wide"]


def test_a_limit_counts_chosen_products_only() -> None:
    assert _looked_after(_choose(product_ids=["p3"], limit=1)) == ["p3-hero", "p3-wide"]


def test_refused_pictures_to_be_retried_are_bought_and_count() -> None:
    assert len(_choose(retry_refused=True).to_buy) == 4
    work = _choose(retry_refused=True, limit=3)
    assert _looked_after(work) == ["p1-hero", "p2-hero", "p2-wide", "p3-hero"]


def test_a_chosen_product_without_a_row_stops_no_other() -> None:
    assert _looked_after(_choose(product_ids=["p1", "p9"])) == ["p1-hero"]
    assert select_rows(PLAN, Choices(product_ids=["p9"])).empty
    assert select_rows(PLAN, Choices(product_ids=["p9\udcff"], shots=["\ud83d"])).empty


def test_categories_and_products_narrow_each_other() -> None:
    assert _looked_after(_choose(categories=["Chairs"])) == [
        *("p2-hero", "p2-wide", "p3-hero", "p3-wide"),
    ]
    assert _looked_after(_choose(categories=["Chairs"], product_ids=["p3"])) == [
        *("p3-hero", "p3-wide"),
    ]
    assert _looked_after(_choose(categories=["Rings"], product_ids=["p3"])) == []


def test_a_plan_over_the_cap_is_left_whole_to_be_refused() -> None:
    work = _choose(cap=RunCap(max_images=1, over_cap="refuse"), accept_changes=True)
    assert (len(work.to_buy), work.left_over_cap) == (3, 0)


@pytest.mark.parametrize(
    ("max_images", "accept_changes", "bought", "left"),
    [
        (3, False, ["p1-hero", "p2-hero", "p3-wide"], 0),
        (2, False, ["p1-hero", "p3-wide"], 1),
        (1, False, ["p1-hero"], 2),
        (2, True, ["p1-hero", "p2-hero"], 1),
        (0, True, [], 3),
    ],
    ids=["within", "new only", "new up to the cap", "changed ones too", "nothing"],
)
def test_over_the_cap_new_pictures_come_first_and_changed_ones_wait(
    max_images: int, *, accept_changes: bool, bought: list[str], left: int
) -> None:
    cap = RunCap(max_images=max_images, over_cap="new_only")
    work = _choose(cap=cap, accept_changes=accept_changes)
    assert _looked_after(work) == [
        name for name in _looked_after(_choose()) if name in {*bought, "p2-wide", "p3-hero"}
    ]
    assert (len(work.to_buy), work.left_over_cap) == (len(bought), left)


def test_what_is_paid_already_is_fetched_whatever_the_cap() -> None:
    work = _choose(cap=RunCap(max_images=0, over_cap="new_only"))
    assert _looked_after(work) == ["p2-wide", "p3-hero"]
    assert _names(work.to_report) == ["p1-wide"]


def test_a_catalog_may_lose_as_many_products_as_allowed_and_no_more() -> None:
    check_product_drop(ProductDrop(known=10, gone=2), max_percent=20)
    check_product_drop(ProductDrop(known=0, gone=0), max_percent=0)
    check_product_drop(ProductDrop(known=10, gone=0), max_percent=0)
    with pytest.raises(ProductDropError, match=r"3 of the 10 products .*\(30 %\)") as caught:
        check_product_drop(ProductDrop(known=10, gone=3), max_percent=20)
    assert (caught.value.known, caught.value.gone) == (10, 3)
