"""A table that people change in a spreadsheet decides what they changed in it, and no more."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from flux_assets.manifest.stored import open_manifest
from flux_assets.publishing.decision import DecisionError, Wish
from flux_assets.publishing.decision_table import list_decided, read_csv, write_csv
from flux_assets.publishing.decisions import decide, read_decisions
from flux_assets.storage.directory import DirectoryStore
from flux_assets.storage.formula_cells import read_neutralised
from flux_assets_tests.fixtures.clocks import StandingClock
from flux_assets_tests.fixtures.masters import draw_product, store_masters


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    store = DirectoryStore(tmp_path / "store")
    places = (("-B 2", "hero"), ("A1", "hero"), ("A1", "wide"))
    store_masters(store, {it: draw_product() for it in places})
    return store


def export(store: DirectoryStore) -> str:
    manifest = open_manifest(store)
    assert manifest is not None
    return write_csv(list_decided(manifest, read_decisions(store)))


def say(store: DirectoryStore, place: tuple[str, str], verdict: str, *reasons: str) -> None:
    manifest = open_manifest(store)
    assert manifest is not None
    listed = list_decided(manifest, read_decisions(store))
    (it,) = [it for it in listed if (it.product_id, it.shot) == place]
    wish = it.wish(verdict, reasons=reasons, note="so")  # type: ignore[arg-type]
    assert decide(store, [wish], by="ada", via="test", clock=StandingClock()).applied


def read(store: DirectoryStore, text: str) -> list[Wish]:
    return read_csv(text.encode(), "pictures.csv", read_decisions(store))


def change(text: str, product_id: str, *, delimiter: str = ",", **cells: str) -> str:
    found = csv.DictReader(io.StringIO(text, newline=""))
    rows = [{**row, **(cells if row["product_id"] == product_id else {})} for row in found]
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def test_a_table_given_back_as_it_was_decides_nothing(store: DirectoryStore) -> None:
    say(store, ("A1", "wide"), "rejected", "=1+1", "colour")
    text = export(store)
    assert read(store, text) == []
    say(store, ("A1", "wide"), "approved")  # meanwhile
    say(store, ("A1", "hero"), "approved")
    assert read(store, text) == []


@pytest.mark.parametrize(
    "reasons", [("too dark; wrong cup",), (" dark ",), ("",), ("=1;", "'=2"), (";", "\n"), ("a;b",)]
)
def test_a_table_given_back_as_it_was_decides_nothing_whatever_the_reasons(
    store: DirectoryStore, reasons: tuple[str, ...]
) -> None:
    say(store, ("A1", "wide"), "rejected", *reasons)
    text = export(store)
    assert read(store, text) == []
    (wish,) = read(store, text.replace(",rejected,", ",approved,"))
    assert wish.verdict == "approved"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_what_was_changed_is_decided_upon_what_was_exported(
    store: DirectoryStore, delimiter: str, start: str
) -> None:
    say(store, ("-B 2", "hero"), "approved")
    changed = change(
        export(store),
        "'-B 2",
        delimiter=delimiter,
        verdict=" Rejected",
        reasons="colour; '=2",
        shows_person="no",
    )
    (wish,) = read(store, start + changed)
    assert (wish.verdict, wish.reasons, wish.note) == ("rejected", ("colour", "'=2"), "so")
    assert (wish.seen_revision, wish.shows_person) == (1, False)


def test_no_cell_runs_as_a_formula(store: DirectoryStore) -> None:
    say(store, ("A1", "hero"), "rejected", "=1+1")
    text = export(store)
    assert ",'=1+1," in text
    assert "\r\n'-B 2," in text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "line 1: has no column verdict"),
        ("product_id\nA1\n", "line 1: has no column verdict"),
        ("verdict,revision,fingerprint,sha256\nmaybe,0,a,b\n", "line 2: the verdict is 'maybe'"),
        ("verdict,revision,fingerprint,sha256\napproved,x,a,b\n", "line 2: the revision is 'x'"),
        ("verdict,revision,fingerprint,sha256\napproved,0,a,b\n", "line 2: fingerprint is 'a'"),
        ("verdict,revision,fingerprint,sha256\napproved,0\n", "line 2: fingerprint is ''"),
        (
            "verdict,revision,fingerprint,sha256,shows_person\nrejected,0,a,b,perhaps\n",
            "line 2: shows_person is 'perhaps'",
        ),
    ],
)
def test_a_file_that_cannot_be_understood_is_told_with_its_line(
    store: DirectoryStore, text: str, problem: str
) -> None:
    with pytest.raises(DecisionError, match=problem):
        read(store, text)


@pytest.fixture
def longest_cell() -> Iterator[int]:
    """Python's own bound, which whoever reads a catalog may have raised."""
    raised = csv.field_size_limit(131_072)
    yield 131_072
    csv.field_size_limit(raised)


@pytest.mark.parametrize("line", [1, 2, 3, 4])
@pytest.mark.parametrize("is_quote", [True, False])
def test_a_quote_without_end_and_a_cell_too_long_are_told_with_the_line(
    store: DirectoryStore, longest_cell: int, line: int, *, is_quote: bool
) -> None:
    lines = export(store).splitlines(keepends=True)
    lines[line - 1] = ('"' if is_quote else "x" * longest_cell) + lines[line - 1]
    text = "".join(lines) + "\r\n" * longest_cell
    with pytest.raises(DecisionError, match=f"pictures.csv, line {line}: cannot be read from here"):
        read(store, text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_is_read_as_spreadsheets_save_it(store: DirectoryStore, encoding: str) -> None:
    say(store, ("A1", "hero"), "rejected", "zu groß")
    text = change(export(store), "'-B 2", delimiter=";", verdict="rejected", note="Größe: für 1 €")
    empty = ";" * text.partition("\r\n")[0].count(";")
    data = f"{text}{empty}\r\n".encode(encoding)
    (wish,) = read_csv(data, "pictures.csv", read_decisions(store))
    assert (wish.verdict, wish.note) == ("rejected", "Größe: für 1 €")


@pytest.mark.parametrize("text", ["verdict;note\nrejected;слишком темно", "\x00\x81\x8d\x8f\x90"])
def test_letters_that_are_a_guess_are_not_kept(store: DirectoryStore, text: str) -> None:
    data = text.encode("cp1251" if "verdict" in text else "latin-1")
    with pytest.raises(DecisionError, match="save it as CSV UTF-8"):
        read_csv(data, "pictures.csv", read_decisions(store))


def test_a_spreadsheets_hand_on_the_ids_changes_no_decision(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "store")
    ids = ("00123", "=1+1", "1E5", "'=2", "Größe")
    store_masters(store, {(it, "hero"): draw_product() for it in ids})
    text = export(store)
    assert sorted(read_back(text)) == sorted(ids)
    as_numbers = text.replace("\r\n00123,", "\r\n123,").replace("\r\n1E5,", "\r\n100000,")
    wishes = read(store, as_numbers.replace(",undecided,", ",rejected,"))
    say(store, ("00123", "hero"), "approved")
    answer = decide(store, wishes, by="ada", via="test", clock=StandingClock())
    assert (len(answer.applied), len(answer.conflicts)) == (4, 1)


def read_back(text: str) -> list[str]:
    cells = csv.DictReader(io.StringIO(text, newline=""))
    return [read_neutralised(row["product_id"]) for row in cells]


def test_two_rows_of_one_picture_say_the_same_or_are_told(store: DirectoryStore) -> None:
    changed = change(export(store), "'-B 2", verdict="rejected")
    row = next(line for line in changed.splitlines(keepends=True) if line.startswith("'-B 2"))
    (wish,) = read(store, changed + row)
    assert wish.verdict == "rejected"
    with pytest.raises(DecisionError, match="line 5, product '-B 2': line 2 says otherwise"):
        read(store, changed + row.replace("rejected", "approved"))


def test_a_row_that_cannot_be_understood_is_told_with_its_product(store: DirectoryStore) -> None:
    changed = change(export(store), "A1", verdict="perhaps")
    problem = "pictures.csv, line 3, product 'A1': the verdict is 'perhaps', not one of approved"
    with pytest.raises(DecisionError, match=problem):
        read(store, changed)
