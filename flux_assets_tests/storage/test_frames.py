import pytest

from flux_assets.storage.frames import build_frame, name_values, read_rows

NAMES = ("product_id", "take")


def test_rows_of_many_batches_come_back_in_their_order() -> None:
    rows = [(f"P-{number}", number) for number in range(25_001)]
    frame = build_frame(iter(rows), NAMES, numbers={"take"})
    assert list(read_rows(frame, NAMES)) == rows
    assert frame.index.tolist() == list(range(25_001))


def test_columns_are_read_in_the_order_they_are_asked_for() -> None:
    frame = build_frame([("P-1", 2)], NAMES, numbers={"take"})
    assert list(read_rows(frame, ("take", "product_id"))) == [(2, "P-1")]


def test_a_frame_without_rows_has_the_same_columns_and_types() -> None:
    empty = build_frame([], NAMES, numbers={"take"})
    assert dict(empty.dtypes) == dict(build_frame([("P-1", 2)], NAMES, numbers={"take"}).dtypes)
    assert list(read_rows(empty, NAMES)) == []


def test_a_json_row_has_its_names_also_where_it_was_written_by_position() -> None:
    named = {"product_id": "P-1", "take": 2}
    assert name_values(named, NAMES) == named
    assert name_values(["P-1", 2], NAMES) == named
    with pytest.raises(ValueError, match="shorter"):
        name_values(["P-1"], NAMES)
