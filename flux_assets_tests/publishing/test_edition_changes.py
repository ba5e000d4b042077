"""What one edition shows otherwise than another, place by place."""

from dataclasses import replace

import pytest

from flux_assets.publishing.daily_share import find_last_day
from flux_assets.publishing.edition import Edition, Offer, Showing, ShownProduct
from flux_assets.publishing.edition_changes import MOST_NAMED, Change, count_changes, find_changes
from flux_assets_tests.fixtures.editions import edition, picture


def showing(**slots: str) -> Edition:
    """An edition of one product; a slot shows pictures of these names, `shot:name`, in order."""
    showings = tuple(
        Showing(slot=slot, picture=picture(name, shot))
        for slot, names in slots.items()
        for shot, _, name in (it.partition(":") for it in names.split())
    )
    mug = ShownProduct(product_id="mug", offers=(Offer(offer_id="mug"),), showings=showings)
    return edition({"mug": mug} if showings else {})


def change(slot: str, before: str, after: str) -> Change:
    first, second = (
        picture(name, shot) if name else None
        for shot, _, name in (it.partition(":") for it in (before, after))
    )
    return Change("mug", slot, first, second)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"main": "table:a"}, {"main": "table:a"}, []),
        ({"main": "table:a"}, {"main": "hero:b"}, [("main", "table:a", "hero:b")]),
        ({}, {"main": "table:a"}, [("main", "", "table:a")]),
        ({"main": "table:a"}, {}, [("main", "table:a", "")]),
        ({"additional": "hero:a banner:b"}, {"additional": "banner:b hero:a"}, []),
        (
            {"additional": "hero:a banner:b"},
            {"additional": "banner:c hero:d"},
            [("additional", "hero:a", "hero:d"), ("additional", "banner:b", "banner:c")],
        ),
        (
            {"additional": "hero:a banner:b"},
            {"additional": "banner:b wide:c side:d"},
            [("additional", "hero:a", "wide:c"), ("additional", "", "side:d")],
        ),
        (
            {"main": "table:a", "additional": "hero:b"},
            {"main": "table:c"},
            [("additional", "hero:b", ""), ("main", "table:a", "table:c")],
        ),
    ],
)
def test_each_place_is_told_with_what_it_showed_and_shows(
    before: dict[str, str], after: dict[str, str], changes: list[tuple[str, str, str]]
) -> None:
    found = [*find_changes(showing(**before), showing(**after))]
    assert found == [change(*it) for it in changes]
    assert count_changes(showing(**before), showing(**after)).products == bool(changes)


def test_all_that_a_first_edition_shows_is_new_and_only_some_are_named() -> None:
    [mug] = showing(main="table:a", additional="hero:b banner:c").products.values()
    names = [f"{number:02}" for number in range(2 * MOST_NAMED)]
    first = edition({name: replace(mug, product_id=name) for name in names})
    found = count_changes(None, first)
    assert found.products == len(names)
    assert len(found.first) == MOST_NAMED
    assert [it.product_id for it in found.first[:4]] == ["00", "00", "00", "01"]
    assert all(it.before is None for it in found.first)


def test_another_offer_or_decision_is_no_change_of_what_is_shown() -> None:
    before = showing(main="table:a")
    [mug] = before.products.values()
    other = replace(mug, offers=(Offer(offer_id="cup"),))
    assert [*find_changes(before, edition({"mug": other}))] == []


@pytest.mark.parametrize(
    ("waiting", "percent", "last_day"),
    [
        (0, 10, ""),
        (1, None, ""),
        (1, 10, "2026-11-27"),
        (2, 10, "2026-11-28"),
        (2, 15, "2026-11-27"),
        (9, 10, "2026-12-05"),
        (9, 0.5, "2026-12-05"),
        (9, 100, "2026-11-27"),
    ],
)
def test_the_last_day_is_by_the_share_that_each_day_has(
    waiting: int, percent: float | None, last_day: str
) -> None:
    [mug] = showing(main="table:a").products.values()
    ten = edition({f"{number}": mug for number in range(10)}, day="2026-11-26")
    assert find_last_day(ten, waiting, percent) == last_day
