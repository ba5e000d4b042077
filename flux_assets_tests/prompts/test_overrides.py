import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flux_assets.catalog.identity import normalise_id
from flux_assets.errors import OverridesError
from flux_assets.prompts.overrides import (
    EVERY_SHOT,
    NO_OVERRIDE,
    Override,
    OverrideProblem,
    OverridesFile,
    check_known,
    raise_take,
    read_overrides,
    set_pin,
)

HEADER = "product_id,shot,take,seed,prompt,pin,skip"
FINGERPRINT = "0123456789abcdef" * 4


def _read(*lines: str) -> OverridesFile:
    return read_overrides("\n".join(lines).encode(), "overrides.csv")


def _raise(data: str | None, product_id: str = "00123", shot: str = "hero") -> str:
    before = None if data is None else data.encode()
    return raise_take(before, "overrides.csv", product_id=product_id, shot=shot).decode()


def _problem(line: int, column: str, product_id: str, message: str) -> OverrideProblem:
    return OverrideProblem(line=line, column=column, product_id=product_id, message=message)


def test_every_column_is_read() -> None:
    file = _read(HEADER, f'00123,hero,2,7,"A chair, on white",{FINGERPRINT},x')
    assert file.overrides == {
        ("00123", "hero"): Override(
            line=2, take=2, seed=7, prompt="A chair, on white", pin=FINGERPRINT, skip=True
        )
    }
    assert file.problems == ()


def test_the_columns_may_be_few_in_any_order_and_among_others() -> None:
    file = _read("Note; SHOT ;Product ID;Take", "for Anna;hero; 00123 ; 3 ", "; hero;2;")
    assert file.overrides == {
        ("00123", "hero"): Override(line=2, take=3),
        ("2", "hero"): Override(line=3),
    }
    assert file.problems == ()


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_file_of_any_spreadsheet_is_read_with_its_lines(
    delimiter: str, line_end: str, mark: str
) -> None:
    rows = [
        "",
        "shot,product_id,prompt,seed",
        "hero,1,,7",
        ",,,",
        '"hero",2,"A; ""chair"",| now"',
        "hero,3,,9",
    ]
    rows = [row.replace(",", delimiter).replace("|", line_end) for row in rows]
    file = read_overrides((mark + line_end.join(rows)).encode(), "overrides.csv")
    assert file.problems == ()
    assert {identity: (row.line, row.seed) for identity, row in file.overrides.items()} == {
        ("1", "hero"): (3, 7),
        ("2", "hero"): (5, None),
        ("3", "hero"): (7, 9),
    }
    prompt = file.overrides["2", "hero"].prompt
    assert prompt == f'A; "chair"{delimiter}{line_end} now'


@pytest.mark.parametrize("text", ["true", "TRUE", "Yes", "1", "x", "X"])
def test_what_means_skip(text: str) -> None:
    assert _read("product_id,shot,skip", f"1,hero,{text}").find("1", "hero").skip is True


@pytest.mark.parametrize("text", ["false", "No", "0", ""])
def test_what_does_not_mean_skip(text: str) -> None:
    file = _read("product_id,shot,skip", f"1,hero,{text}")
    assert not file.find("1", "hero").skip
    assert file.problems == ()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("take", "0"),
        ("take", "-1"),
        ("take", "1.5"),
        ("take", "two"),
        ("take", "9999999999"),
        ("seed", "4294967296"),
        ("seed", "x"),
        ("pin", "0123456"),
        ("pin", "0" * 65),
        ("pin", "01234567g"),
        ("skip", "maybe"),
    ],
)
def test_a_bad_value_is_reported_with_its_line_and_loses_nothing_else(
    column: str, value: str
) -> None:
    file = _read(f"product_id,shot,{column},prompt", f"1,hero,{value},a", "2,hero,,b")
    (problem,) = file.problems
    assert (problem.line, problem.column, problem.product_id) == (2, column, "1")
    assert problem.message.startswith(f"{column} is {value!r}; ")
    assert file.overrides == {
        ("1", "hero"): Override(line=2, prompt="a", problem=problem),
        ("2", "hero"): Override(line=3, prompt="b"),
    }


def test_every_problem_of_a_row_is_reported() -> None:
    file = _read("product_id,shot,take,seed", "1,hero,a,b")
    assert [problem.column for problem in file.problems] == ["take", "seed"]
    assert file.overrides["1", "hero"].problem == file.problems[0]


def test_of_a_repeated_row_the_first_is_kept_and_the_other_reported() -> None:
    file = _read(HEADER, "1,hero,2,,,,", "2,hero,2,,,,", " 1,hero ,3,,,,", "1,wide,4,,,,")
    problem = _problem(
        4, "product_id", "1", "line 2 is about the same product and shot; keep one of them"
    )
    assert file.problems == (problem,)
    assert file.overrides == {
        ("1", "hero"): Override(line=2, take=2, problem=problem),
        ("2", "hero"): Override(line=3, take=2),
        ("1", "wide"): Override(line=5, take=4),
    }


def test_a_row_of_no_product_is_reported() -> None:
    file = _read(HEADER, ",hero,2,,,,")
    assert file.overrides == {}
    assert file.problems == (_problem(2, "product_id", "", "product_id is empty"),)


def test_a_prompt_outside_quotes_does_not_slip_into_the_other_columns() -> None:
    file = _read("product_id,shot,prompt,take", "1,hero,A chair, 2", "2,hero,A chair, on white,2")
    (problem,) = file.problems
    assert (problem.line, problem.product_id) == (3, "2")
    assert "stands in quotes" in problem.message
    assert file.overrides["1", "hero"] == Override(line=2, prompt="A chair", take=2)
    assert file.overrides["2", "hero"] == Override(line=3, problem=problem)


def test_a_row_may_end_in_empty_cells() -> None:
    assert _read("product_id,shot,take", "1,hero,2,,").problems == ()


def test_a_misspelt_column_is_reported() -> None:
    assert _read("product_id,shot,skp,note,product_title,takes,take", "1,hero,x,,,2,").problems == (
        _problem(1, "skp", "", "the column is not read; did you mean skip?"),
    )


def test_a_row_without_a_shot_holds_for_every_shot_under_the_rows_of_single_ones() -> None:
    file = _read(HEADER, "1,,2,5,all,,x", "1,hero,3,,,abcdef01,no", "2,hero,4,,,,")
    assert file.overrides["1", EVERY_SHOT] == Override(
        line=2, take=2, seed=5, prompt="all", skip=True
    )
    assert file.find("1", "wide") == file.overrides["1", EVERY_SHOT]
    assert file.find("1", "hero") == Override(
        line=3, take=3, seed=5, prompt="all", pin="abcdef01", skip=False
    )
    assert file.find("2", "hero") == Override(line=4, take=4)
    assert file.find("2", "wide") == NO_OVERRIDE


def test_a_problem_of_the_row_for_every_shot_is_one_of_each_shot() -> None:
    file = _read(HEADER, "1,,two,,,,", "1,hero,3,,,,")
    assert file.find("1", "hero").problem == file.find("1", "wide").problem == file.problems[0]


def test_pins_are_told_by_product_and_shot_in_lower_case() -> None:
    file = _read(HEADER, "1,hero,,,,ABCDEF01,", f"1,wide,2,,,{FINGERPRINT},", "2,hero,2,,,,")
    assert file.pins == {("1", "hero"): "abcdef01", ("1", "wide"): FINGERPRINT}


def test_a_pin_for_every_shot_is_reported() -> None:
    file = _read(HEADER, f"1,,2,,,{FINGERPRINT},")
    assert [(problem.line, problem.column) for problem in file.problems] == [(2, "pin")]
    assert file.pins == {}


@pytest.mark.parametrize(
    ("data", "line", "problem"),
    [
        (b"id,shot\n1,hero\n", 1, "has no column product_id"),
        (b"\n\nproduct_id,take\n", 3, "has no column shot"),
        (b"product_id,shot,take,Take\n", 1, "has more than one column take"),
        (b"<html>\n", 1, "has no column product_id"),
        (b"product_id,shot\n1,hero\n2,\xff\n", 3, "is not UTF-8 text"),
        (b'product_id,shot,prompt\n1,hero,a\n2,hero,"b\n3,hero,c\n', 3, "cannot be read"),
        (b'product_id,shot\n"1" a,hero\n', 2, "cannot be read"),
        ("product_id,shot\n".encode("utf-16"), 1, "is not UTF-8 text"),
    ],
)
def test_what_is_no_such_table_is_one_error(data: bytes, line: int, problem: str) -> None:
    with pytest.raises(OverridesError) as caught:
        read_overrides(data, "overrides.csv")
    assert str(caught.value).startswith(f"overrides.csv, line {line}: ")
    assert problem in caught.value.problem


def test_unknown_products_and_shots_are_reported_with_what_is_near() -> None:
    file = _read(HEADER, "123,hero,,,,,", "00123,hreo,,,,,", "00123,,,,,,", "zzz,wide,,,,,")
    assert check_known(file, ["00123", "777"], ["hero", "wide"]) == (
        _problem(2, "product_id", "123", "there is no product_id '123'; near it: 00123"),
        _problem(3, "shot", "00123", "there is no shot 'hreo'; near it: hero"),
        _problem(5, "product_id", "zzz", "there is no product_id 'zzz'"),
    )


def test_only_so_many_unknown_products_are_looked_for_in_a_large_catalog() -> None:
    file = _read(HEADER, "SKU-2,hero,,,,,", "SKU-3,hreo,,,,,")
    catalog = [*(f"{number:040}" for number in range(100_000)), "SKU-1"]
    assert [problem.message for problem in check_known(file, catalog, ["hero"])] == [
        "there is no product_id 'SKU-2'; near it: SKU-1",
        "there is no product_id 'SKU-3'",
        "there is no shot 'hreo'; near it: hero",
    ]


@pytest.mark.parametrize("data", [None, "", "\n"])
def test_the_first_raised_take_makes_the_file(data: str | None) -> None:
    assert _raise(data) == f"{HEADER}\n00123,hero,2,,,,\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("product_id,shot,take\n00123,hero,2\n", "product_id,shot,take\n00123,hero,3\n"),
        ("product_id,shot,take\n00123,hero,\n", "product_id,shot,take\n00123,hero,2\n"),
        ("product_id,shot,take\n00123,hero", "product_id,shot,take\n00123,hero,2"),
        ("product_id,shot,take,pin\n00123,hero\n", "product_id,shot,take,pin\n00123,hero,2\n"),
        ("product_id,shot\n1,hero\n00123,hero\n", "product_id,shot,take\n1,hero\n00123,hero,2\n"),
        (
            'Note;"take";shot;product_id;pin\r\n"a;""b""";"9";hero;"00123";abcdef01;\r\n\r\n',
            'Note;"take";shot;product_id;pin\r\n"a;""b""";10;hero;"00123";;\r\n\r\n',
        ),
        (
            '\ufeffshot\ttake\tproduct_id\rhero\t"1"\t00123\rhero\t\t2\r',
            "\ufeffshot\ttake\tproduct_id\rhero\t2\t00123\rhero\t\t2\r",
        ),
        (
            'product_id,shot,prompt,take\n00123,hero,"a,\nb", 4 \n2,hero,"c\nd",\n',
            'product_id,shot,prompt,take\n00123,hero,"a,\nb",5\n2,hero,"c\nd",\n',
        ),
        ("product_id,shot,take\r\n", "product_id,shot,take\r\n00123,hero,2\r\n"),
        ("product_id;shot\n2;hero", "product_id;shot;take\n2;hero\n00123;hero;2\n"),
        ("product_id;shot", "product_id;shot;take\n00123;hero;2\n"),
        (
            "product_id,shot,take,note\n00123,,4,all\n",
            "product_id,shot,take,note\n00123,,4,all\n00123,hero,5,\n",
        ),
        (
            "product_id,shot,take,skip\n00123,hero,2,x\n",
            "product_id,shot,take,skip\n00123,hero,3,x\n",
        ),
    ],
)
def test_a_raised_take_keeps_the_rest_of_the_file_as_it_is_written(before: str, after: str) -> None:
    assert _raise(before) == after


def test_a_raised_take_removes_the_pin_of_its_row_alone() -> None:
    before = f"{HEADER}\n00123,hero,,,,abcdef01,\n00123,wide,,,,abcdef02,\n"
    file = read_overrides(_raise(before).encode(), "overrides.csv")
    assert file.pins == {("00123", "wide"): "abcdef02"}


def test_an_added_row_is_quoted_where_it_must_be() -> None:
    before = "product_id;shot;take\n"
    after = _raise(before, product_id='a;"b')
    assert after == 'product_id;shot;take\n"a;""b";hero;2\n'
    assert read_overrides(after.encode(), "o").find('a;"b', "hero").take == 2


@pytest.mark.parametrize("product_id", ["=1+1", "-5", "+5", "@a", "'=1", "''-", "'a", "a=1"])
def test_a_product_id_that_is_a_formula_is_written_as_text_and_found_again(
    product_id: str,
) -> None:
    after = _raise(None, product_id=product_id)
    [row] = csv.DictReader(io.StringIO(after))
    assert row["product_id"][0] not in "=+-@"
    again = _raise(after, product_id=product_id)
    assert len(again.splitlines()) == 2
    known = normalise_id(product_id)
    assert read_overrides(again.encode(), "o").find(known, "hero").take == 3


def test_a_formula_of_a_persons_own_is_the_product_that_it_says() -> None:
    after = _raise("product_id,shot,take\n-5,hero,4\n", product_id="-5")
    assert after == "product_id,shot,take\n-5,hero,5\n"


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ("00123,hero,two,,,,\n", 2),
        ("00123,hero,2,,,,\n00123,hero,3,,,,\n", 3),
        ("1,hero,2,,,,\n00123,,2,x,,,\n", 3),
    ],
)
def test_a_take_is_not_raised_where_the_row_cannot_be_read(rows: str, line: int) -> None:
    with pytest.raises(OverridesError, match=f"overrides.csv, line {line}: "):
        _raise(f"{HEADER}\n{rows}")


def test_problems_of_other_rows_do_not_hinder_a_raised_take() -> None:
    before = f"{HEADER}\n1,hero,two,,,,\n"
    assert _raise(before) == f"{before}00123,hero,2,,,,\n"


_CELLS = st.text(st.sampled_from('ab1" ,;\t\n\rx'), max_size=6)


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(_CELLS, st.sampled_from("123"), _CELLS), max_size=4, unique_by=lambda row: row[1]
    ),
    delimiter=st.sampled_from(",;\t"),
    is_quoted=st.booleans(),
)
def test_every_byte_of_other_cells_is_kept_when_a_take_is_raised(
    *, rows: list[tuple[str, str, str]], delimiter: str, is_quoted: bool
) -> None:
    def write(cell: str) -> str:
        must_be_quoted = is_quoted or set(cell) & set('",;\t\n\r')
        return '"' + cell.replace('"', '""') + '"' if must_be_quoted else cell

    def write_row(note: str, product_id: str, shot: str, text: str) -> str:
        return delimiter.join(map(write, (note, product_id, shot, text)))

    header = write_row("note", "product_id", "shot", "text")
    written = {
        product_id: write_row(note, product_id, "a", text) for note, product_id, text in rows
    }
    before = "".join(f"{row}\r\n" for row in (header, *written.values()))
    written["2"] = written.get("2", delimiter.join(["", "2", "a", ""])) + f"{delimiter}2"
    after = "".join(f"{row}\r\n" for row in (f"{header}{delimiter}take", *written.values()))
    assert _raise(before, product_id="2", shot="a") == after


@pytest.mark.parametrize(
    ("before", "pin", "after"),
    [
        (None, "3f09a1c2", "product_id,shot,take,seed,prompt,pin,skip\n00123,hero,,,,3f09a1c2,\n"),
        ("product_id;shot\n", "3f09a1c2", "product_id;shot;pin\n00123;hero;3f09a1c2\n"),
        (
            'product_id,shot,note,pin\n00123,hero,"a, b",77e0b1d2\n',
            "3f09a1c2",
            'product_id,shot,note,pin\n00123,hero,"a, b",3f09a1c2\n',
        ),
        ("product_id,shot,pin\n00123,hero,77e0b1d2\n", "", "product_id,shot,pin\n00123,hero,\n"),
        ("product_id,shot\n00123,hero\n", "", "product_id,shot\n00123,hero\n"),
    ],
)
def test_a_pin_changes_its_own_cell_alone(before: str | None, pin: str, after: str) -> None:
    data = None if before is None else before.encode()
    changed = set_pin(data, "overrides.csv", product_id="00123", shot="hero", pin=pin)
    assert changed.decode() == after
