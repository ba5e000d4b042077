import csv
import io
import zipfile

import pytest

from flux_assets.catalog import Catalog, read_catalog
from flux_assets.errors import CatalogError


def read(data: str | bytes, **columns: str | None) -> Catalog:
    raw = data.encode() if isinstance(data, str) else data
    catalog = read_catalog(raw, "export.csv", columns=columns)
    assert_every_row_is_accounted_for(catalog)
    return catalog


def assert_every_row_is_accounted_for(catalog: Catalog) -> None:
    skipped = sum(catalog.skipped.values())
    assert catalog.rows == len(catalog.products) + len(catalog.rejected_rows) + skipped


def titles(catalog: Catalog) -> dict[str, str]:
    return {product.product_id: product.title for product in catalog.products}


def lines(catalog: Catalog) -> dict[str, int]:
    return {product.product_id: product.line for product in catalog.products}


def problem_of(data: str | bytes) -> str:
    with pytest.raises(CatalogError) as caught:
        read(data)
    assert str(caught.value).startswith("export.csv")
    return str(caught.value)


# --- Encodings ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("cp1252", "cp1252"),
    ],
)
def test_the_encoding_is_found(codec: str, encoding: str) -> None:
    catalog = read("id,title\n1,Café € crème\n2,Plain\n".encode(codec))
    assert catalog.encoding == encoding
    assert titles(catalog) == {"1": "Café € crème", "2": "Plain"}


def test_a_guess_at_the_encoding_is_a_warning() -> None:
    assert read("id,title\n1,Café\n").warnings == ()
    assert "line 2" in read("id,title\n1,Café\n".encode("cp1252")).warnings[0]
    assert "Windows-1252" in read("id,title\n1,Café\n".encode("cp1252")).warnings[0]


def test_two_encodings_in_one_file_are_refused_rather_than_garbled() -> None:
    mixed = "id,title\n1,Café\n".encode() + "2,Crème\n".encode("cp1252")
    assert "line 3: is utf-8 up to this line" in problem_of(mixed)


def test_nul_characters_are_dropped_with_a_warning() -> None:
    catalog = read(b"id,ti\0tle\n1,Hat\0\n2,Cap\n3,Scarf\n")
    assert titles(catalog) == {"1": "Hat", "2": "Cap", "3": "Scarf"}
    assert catalog.warnings == ("2 NUL characters were dropped",)


# --- Delimiters and cells -------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_the_delimiter_is_found_whatever_the_cells_contain(delimiter: str, quoting: int) -> None:
    title = "Hat, blue; large | new\tsoft"
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting)  # type: ignore[arg-type]  # one of its own constants
    writer.writerows([["id", "title", "notes, more; or | less"], ["1", title, "x"]])
    catalog = read(file.getvalue())
    assert catalog.delimiter == delimiter
    assert titles(catalog) == {"1": " ".join(title.split())}


def test_commas_in_titles_do_not_hide_a_semicolon() -> None:
    rows = "".join(f"{number};Hat, blue, large, new;a, b\n" for number in range(50))
    catalog = read("Nr;Bezeichnung, kurz;Text\n" + rows, product_id="Nr", title="bezeichnung kurz")
    assert catalog.delimiter == ";"
    assert len(catalog.products) == 50


def test_headers_that_are_known_tell_the_delimiter_where_another_fits_as_well() -> None:
    catalog = read("id;title;notes, a, b\n1;Hat;x, y, z\n")
    assert (catalog.delimiter, titles(catalog)) == (";", {"1": "Hat"})


def test_excel_s_separator_line_is_no_header() -> None:
    catalog = read("sep=;\nid;title\n1;Hat\n")
    assert (catalog.delimiter, lines(catalog)) == (";", {"1": 3})


def test_every_cell_stays_the_text_it_is() -> None:
    catalog = read("id,title,weight,stock\n00123,NA,1e5,.50\n1e5,Infinity,TRUE,007\n")
    assert titles(catalog) == {"00123": "NA", "1e5": "Infinity"}
    assert catalog.products[0].columns["weight"] == "1e5"
    assert catalog.products[1].columns["weight"] == "TRUE"
    assert catalog.products[1].columns["stock"] == "007"


def test_a_cell_may_be_larger_than_the_csv_module_s_limit() -> None:
    text = "x" * (csv.field_size_limit() + 1)
    assert read(f'id,title,description\n1,Hat,"{text}"\n').products[0].description == text


def test_the_limit_for_others_who_read_csv_is_never_lowered() -> None:
    before = csv.field_size_limit()
    read("id,title\n1,Hat\n")
    assert csv.field_size_limit() >= before


# --- Lines ----------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_products_know_the_physical_line_they_start_on(end: str) -> None:
    text = end.join(["", "id,title,description", '1,Hat,"a', "", 'b"', "2,Cap,c", "", "3,Scarf,d"])
    assert lines(read(text)) == {"1": 3, "2": 6, "3": 8}


def test_line_ends_may_be_mixed_and_other_separators_end_no_line() -> None:
    catalog = read('id,title\r1,"Hat\nblue"\r\n2,Cap\u2028\x0b\x1cred\n3,Scarf\r4,Belt')
    assert lines(catalog) == {"1": 2, "2": 4, "3": 5, "4": 6}
    assert titles(catalog)["2"] == "Cap red"


def test_blank_rows_are_skipped_and_blank_lines_are_no_rows() -> None:
    catalog = read("\n , ,\nid,title,price\n\n1,Hat,3\n,,\n")
    assert (catalog.rows, catalog.skipped, lines(catalog)) == (2, {"blank": 1}, {"1": 5})


def test_short_rows_and_rows_with_empty_cells_too_many_are_read() -> None:
    catalog = read("id,title,price\n1,Hat\n2,Cap,3,,\n")
    assert [product.price for product in catalog.products] == ["", "3"]


def test_columns_without_a_name_or_with_another_s_are_left_out() -> None:
    product = read(",id,title,Title,size,SIZE,\n0,1,Hat,Other,L,M,\n").products[0]
    assert (product.title, product.columns) == ("Hat", {"id": "1", "size": "L"})


def test_a_row_whose_cells_are_shifted_is_rejected() -> None:
    catalog = read("id,title,price\n1,Hat, blue,3\n2,Cap,4\n")
    assert titles(catalog) == {"2": "Cap"}
    (rejected,) = catalog.rejected_rows
    assert (rejected.file, rejected.line, rejected.reason) == ("export.csv", 2, "malformed_row")
    assert "4 cells under 3 headers" in rejected.message


@pytest.mark.parametrize("header", ["id,title", "id,title,,"])
def test_a_comma_in_a_title_that_nothing_follows_leaves_it_whole(header: str) -> None:
    catalog = read(f"{header}\n1,Hat\n2,Hat, blue, large,\n")
    assert titles(catalog) == {"1": "Hat", "2": "Hat, blue, large"}
    assert catalog.warnings == (
        "1 titles went on in columns without a name, and were joined (first: line 3)",
    )


def test_cells_under_no_header_are_mentioned() -> None:
    catalog = read("id,title,price,\n1,Hat, blue,3\n")
    assert "first: line 2" in catalog.warnings[0]


# --- Quotation marks ------------------------------------------------------------------------


def test_a_quote_that_is_never_closed_loses_one_row_and_says_so() -> None:
    catalog = read('id,title,price\n1,Hat,1\n2,"Cap,2\n3,Scarf,3\n4,Belt,4\n')
    assert titles(catalog) == {"1": "Hat", "3": "Scarf", "4": "Belt"}
    assert lines(catalog)["3"] == 4
    (rejected,) = catalog.rejected_rows
    assert (rejected.line, rejected.reason) == (3, "malformed_row")
    assert "line 3 could not be read" in rejected.message


def test_a_quote_that_is_closed_by_a_later_row_s_swallows_none_between() -> None:
    catalog = read('id,title,price\n2,"Cap,2\n3,Scarf,3\n4,"Belt, red",4\n5,Tie,5\n')
    assert titles(catalog) == {"3": "Scarf", "4": "Belt, red", "5": "Tie"}
    assert [rejected.line for rejected in catalog.rejected_rows] == [2]


def test_the_rest_of_a_broken_cell_does_not_become_products() -> None:
    catalog = read('id,title,price\n1,"Hat\nmade of "wool"\nand silk",1\n2,"Cap\nred",2\n')
    assert lines(catalog) == {"2": 5}
    (rejected,) = catalog.rejected_rows
    assert "lines 2 to 4 could not be read" in rejected.message


def test_a_file_cut_off_inside_a_quoted_cell_says_so() -> None:
    catalog = read('id,title\n1,Hat\n2,"Ca')
    assert titles(catalog) == {"1": "Hat"}
    assert [rejected.line for rejected in catalog.rejected_rows] == [3]


@pytest.mark.parametrize("row", ['1,5" pipe,3', '"1","5" pipe","3"', '1,"5"" pipe",3'])
def test_inch_marks_are_kept_where_the_row_is_clear(row: str) -> None:
    assert titles(read(f"id,title,price\n{row}\n")) == {"1": '5" pipe'}


def test_a_hostile_file_cannot_have_itself_read_for_ever() -> None:
    assert "quotation marks" in problem_of("id,title\n" + 'a","b\n' * 20_000)


# --- What is no catalog ---------------------------------------------------------------------


def workbook() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo("xl/workbook.xml"), "<workbook/>")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf \r\n", "is empty"),
        (b",,,\n,,\n", "has no header"),
        (b'""\n', "has no header"),
        (b"sep=;", "has no header"),
        (workbook(), "is a workbook that cannot be read"),
        (b"PK\x03\x04", "is a damaged ZIP archive"),
        (b"BZh91AY&SY\0", "is a bzip2 archive, no catalog; unpack it"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is a PNG picture"),
        (bytes(range(1, 32)) * 9, "is a binary file"),
        (b"\n<!DOCTYPE html><html><title>502</title></html>", "is a web page"),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "a" "b"><html/>', "is a web page"),
        (b'{"error": "not found"}', "is JSON"),
        (b'["a", "b"]', "is JSON"),
        (b"1,Hat\n2,Cap\n", "no column for the product's product_id is recognised"),
        (b'id,"title\n1,Hat\n', "line 1: the header has a quotation mark"),
    ],
)
def test_a_file_that_is_no_catalog_is_one_clear_error(data: bytes, problem: str) -> None:
    assert problem in problem_of(data)
