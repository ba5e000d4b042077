"""Equal cells of a file are one text in memory, as long as they are short and not too many."""

from flux_assets.catalog.repeated_cells import SharedCells


def make(text: str) -> str:
    """The same text as another object."""
    return "".join(list(text))


def test_equal_short_cells_of_any_rows_are_kept_once() -> None:
    shared = SharedCells()
    first = shared.share([make("Solid oak"), make("Honey")])
    second = shared.share([make("Honey"), make("Solid oak")])
    assert second == ["Honey", "Solid oak"]
    assert second[0] is first[1]
    assert second[1] is first[0]


def test_long_cells_are_not_kept_beyond_their_row() -> None:
    shared, long = SharedCells(), "x" * 201
    first, second = shared.share([make(long)]), shared.share([make(long)])
    assert first == second == [long]
    assert first[0] is not second[0]


def test_a_file_of_many_different_cells_has_only_the_first_ones_kept() -> None:
    shared = SharedCells()
    first = shared.share([make("Honey")])
    shared.share([f"P-{number}" for number in range(70_000)])
    late = shared.share([make("Ash"), make("Honey")])
    assert late == ["Ash", "Honey"]
    assert late[1] is first[0]
    assert shared.share([make("Ash")])[0] is not late[0]
