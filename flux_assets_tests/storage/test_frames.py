import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]  # ships no types
import pytest

from flux_assets.storage.frames import (
    build_frame,
    hash_columns,
    hash_identities,
    hash_rows,
    look_up,
    name_values,
    pack,
    read_rows,
    text_column,
)

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


def test_a_hash_of_rows_knows_content_and_no_order() -> None:
    rows = pd.DataFrame({"id": ["1", "2"], "size": [1, 2], "share": [0.5, None]})
    assert hash_rows(rows.iloc[::-1]) == hash_rows(rows.copy()) == hash_rows(rows)
    others = [
        rows.assign(id=["2", "1"]),
        rows.assign(size=[1, 3]),
        rows.assign(share=[0.5, 0.0]),
        rows.rename(columns={"id": "name"}),
        rows.head(1),
        pd.concat([rows, rows]),
        rows.head(0),
    ]
    assert len({hash_rows(table) for table in [rows, *others]}) == 1 + len(others)


def test_a_hash_of_columns_knows_content_and_order() -> None:
    rows = build_frame([("Ä", 1), ("b", 2)], NAMES, numbers={"take"})
    many = [(f"P-{number}", number) for number in range(25_001)]
    in_batches = build_frame(iter(many), NAMES, numbers={"take"})
    assert hash_columns(rows.items()) == hash_columns(rows.copy().items())
    assert hash_columns(in_batches.items()) == hash_columns(in_batches.copy().items())
    others = [
        rows.iloc[::-1].reset_index(drop=True),
        rows.rename(columns={"take": "taken"}),
        rows.assign(take=[1, 3]),
        build_frame([("Äb", 1), ("", 2)], NAMES, numbers={"take"}),
        rows.head(0),
        in_batches,
    ]
    assert len({hash_columns(table.items()) for table in [rows, *others]}) == 1 + len(others)


def test_a_hash_of_identities_knows_each_and_no_order() -> None:
    one, two = "a" * 64, "b" * 64
    versions = [
        hash_identities(pd.Series(texts, dtype="str"), more)
        for texts, more in (([one, two], ""), ([one], ""), ([], ""), ([one, one], ""), ([], "more"))
    ]
    assert len(set(versions)) == len(versions)
    assert hash_identities(pd.Series([two, one], dtype="str")) == versions[0]


def test_a_packed_column_is_taken_without_a_copy() -> None:
    texts = ["a", "", "Äb", "c"] * 10_000
    whole = pd.DataFrame({"product_id": pd.Series(texts, dtype="str")})
    table = pd.concat([whole.iloc[:5], whole.iloc[5:]])
    packed = pack(table)
    assert text_column(packed, "product_id").to_pylist() == texts
    taken = [text_column(packed, "product_id").buffers()[2].address for _ in range(2)]
    assert taken[0] == taken[1]
    assert packed["product_id"].tolist() == table["product_id"].tolist()


@pytest.mark.parametrize("wanted", [["b"], ["x", "b", "a", "b", "c"], []], ids=str)
def test_each_wanted_text_is_looked_up_in_its_first_row(wanted: list[str]) -> None:
    table = pd.DataFrame(
        {"id": ["a", "b", "b", "c"], "title": ["A", "B", "Later", "C"]}, dtype="str"
    )
    found = look_up(pa.array(wanted, pa.large_string()), table, "id", "title")
    titles = {"a": "A", "b": "B", "c": "C"}
    assert found.to_pylist() == [titles.get(it) for it in wanted]
